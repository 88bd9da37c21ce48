import { connect } from 'node:net';
import { defineRoute } from '@punctual/contracts';
import { createMetrics, type LogFields, type Logger } from '@punctual/telemetry';
import { z } from 'zod';
import {
  createHttpApp,
  type HttpAppOptions,
  type HttpServer,
  type HttpServerOptions,
  handle,
  httpServer,
  type Identity,
  type MountedRoute,
  unauthenticated,
  type Verifier,
} from '../src/index.ts';

export type LogLine = { level: string; message: string; fields: LogFields };

/** Keeps what is logged, for a test to look at. */
export function recordingLogger(): { logger: Logger; lines: LogLine[] } {
  const lines: LogLine[] = [];
  const write =
    (level: string) =>
    (message: string, fields: LogFields = {}): void => {
      lines.push({ level, message, fields });
    };
  const logger: Logger = {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: () => logger,
  };
  return { logger, lines };
}

const idText = z
  .string()
  .regex(/^[1-9]\d{0,15}$/, 'must be a positive integer')
  .transform(Number)
  .refine(Number.isSafeInteger, 'must be a positive integer');

const route = { tag: 'things', summary: 'For tests', errors: [] } as const;

export const getThing = defineRoute({
  ...route,
  id: 'getThing',
  method: 'get',
  path: '/things/:id',
  access: 'public',
  params: z.strictObject({ id: idText }),
  query: z.strictObject({ q: z.string().optional(), page: z.string().optional() }),
  success: { status: 200, schema: z.object({ id: z.number(), q: z.string().optional() }) },
});

export const getOwn = defineRoute({
  ...route,
  id: 'getOwn',
  method: 'get',
  path: '/things/own',
  access: 'user',
  success: { status: 200, schema: z.object({ user_id: z.number(), role: z.string() }) },
});

export const placeThing = defineRoute({
  ...route,
  id: 'placeThing',
  method: 'post',
  path: '/things',
  aliases: ['/articles'],
  access: 'public',
  body: z.strictObject({
    name: z.string().max(500),
    note: z.unknown().optional(),
    items: z.array(z.strictObject({ product_id: z.int().positive(), quantity: z.int().min(1).max(1_000) })).max(50),
  }),
  success: { status: 201, schema: z.object({ name: z.string() }) },
});

export const touchThing = defineRoute({
  ...route,
  id: 'touchThing',
  method: 'post',
  path: '/things/:id/touch',
  access: 'public',
  params: z.strictObject({ id: idText }),
  success: { status: 204 },
});

export const removeThing = defineRoute({
  ...route,
  id: 'removeThing',
  method: 'delete',
  path: '/things/:id',
  access: 'admin',
  params: z.strictObject({ id: idText }),
  success: { status: 204 },
});

/** Two tokens that need no keys; the real verifier has tests of its own. */
export const fakeVerifier: Verifier = {
  async verify(token) {
    const identities: Record<string, Identity> = {
      'customer-token': { userId: 7, email: 'customer@punctual.test', role: 'customer', tokenId: 'c' },
      'admin-token': { userId: 1, email: 'admin@punctual.test', role: 'admin', tokenId: 'a' },
    };
    const identity = identities[token];
    if (identity === undefined) throw unauthenticated('The access token is not valid.', { invalidToken: true });
    return identity;
  },
};

export const thingRoutes: MountedRoute[] = [
  // The parameter comes first on purpose: the order of routes must not matter.
  handle(getThing, ({ params, query }) => ({ id: params.id, ...(query.q === undefined ? {} : { q: query.q }) })),
  handle(getOwn, ({ identity }) => ({ user_id: identity.userId, role: identity.role })),
  handle(placeThing, ({ body }) => ({ name: body.name })),
  handle(touchThing, () => undefined),
  handle(removeThing, () => undefined),
];

export type TestApp = { server: HttpServer; url: string; lines: LogLine[]; metrics(): Promise<string> };

/** A listening app on a free port. Stop it in `after`. */
export async function startTestApp(
  options: Partial<HttpAppOptions> & { server?: Partial<HttpServerOptions> } = {},
): Promise<TestApp> {
  const { server: serverOptions, ...appOptions } = options;
  const { logger, lines } = recordingLogger();
  const metrics = createMetrics('things');
  const app = createHttpApp({
    service: 'things',
    logger,
    metrics,
    verifier: fakeVerifier,
    routes: thingRoutes,
    readiness: [],
    ...appOptions,
  });
  const server = httpServer({ app, host: '127.0.0.1', port: 0, logger, ...serverOptions });
  await server.start();
  return { server, url: server.url, lines, metrics: () => metrics.registry.metrics() };
}

/** Sends bytes as they are and returns all that came back until the server closed the connection. */
export function sendRaw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let received = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      received += chunk;
    });
    socket.on('close', () => resolve(received));
    socket.on('error', reject);
    socket.setTimeout(5_000, () => socket.destroy(new Error(`no end of the answer; so far: ${received}`)));
    socket.write(text);
  });
}

export type ErrorAnswer = {
  error: { code: string; message: string; details: unknown; request_id: string };
};

/** The body of an answer that is in the error shape. */
export async function errorOf(response: Response): Promise<ErrorAnswer['error']> {
  const body = (await response.json()) as ErrorAnswer;
  return body.error;
}

/** The fields that a validation answer names. */
export async function fieldsOf(response: Response): Promise<string[]> {
  const { details } = await errorOf(response);
  return (details as { field: string }[]).map((problem) => problem.field);
}
