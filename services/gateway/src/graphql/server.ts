import { isUtf8 } from 'node:buffer';
import { buffer } from 'node:stream/consumers';
import {
  AppError,
  type Identity,
  methodNotAllowed,
  toAppError,
  unavailable,
  unsupportedMediaType,
  validationFailed,
} from '@punctual/http';
import { type Logger, type Metrics, runWithContext } from '@punctual/telemetry';
import express, { type Request, type Response, type Router } from 'express';
import type { Admission, Bucket } from '../edge/admission.ts';
import { tokenExpiryMs } from '../edge/authorize.ts';
import { requestState } from '../edge/request-state.ts';
import { ClientGoneError, readRequestBody } from '../proxy/request-body.ts';
import { sendAnswer, sendAnswerError } from './answer.ts';
import type { Engine } from './engine.ts';
import { graphiql } from './graphiql.ts';
import { createLoaders } from './loaders.ts';
import { newOperation, operationMeter } from './operation.ts';
import type { OrderWatch } from './order-watch.ts';
import type { Services } from './services.ts';

export type GraphqlServerOptions = {
  readonly engine: Engine;
  readonly services: Services;
  readonly watch: OrderWatch;
  readonly admission: Admission;
  readonly policy: () => Bucket['policy'];
  readonly bodyLimitBytes: number;
  /** From a request's last byte to its answer; a subscription's first byte. */
  readonly timeoutMs: number;
  readonly writeTimeoutMs: number;
  /** Operations under way at a time; subscriptions count until they have begun. */
  readonly maxInFlight: number;
  readonly logger: Logger;
  readonly metrics: Metrics;
};

const SERVICE = 'graphql';
const METHODS = ['GET', 'POST'] as const;
const JSON_BODY = /^application\/json *(?:; *charset=utf-8)?$/i;
/** Parameters of GET that hold JSON. */
const JSON_PARAMETERS = ['variables', 'extensions'];
const BUSY_RETRY_AFTER_SECONDS = 1;
const NOT_ACCEPTABLE = 406;

/**
 * `/graphql`: an operation by POST, a query by GET, GraphiQL for a browser. In order: who is it and may it still (rate limit), is there
 * room (admission), its body, the document's limits, the execution. Identity is the access token alone; no header reaches the graph.
 */
export function graphqlRouter(options: GraphqlServerOptions): Router {
  const { engine, services, watch, admission, maxInFlight, metrics } = options;
  const page = graphiql();
  const count = operationMeter(metrics);
  const shed = metrics.counter({
    name: 'gateway_shed_total',
    help: 'Requests refused because too many were under way.',
    labelNames: ['upstream'],
  });
  let inFlight = 0;
  metrics.gauge({
    name: 'graphql_in_flight',
    help: 'Operations under way.',
    collect() {
      this.set(inFlight);
    },
  });

  async function answer(req: Request, res: Response): Promise<void> {
    const method = METHODS.find((one) => one === req.method);
    if (method === undefined) throw methodNotAllowed(METHODS);
    const identity = await admission.admit(req, res, { service: SERVICE, policy: options.policy() });
    const body = await readJsonBody(req, options.bodyLimitBytes);
    if (method === 'POST' && body === undefined) throw validationFailed([{ field: 'body', message: 'is required' }]);
    if (method === 'GET') refuseUnreadableParameters(requestState(res).target?.query ?? '');
    if (res.destroyed) throw new ClientGoneError();
    if (inFlight >= maxInFlight) {
      shed.inc({ upstream: SERVICE });
      throw unavailable('gateway', BUSY_RETRY_AFTER_SECONDS);
    }
    await sendAnswer(res, await counted(() => execute({ req, res, method, body, identity })));
  }

  /** A subscription that has begun is bounded on its own: it may last, and mostly waits. */
  async function counted<T>(work: () => Promise<T>): Promise<T> {
    inFlight += 1;
    try {
      return await work();
    } finally {
      inFlight -= 1;
    }
  }

  type Accepted = {
    req: Request;
    res: Response;
    method: (typeof METHODS)[number];
    body: string | undefined;
    identity: Identity | undefined;
  };

  async function execute({ req, res, method, body, identity }: Accepted) {
    const { clientAddress, target } = requestState(res);
    const { authorization, accept } = req.headers;
    const operation = newOperation();
    const over = new AbortController();
    const { signal } = over;
    res.once('close', () => over.abort(new ClientGoneError()));
    const deadline = setTimeout(() => over.abort(timedOut()), options.timeoutMs);
    const caller = { authorization: identity === undefined ? undefined : authorization, clientAddress, signal };
    const executed = engine.execute(
      { method, query: target?.query ?? '', accept, body },
      {
        identity,
        tokenExpiresAtMs: identity === undefined ? 0 : tokenExpiryMs(authorization),
        caller,
        services,
        loaders: createLoaders(services, caller),
        watch,
        signal,
        writeTimeoutMs: options.writeTimeoutMs,
        operation,
      },
    );
    try {
      const answered = await Promise.race([executed, abortOf(signal)]);
      if (answered.status === NOT_ACCEPTABLE) throw notAcceptable();
      return answered;
    } catch (error) {
      // What comes too late is read by nobody, and a stream of events would send pings for ever.
      executed.then((late) => late.body?.cancel()).catch(() => undefined);
      throw error;
    } finally {
      clearTimeout(deadline);
      count(operation);
    }
  }

  const router = express.Router({ caseSensitive: true });
  router.use('/assets', page.assets);
  router.all('/', (req, res) => {
    const state = requestState(res);
    state.upstream = SERVICE;
    if (isBrowser(req)) {
      page.sendPage(res, req.baseUrl);
      return;
    }
    const { requestId, correlationId, traceparent } = state;
    return runWithContext({ requestId, correlationId, traceparent }, async () => {
      try {
        await answer(req, res);
      } catch (error) {
        refuse(res, error, options.logger);
      }
    });
  });
  return router;
}

function refuse(res: Response, thrown: unknown, logger: Logger): void {
  if (thrown instanceof ClientGoneError || res.headersSent || res.destroyed) {
    res.destroy();
    return;
  }
  const known = toAppError(thrown);
  if (known === undefined) logger.error('an operation failed', { error: thrown });
  sendAnswerError(
    res,
    known ?? new AppError({ code: 'INTERNAL', message: 'Something went wrong on our side.', cause: thrown }),
  );
}

/** A page is asked for by its type; no client of the API accepts HTML. */
function isBrowser(req: Request): boolean {
  return req.method === 'GET' && (req.headers.accept ?? '').includes('text/html');
}

async function readJsonBody(req: Request, limitBytes: number): Promise<string | undefined> {
  const body = await readRequestBody(req, limitBytes);
  if (body.kind === 'none') return undefined;
  if (!JSON_BODY.test(req.headers['content-type'] ?? '')) {
    if (body.kind === 'stream') body.stream.destroy();
    throw unsupportedMediaType();
  }
  const bytes = body.kind === 'whole' ? body.bytes : await buffer(body.stream);
  if (!isUtf8(bytes)) throw validationFailed([{ field: 'body', message: 'is not UTF-8' }]);
  return bytes.toString();
}

/** The engine would take what is not JSON for a failure of its own. */
function refuseUnreadableParameters(query: string): void {
  const parameters = new URLSearchParams(query);
  const problems = JSON_PARAMETERS.flatMap((field) => {
    const text = parameters.get(field);
    return text === null || text === '' || isJsonObject(text) ? [] : [{ field, message: 'must be a JSON object' }];
  });
  if (problems.length > 0) throw validationFailed(problems);
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return value === null || (typeof value === 'object' && !Array.isArray(value));
  } catch {
    return false;
  }
}

/** Rejects with the reason when the signal is aborted: an execution that nobody waits for reads no more, and is left to itself. */
function abortOf(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  if (signal.aborted) reject(signal.reason);
  else signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  return promise;
}

function notAcceptable(): AppError {
  return new AppError({
    code: 'VALIDATION_FAILED',
    status: NOT_ACCEPTABLE,
    message: 'Queries and mutations are answered as application/json, subscriptions as text/event-stream.',
    details: [{ field: 'accept', message: 'names no type that can be answered' }],
  });
}

function timedOut(): AppError {
  return new AppError({
    code: 'TIMEOUT',
    message: 'The operation did not finish in time. Whether it did what was asked is not known.',
    retryable: true,
  });
}
