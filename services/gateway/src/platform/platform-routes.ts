import type { OpenApiDocument } from '@punctual/contracts';
import { methodNotAllowed, sendText } from '@punctual/http';
import type { Metrics } from '@punctual/telemetry';
import express, { type RequestHandler, type Router } from 'express';
import { requestState } from '../edge/request-state.ts';
import { docsSecurity, securityHeaders } from '../edge/security-headers.ts';
import { docsRouter } from './docs.ts';
import type { GeneratedDocs } from './generated-docs.ts';
import type { createHealth } from './health.ts';

export type PlatformOptions = {
  health: ReturnType<typeof createHealth>;
  metrics: Metrics;
  openapi: OpenApiDocument;
  docs: GeneratedDocs;
  graphql: Router;
  publicUrl: string;
  admin: Router;
};

const READ_METHODS = ['GET', 'HEAD'];

/** What the gateway answers itself, under both mounts. None of it is limited: a monitor must get through when it matters. */
export function platformRoutes(options: PlatformOptions): Router {
  const { health, metrics, openapi, docs, graphql, publicUrl, admin } = options;
  const router = express.Router({ caseSensitive: true });
  const openapiText = JSON.stringify(openapi);
  const asyncapiText = JSON.stringify(docs.asyncapi);
  metrics.processMetrics();

  const serve = (path: string, handler: RequestHandler, isQuiet = false): void => {
    router.all(path, (req, res, next) => {
      const state = requestState(res);
      state.upstream = 'gateway';
      state.isQuiet = isQuiet;
      if (!READ_METHODS.includes(req.method)) throw methodNotAllowed(READ_METHODS);
      return handler(req, res, next);
    });
  };
  serve('/health/live', health.live, true);
  serve('/health/ready', health.ready, true);
  serve('/health', health.summary, true);
  serve(
    '/metrics',
    async (_req, res) => sendText(res, 200, await metrics.registry.metrics(), metrics.registry.contentType),
    true,
  );
  serve('/openapi.json', (_req, res) => sendText(res, 200, openapiText, 'application/json; charset=utf-8'));
  serve('/asyncapi.json', (_req, res) => sendText(res, 200, asyncapiText, 'application/json; charset=utf-8'));
  router.use(admin);
  router.use('/graphql', graphql);
  router.use('/docs', pageHeaders(publicUrl), docsRouter(docs));
  return router;
}

function pageHeaders(publicUrl: string): RequestHandler {
  const setHeaders = securityHeaders(docsSecurity(new URL(publicUrl).origin));
  return (req, res, next) => {
    requestState(res).upstream = 'gateway';
    if (!READ_METHODS.includes(req.method)) throw methodNotAllowed(READ_METHODS);
    setHeaders(req, res, next);
  };
}
