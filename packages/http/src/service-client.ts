import { errorBody } from '@punctual/contracts';
import { currentContext, newTraceparent } from '@punctual/telemetry';
import { type Dispatcher, Pool } from 'undici';
import type { z } from 'zod';
import { AppError, unavailable } from './app-error.ts';

export type ServiceClientOptions = {
  /** Names the service in errors: `product`. */
  name: string;
  baseUrl: string;
  /** Bound of one call, headers and body together; default 1,000. */
  timeoutMs?: number;
  /** Default 16. */
  connections?: number;
};

export type ServiceRequest<Data extends z.ZodType> = {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With its query, starting with `/`. */
  path: string;
  body?: unknown;
  /** The caller's Authorization header, passed on as it came. */
  authorization?: string;
  /** What stands inside `data`. */
  schema: Data;
};

export type ServiceClient = {
  /** The answer's `data`, checked. A 4xx is thrown as the AppError it carries; all else is 503 UNAVAILABLE. */
  request<Data extends z.ZodType>(request: ServiceRequest<Data>): Promise<z.output<Data>>;
  close(): Promise<void>;
};

const defaultTimeoutMs = 1_000;
const defaultConnections = 16;
const retryAfterSeconds = 1;

/** Calls another service over kept connections, with the request id and the trace of the current request. */
export function createServiceClient(options: ServiceClientOptions): ServiceClient {
  const base = new URL(options.baseUrl);
  const prefix = base.pathname.replace(/\/$/, '');
  const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
  const pool = new Pool(base.origin, { connections: options.connections ?? defaultConnections });

  return {
    async request(request) {
      const { status, body } = await send(request);
      if (status >= 200 && status < 300) {
        const parsed = request.schema.safeParse(dataOf(body));
        if (parsed.success) return parsed.data;
        throw unavailable(options.name, retryAfterSeconds, parsed.error);
      }
      throw answeredError(options.name, status, body);
    },
    async close() {
      await pool.close();
    },
  };

  async function send(request: ServiceRequest<z.ZodType>): Promise<{ status: number; body: unknown }> {
    try {
      const response = await pool.request({
        method: request.method ?? 'GET',
        path: prefix + request.path,
        headers: headersOf(request),
        body: request.body === undefined ? null : JSON.stringify(request.body),
        signal: AbortSignal.timeout(timeoutMs),
      });
      return { status: response.statusCode, body: await readJson(response) };
    } catch (error) {
      throw unavailable(options.name, retryAfterSeconds, error);
    }
  }
}

function headersOf(request: ServiceRequest<z.ZodType>): Record<string, string> {
  const context = currentContext();
  const headers: Record<string, string> = { accept: 'application/json' };
  headers.traceparent = newTraceparent(context?.traceparent);
  if (context?.requestId !== undefined) headers['x-request-id'] = context.requestId;
  if (context?.correlationId !== undefined) headers['x-correlation-id'] = context.correlationId;
  if (request.authorization !== undefined) headers.authorization = request.authorization;
  if (request.body !== undefined) headers['content-type'] = 'application/json';
  return headers;
}

async function readJson(response: Dispatcher.ResponseData): Promise<unknown> {
  const text = await response.body.text();
  return text === '' ? undefined : JSON.parse(text);
}

function dataOf(body: unknown): unknown {
  return typeof body === 'object' && body !== null && 'data' in body ? body.data : undefined;
}

function answeredError(name: string, status: number, body: unknown): AppError {
  const parsed = errorBody.safeParse(body);
  if (!parsed.success || status >= 500) return unavailable(name, retryAfterSeconds, { status, body });
  const { code, message, details } = parsed.data.error;
  return new AppError({ code, status, message, details });
}
