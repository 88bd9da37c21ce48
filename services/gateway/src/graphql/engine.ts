import type { Logger } from '@punctual/telemetry';
import type { DocumentNode } from 'graphql';
import { createYoga, type Plugin } from 'graphql-yoga';
import { LRUCache } from 'lru-cache';
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
};

/**
 * Parses, validates and executes; answers JSON or, for a subscription, server-sent events. It answers also when the context's signal is
 * aborted, soon: a stream that is not read then has to be cancelled.
 */
export type Engine = { execute(request: EngineRequest, context: ServerContext): Promise<Response> };

/** The engine's own address, which nobody outside sees. */
const ENDPOINT = 'http://gateway/graphql';

/** Documents that are remembered parsed and validated. Sizes are in characters: a dense document takes 300 bytes for each. */
const REMEMBERED = { max: 100, maxSize: 50_000, maxEntrySize: 5_000 };

export function createEngine({ logger, ...limits }: LimitOptions & { logger: Logger }): Engine {
  const maskError = createErrorMask(logger);
  const yoga = createYoga<ServerContext>({
    schema: executableSchema<ServerContext>(),
    plugins: [...documentLimits(limits), cancellation, observeOperation(maskError)],
    maskedErrors: { maskError },
    parserAndValidationCache: { documentCache: rememberedDocuments(), errorCache: FORGETFUL },
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
    async execute({ method, query, accept, body }, context) {
      const request = new Request(ENDPOINT + query, {
        method,
        headers: {
          ...(accept === undefined ? {} : { accept }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        body: body ?? null,
      });
      return await yoga.fetch(request, context);
    },
  };
}

const cancellation: Plugin<ServerContext> = { onExecute: cancelWithContext, onSubscribe: cancelWithContext };

/** Ends the execution only. Were the signal the Request's, the engine would forget about the answer that it makes meanwhile. */
function cancelWithContext({ args }: { args: { contextValue: ServerContext; signal?: AbortSignal } }): void {
  args.signal = args.contextValue.signal;
}

/** Bounded by size too: what is remembered, anybody may have sent. */
function rememberedDocuments(): LRUCache<string, DocumentNode> {
  return new LRUCache({ ...REMEMBERED, sizeCalculation: (_document, text) => text.length });
}

/** What cannot be parsed is sent once. */
const FORGETFUL = { get: () => undefined, set: () => undefined };
