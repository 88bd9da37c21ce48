import { Client, errors } from '@opensearch-project/opensearch';
import type { z } from 'zod';

const DEFAULT_TIMEOUT_MS = 30_000;
const TOO_MANY_REQUESTS = 429;

/** OpenSearch does not answer, has too much to do, or lacks what has to be there: nothing is wrong with what was asked. */
export class SearchUnavailable extends Error {
  override readonly name = 'SearchUnavailable';
  readonly retryable = true;
}

/** OpenSearch answers that it will not do this. */
export class SearchRefused extends Error {
  override readonly name = 'SearchRefused';
  readonly status: number;

  constructor(status: number, reason: string, options?: ErrorOptions) {
    super(`OpenSearch refused with ${status}: ${reason}`, options);
    this.status = status;
  }
}

export type Call = {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  path: string;
  query?: Readonly<Record<string, string>>;
  body?: object;
  /** A body of many lines, each JSON. */
  lines?: string;
  timeoutMs?: number;
};

export type Connection = {
  /** Throws SearchUnavailable or SearchRefused. */
  request<T>(answer: z.ZodType<T>, call: Call): Promise<T>;
  close(): Promise<void>;
};

/** Connects when first asked. Nothing is tried twice here: who asks knows whether that is wise. */
export function connectOpenSearch(url: string): Connection {
  const client = new Client({ node: url, maxRetries: 0, resurrectStrategy: 'none' });

  return {
    async request(answer, { method, path, query, body, lines, timeoutMs = DEFAULT_TIMEOUT_MS }) {
      const asked = client.transport.request(
        {
          method,
          path,
          ...(query === undefined ? {} : { querystring: { ...query } }),
          ...(body === undefined ? {} : { body }),
          ...(lines === undefined ? {} : { bulkBody: lines }),
        },
        { requestTimeout: timeoutMs, maxRetries: 0 },
      );
      try {
        return answer.parse((await asked).body);
      } catch (error) {
        throw translate(error);
      }
    },
    close: () => client.close(),
  };
}

function translate(error: unknown): unknown {
  if (error instanceof errors.ResponseError) {
    const status = error.statusCode ?? 0;
    const isRefusal = status >= 400 && status < 500 && status !== TOO_MANY_REQUESTS;
    if (isRefusal) return new SearchRefused(status, error.message, { cause: error });
  }
  if (error instanceof errors.OpenSearchClientError) return new SearchUnavailable(error.message, { cause: error });
  return error;
}
