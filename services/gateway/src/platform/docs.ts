import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AsyncApiDocument } from '@punctual/contracts';
import { notFound, sendText } from '@punctual/http';
import express, { type Request, type Response, type Router } from 'express';
import { MOUNTS } from '../edge/request-target.ts';
import { eventsPage } from './events-page.ts';

const OWN_ASSETS = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'assets');
/** Found, not imported: the package's own entry would load the whole page's script into this process. */
const SWAGGER_UI = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
/** The parts of swagger-ui-dist that the page loads; the rest of that folder is nobody's business. */
const SWAGGER_ASSETS = ['swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-16x16.png', 'favicon-32x32.png'];
const CACHE_SECONDS = 3_600;

/**
 * Swagger UI, and the page of events and queues at `/events`, from this machine's own files: the pages work without any network
 * beyond the gateway.
 */
export function docsRouter(asyncapi: AsyncApiDocument): Router {
  const router = express.Router({ caseSensitive: true });
  // Written once: nothing limits how often these pages are asked for.
  const eventsPages = new Map(MOUNTS.map((mount) => [`${mount}/docs`, eventsPage(asyncapi, `${mount}/docs`)]));
  router.get('/', (req: Request, res: Response) => {
    sendText(res, 200, page(req.baseUrl), 'text/html; charset=utf-8');
  });
  router.get('/events', (req: Request, res: Response) => {
    const html = eventsPages.get(req.baseUrl);
    if (html === undefined) throw notFound('resource');
    sendText(res, 200, html, 'text/html; charset=utf-8');
  });
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
function page(base: string): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Punctual API</title>
    <link rel="icon" type="image/png" href="${base}/favicon-32x32.png">
    <link rel="stylesheet" href="${base}/swagger-ui.css">
  </head>
  <body>
    <nav style="padding: 0.5rem 1rem; font-family: sans-serif"><a href="${base}/events">Events and queues</a></nav>
    <div id="swagger-ui"></div>
    <script src="${base}/swagger-ui-bundle.js"></script>
    <script src="${base}/docs.js"></script>
  </body>
</html>
`;
}
