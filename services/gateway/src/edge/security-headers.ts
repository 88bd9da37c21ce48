import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { RequestHandler } from 'express';
import helmet, { type HelmetOptions } from 'helmet';

type Headers = readonly (readonly [string, string])[];

/** An API's answers are data: nothing in them may load or run, and nobody frames them. */
export const API_SECURITY: HelmetOptions = {
  contentSecurityPolicy: {
    useDefaults: false,
    directives: { defaultSrc: ["'none'"], baseUri: ["'none'"], formAction: ["'none'"], frameAncestors: ["'none'"] },
  },
  frameguard: { action: 'deny' },
  referrerPolicy: { policy: 'no-referrer' },
};

/** The documentation page runs its own scripts, sets styles from them, and calls the API at its public address. */
export function docsSecurity(publicOrigin: string): HelmetOptions {
  return {
    ...API_SECURITY,
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'", "'unsafe-inline'"],
        imgSrc: ["'self'", 'data:'],
        fontSrc: ["'self'", 'data:'],
        connectSrc: ["'self'", publicOrigin],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
  };
}

/** Sets helmet's headers. They are the same for every answer, so helmet is asked once. */
export function securityHeaders(options: HelmetOptions): RequestHandler {
  const headers = headersOf(options);
  return function setSecurityHeaders(_req, res, next) {
    for (const [name, value] of headers) res.setHeader(name, value);
    next();
  };
}

function headersOf(options: HelmetOptions): Headers {
  const req = new IncomingMessage(new Socket());
  const res = new ServerResponse(req);
  helmet(options)(req, res, (error?: unknown) => {
    if (error !== undefined) throw error;
  });
  return Object.entries(res.getHeaders()).map(([name, value]) => [name, String(value)] as const);
}
