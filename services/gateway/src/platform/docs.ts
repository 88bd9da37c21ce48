import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { notFound, sendText } from '@punctual/http';
import express, { type Request, type Response, type Router } from 'express';
import { MOUNTS } from '../edge/request-target.ts';
import { EXAMPLES } from '../graphql/examples.ts';
import { sdl } from '../graphql/schema.ts';
import { wholePage } from './docs-layout.ts';
import { eventsPage } from './events-page.ts';
import type { GeneratedDocs } from './generated-docs.ts';
import { graphqlPage } from './graphql-page.ts';
import { grpcPage } from './grpc-page.ts';
import type { Html } from './html.ts';

const OWN_ASSETS = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'assets');
/** Found, not imported: the package's own entry would load the whole page's script into this process. */
const SWAGGER_UI = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
/** The parts of swagger-ui-dist that the page loads; the rest of that folder is nobody's business. */
const SWAGGER_ASSETS = ['swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-16x16.png', 'favicon-32x32.png'];
const CACHE_SECONDS = 3_600;

/**
 * Swagger UI, the pages of GraphQL, gRPC, and events and queues, and the .proto files, from this machine's own files: all works without any
 * network beyond the gateway.
 */
export function docsRouter({ asyncapi, grpc, protos }: GeneratedDocs): Router {
  const router = express.Router({ caseSensitive: true });
  const servePage = (path: string, write: (base: string) => Html): void => {
    // Written once: nothing limits how often these pages are asked for.
    const pages = new Map(MOUNTS.map((mount) => [`${mount}/docs`, write(`${mount}/docs`)]));
    router.get(path, (req: Request, res: Response) => {
      const html = pages.get(req.baseUrl);
      if (html === undefined) throw notFound('resource');
      sendText(res, 200, html, 'text/html; charset=utf-8');
    });
  };
  servePage('/', swaggerPage);
  servePage('/graphql', (base) => graphqlPage({ sdl, examples: EXAMPLES }, base));
  router.get('/schema.graphql', (_req, res) => sendText(res, 200, sdl, 'text/plain; charset=utf-8'));
  servePage('/grpc', (base) => grpcPage(grpc, base));
  servePage('/events', (base) => eventsPage(asyncapi, base));
  for (const [name, text] of Object.entries(protos)) {
    router.get(`/proto/${name}`, (_req, res) => sendText(res, 200, text, 'text/plain; charset=utf-8'));
  }
  const options = { index: false, redirect: false, maxAge: CACHE_SECONDS * 1_000 };
  const swagger = express.static(SWAGGER_UI, options);
  router.use((req, res, next) => {
    if (SWAGGER_ASSETS.includes(req.path.slice(1))) swagger(req, res, next);
    else next();
  });
  router.use(express.static(OWN_ASSETS, options));
  router.use(() => {
    throw notFound('resource');
  });
  return router;
}

/** `base` is the page's own path under its mount, such as `/api/v1/docs`. */
function swaggerPage(base: string): Html {
  const raw = [{ href: `${base.replace(/\/docs$/, '')}/openapi.json`, name: 'OpenAPI document' }];
  const layout = { base, current: '', title: 'Punctual API', raw } as const;
  return wholePage(layout, {
    head: `\n    <link rel="stylesheet" href="${base}/swagger-ui.css">`,
    body: `<div id="swagger-ui"></div>
    <script src="${base}/swagger-ui-bundle.js"></script>
    <script src="${base}/docs.js"></script>`,
  });
}
