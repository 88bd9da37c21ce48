import type { IncomingMessage } from 'node:http';
import { Transform, type TransformCallback } from 'node:stream';
import { payloadTooLarge } from '@punctual/http';

/**
 * Small bodies are read whole before a connection to the service is taken: a slow client then holds none, and what was never sent can
 * be sent again. Larger ones, and those whose length is not known, are streamed.
 */
export const BUFFERED_BODY_BYTES = 65_536;

export type RequestBody =
  | { kind: 'none' }
  | { kind: 'whole'; bytes: Buffer }
  /** `lengthBytes` is undefined for a chunked body. */
  | { kind: 'stream'; stream: Transform; lengthBytes: number | undefined };

const NONE: RequestBody = { kind: 'none' };

/** Thrown when the client left while its body was read: nobody is there to be answered. */
export class ClientGoneError extends Error {
  override readonly name = 'ClientGoneError';
}

/** Throws 413 for a declared length beyond the limit, before a byte is read; a chunked body fails while it streams. */
export async function readRequestBody(req: IncomingMessage, limitBytes: number): Promise<RequestBody> {
  const encoding = req.headers['transfer-encoding'];
  const declared = req.headers['content-length'];
  if (encoding === undefined && (declared === undefined || declared === '0')) return NONE;
  if (encoding !== undefined) return { kind: 'stream', stream: counted(req, limitBytes), lengthBytes: undefined };
  const lengthBytes = Number(declared);
  if (lengthBytes > limitBytes) throw payloadTooLarge(limitBytes);
  if (lengthBytes > BUFFERED_BODY_BYTES) return { kind: 'stream', stream: counted(req, limitBytes), lengthBytes };
  return { kind: 'whole', bytes: await readWhole(req) };
}

/** The parser has checked that no more comes than was declared, so the size is bounded by the caller's check. */
function readWhole(req: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let first: Buffer | undefined;
    let rest: Buffer[] | undefined;
    req.on('data', (chunk: Buffer) => {
      if (first === undefined) first = chunk;
      else if (rest === undefined) rest = [first, chunk];
      else rest.push(chunk);
    });
    req.on('end', () => resolve(rest === undefined ? (first ?? Buffer.alloc(0)) : Buffer.concat(rest)));
    req.on('error', () => reject(new ClientGoneError()));
    // Every request closes; making an error costs more than all the rest here, so only one that was cut short gets one.
    req.on('close', () => {
      if (!req.complete) reject(new ClientGoneError());
    });
  });
}

/**
 * The body, counted as it passes. Neither the request itself nor a `pipeline` is given away: whoever fails would destroy the request
 * with its socket, and the client would never read why.
 */
function counted(req: IncomingMessage, limitBytes: number): Transform {
  let passedBytes = 0;
  const counter = new Transform({
    transform(chunk: Buffer, _encoding, callback: TransformCallback) {
      passedBytes += chunk.length;
      if (passedBytes > limitBytes) callback(payloadTooLarge(limitBytes));
      else callback(null, chunk);
    },
  });
  // What the counter no longer takes is thrown away, so that the client gets to read the answer.
  counter.once('close', () => req.unpipe(counter).resume());
  // Whoever reads the counter is told of its error too; once nobody reads it any more, it concerns nobody.
  counter.on('error', () => req.unpipe(counter));
  req.once('error', () => counter.destroy(new ClientGoneError()));
  req.once('close', () => {
    if (!req.complete) counter.destroy(new ClientGoneError());
  });
  req.pipe(counter);
  return counter;
}
