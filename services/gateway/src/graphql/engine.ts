import type { Logger } from '@punctual/telemetry';
import { createYoga, useExecutionCancellation } from 'graphql-yoga';
import type { GraphqlContext } from './context.ts';
import { createErrorMask } from './errors.ts';
import { documentLimits, type LimitOptions } from './limits.ts';
import { type Operation, observeOperation } from './operation.ts';
import { executableSchema } from './schema.ts';

/** What one request brings: who asks and with what, and where the outcome is noted. */
export type ServerContext = GraphqlContext & { readonly operation: Operation };

/** A request that the edge has read already; the engine sees none of its headers but these. */
export type EngineRequest = {
  readonly method: 'GET' | 'POST';
  /** With its question mark, or empty. */
  readonly query: string;
  readonly accept: string | undefined;
  /** JSON. */
  readonly body: string | undefined;
  readonly signal: AbortSignal;
};

/** Parses, validates and executes; answers JSON or, for a subscription, server-sent events. */
export type Engine = { execute(request: EngineRequest, context: ServerContext): Promise<Response> };

/** The engine's own address, which nobody outside sees. */
const ENDPOINT = 'http://gateway/graphql';

export function createEngine({ logger, ...limits }: LimitOptions & { logger: Logger }): Engine {
  const maskError = createErrorMask(logger);
  const yoga = createYoga<ServerContext>({
    schema: executableSchema<ServerContext>(),
    plugins: [...documentLimits(limits), useExecutionCancellation(), observeOperation(maskError)],
    maskedErrors: { maskError },
    // Node's own: their streams end when the client does.
    fetchAPI: { Request, Response, ReadableStream, TextEncoder, Headers, URL, URLSearchParams },
    // What it would log, the mask has logged; batching, uploads and pages are the edge's to refuse or to show.
    logging: false,
    batching: false,
    multipart: false,
    graphiql: false,
    landingPage: false,
    cors: false,
    maxRequestBodySize: false,
  });
  return {
    async execute({ method, query, accept, body, signal }, context) {
      const request = new Request(ENDPOINT + query, {
        method,
        headers: {
          ...(accept === undefined ? {} : { accept }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        body: body ?? null,
        signal,
      });
      return await yoga.fetch(request, context);
    },
  };
}
