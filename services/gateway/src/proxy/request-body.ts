import type { IncomingMessage } from 'node:http';
import { Transform, type TransformCallback } from 'node:stream';
import { payloadTooLarge } from '@punctual/http';

/**
 * Small bodies are read whole before a connection to the service is taken: a slow client then holds none, and what was never sent can
 * be sent again. Larger ones are streamed once that much has come.
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

/** Throws 413 for a declared length beyond the limit, before a byte is read; otherwise by counting, here or while the body streams. */
export async function readRequestBody(req: IncomingMessage, limitBytes: number): Promise<RequestBody> {
  const encoding = req.headers['transfer-encoding'];
  const declared = req.headers['content-length'];
  if (encoding === undefined && (declared === undefined || declared === '0')) return NONE;
  const lengthBytes = encoding === undefined ? Number(declared) : undefined;
  if (lengthBytes !== undefined && lengthBytes > limitBytes) throw payloadTooLarge(limitBytes);
  return readAhead(req, limitBytes, lengthBytes);
}

/** Reads to the end or, of a longer body, a little beyond what is buffered: that much goes at the front of the stream. */
function readAhead(req: IncomingMessage, limitBytes: number, lengthBytes: number | undefined): Promise<RequestBody> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let readBytes = 0;
    req.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose);

    function onData(chunk: Buffer): void {
      chunks.push(chunk);
      readBytes += chunk.length;
      if (readBytes <= Math.min(limitBytes, BUFFERED_BODY_BYTES)) return;
      req.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose);
      if (readBytes > limitBytes) reject(payloadTooLarge(limitBytes));
      else resolve({ kind: 'stream', stream: counted(req, limitBytes, chunks), lengthBytes });
    }
    function onEnd(): void {
      const [first] = chunks;
      resolve({ kind: 'whole', bytes: first !== undefined && chunks.length === 1 ? first : Buffer.concat(chunks) });
    }
    function onError(): void {
      reject(new ClientGoneError());
    }
    // Every request closes; making an error costs more than all the rest here, so only one that was cut short gets one.
    function onClose(): void {
      if (!req.complete) reject(new ClientGoneError());
    }
  });
}

/**
 * The body, counted as it passes, `chunks` of it first. Neither the request itself nor a `pipeline` is given away: whoever fails would
 * destroy the request with its socket, and the client would never read why.
 */
function counted(req: IncomingMessage, limitBytes: number, chunks: readonly Buffer[]): Transform {
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
  for (const chunk of chunks) counter.write(chunk);
  req.pipe(counter);
  return counter;
}
