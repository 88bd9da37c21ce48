import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { notFound, sendText } from '@punctual/http';
import express, { type Response, type Router } from 'express';
import type { HelmetOptions } from 'helmet';
import { API_SECURITY, securityHeaders } from '../edge/security-headers.ts';
import { EXAMPLES } from './examples.ts';

const CACHE_SECONDS = 3_600;
const HTML = 'text/html; charset=utf-8';
const SCRIPT = 'text/javascript; charset=utf-8';
const STYLE = 'text/css; charset=utf-8';

/** The editor runs its own scripts and workers, sets styles from them, and calls the API that it came from. */
const GRAPHIQL_SECURITY: HelmetOptions = {
  ...API_SECURITY,
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'", "'unsafe-inline'"],
      imgSrc: ["'self'", 'data:'],
      fontSrc: ["'self'", 'data:'],
      connectSrc: ["'self'"],
      workerSrc: ["'self'"],
      baseUri: ["'none'"],
      formAction: ["'none'"],
      frameAncestors: ["'none'"],
    },
  },
};

type Asset = { readonly type: string; readonly plain: Buffer; readonly zipped: Buffer };

/**
 * GraphiQL from this machine's own files. @graphql-yoga/render-graphiql brings them as nine megabytes of strings for one page with
 * everything inside it, which no strict policy lets run; here they are files, read when somebody first asks for one.
 */
export function graphiql(): { sendPage(res: Response, base: string): void; readonly assets: Router } {
  const setHeaders = securityHeaders(GRAPHIQL_SECURITY);
  let loading: Promise<Map<string, Asset>> | undefined;

  const assets = express.Router({ caseSensitive: true });
  assets.get('/:name', async (req, res) => {
    loading ??= loadAssets();
    const asset = (await loading).get(req.params.name);
    if (asset === undefined) throw notFound('resource');
    res.setHeader('cache-control', `public, max-age=${CACHE_SECONDS}`);
    res.setHeader('vary', 'Accept-Encoding');
    const isZipped = /\bgzip\b/.test(req.headers['accept-encoding'] ?? '');
    const bytes = isZipped ? asset.zipped : asset.plain;
    res.setHeader('content-type', asset.type);
    if (isZipped) res.setHeader('content-encoding', 'gzip');
    res.setHeader('content-length', bytes.length);
    res.end(bytes);
  });

  return {
    assets,
    sendPage(res, base) {
      setHeaders(res.req, res, () => undefined);
      sendText(res, 200, page(`${base}/assets`), HTML);
    },
  };
}

async function loadAssets(): Promise<Map<string, Asset>> {
  const files = await import('@graphql-yoga/render-graphiql/graphiql');
  const texts: [name: string, type: string, text: string][] = [
    ['graphiql.css', STYLE, files.css],
    ['setup.js', SCRIPT, SETUP],
    ['graphiql.js', SCRIPT, files.js],
    ['start.js', SCRIPT, START],
    ['editor.worker.js', SCRIPT, files.editorWorkerService],
    ['json.worker.js', SCRIPT, files.jsonWorker],
    ['graphql.worker.js', SCRIPT, files.graphqlWorker],
  ];
  const loaded = await Promise.all(
    texts.map(async ([name, type, text]) => {
      const plain = Buffer.from(text);
      return [name, { type, plain, zipped: await promisify(gzip)(plain) }] as const;
    }),
  );
  return new Map(loaded);
}

/** Before the editor is loaded: where its workers are. */
const SETUP = `const assets = new URL('.', document.currentScript.src);
const workers = { json: 'json.worker.js', graphql: 'graphql.worker.js' };
self.MonacoEnvironment = {
  globalAPI: false,
  getWorkerUrl: (_module, label) => new URL(workers[label] ?? 'editor.worker.js', assets).href,
};
`;

const TABS = EXAMPLES.map(({ query, variables }) => ({
  query,
  ...(variables === undefined ? {} : { variables: JSON.stringify(variables, null, 2) }),
}));

const START = `YogaGraphiQL.renderYogaGraphiQL(document.querySelector('#root'), ${JSON.stringify({
  title: 'Punctual GraphQL',
  defaultTabs: TABS,
})});
`;

function page(assets: string): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Punctual GraphQL</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="${assets}/graphiql.css">
  </head>
  <body class="no-focus-outline">
    <noscript>The editor needs JavaScript.</noscript>
    <div id="root" style="height: 100vh"></div>
    <script src="${assets}/setup.js"></script>
    <script src="${assets}/graphiql.js"></script>
    <script src="${assets}/start.js"></script>
  </body>
</html>
`;
}
