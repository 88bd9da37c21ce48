import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type AppError, sendText } from '@punctual/http';
import type { Response as HttpResponse } from 'express';
import { graphqlErrorOf } from './errors.ts';

const JSON_TYPE = 'application/graphql-response+json; charset=utf-8';
const EVENT_STREAM = 'text/event-stream';

/** Passes the engine's answer on: JSON in one write, events as they come for as long as the client listens. */
export async function sendAnswer(res: HttpResponse, answer: Response): Promise<void> {
  const type = answer.headers.get('content-type') ?? JSON_TYPE;
  for (const name of ['allow', 'retry-after', 'www-authenticate']) {
    const value = answer.headers.get(name);
    if (value !== null) res.setHeader(name, value);
  }
  res.setHeader('cache-control', 'no-store');
  if (answer.body === null || !type.startsWith(EVENT_STREAM)) {
    sendText(res, answer.status, await answer.text(), type);
    return;
  }
  res.statusCode = answer.status;
  res.setHeader('content-type', type);
  // Balancers must not wait for more before they pass an event on.
  res.setHeader('x-accel-buffering', 'no');
  res.flushHeaders();
  await pipeline(Readable.fromWeb(answer.body), res);
}

/** An error of the whole request, in the shape that clients of a graph read. */
export function sendAnswerError(res: HttpResponse, error: AppError): void {
  for (const [name, value] of Object.entries(error.headers ?? {})) res.setHeader(name, value);
  const { message, extensions } = graphqlErrorOf(error);
  const { http: _, ...shown } = extensions;
  sendText(res, error.status, JSON.stringify({ errors: [{ message, extensions: shown }] }), JSON_TYPE);
}
