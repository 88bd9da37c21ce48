import cors from 'cors';
import type { RequestHandler } from 'express';

const PREFLIGHT_SECONDS = 600;
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];
const ALLOWED_HEADERS = [
  'Accept',
  'Authorization',
  'Content-Type',
  'Idempotency-Key',
  'If-Match',
  'If-None-Match',
  'traceparent',
  'X-Correlation-Id',
  'X-Request-Id',
];
const EXPOSED_HEADERS = [
  'ETag',
  'Location',
  'RateLimit',
  'RateLimit-Policy',
  'Retry-After',
  'Search-Engine',
  'X-Correlation-Id',
  'X-Request-Id',
];

/**
 * Lets scripts of the given origins call the API; `*` is any origin. Cookies take no part in it: who calls is said by the
 * Authorization header alone. Answers preflights.
 */
export function crossOrigin(origins: readonly string[]): RequestHandler {
  const isAnyOrigin = origins.includes('*');
  const answerCors = cors({
    origin: isAnyOrigin ? '*' : [...origins],
    methods: METHODS,
    allowedHeaders: ALLOWED_HEADERS,
    exposedHeaders: EXPOSED_HEADERS,
    maxAge: PREFLIGHT_SECONDS,
  });
  return function allowOrigins(req, res, next) {
    // A plain OPTIONS without an origin is no preflight; the service answers it.
    const isPreflight = req.headers['access-control-request-method'] !== undefined;
    if (req.headers.origin !== undefined && (req.method !== 'OPTIONS' || isPreflight)) {
      answerCors(req, res, next);
      return;
    }
    // A cache must not give an answer without these headers to a script that needs them.
    if (!isAnyOrigin && origins.length > 0) res.setHeader('vary', 'Origin');
    next();
  };
}
