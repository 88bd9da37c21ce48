import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { payloadTooLarge, unsupportedMediaType, validationFailed } from './app-error.ts';

/** How deep objects and arrays may nest; far beyond any contract, far below what hurts a recursive reader. */
const maxDepth = 32;
/** A body a little too long is read to its end, so that the client gets to see the 413; beyond this it is cut off. */
const maxDiscardFactor = 8;

/** `text` is kept so that checks of the whole body can look at it once. Undefined stands for an empty body. */
export type ReadBody = { text: string; value: unknown } | undefined;

/**
 * Makes the reader of JSON bodies: content type and charset, no content encoding, at most `limitBytes`, strict UTF-8,
 * one JSON value of bounded depth. Throws 400, 413 or 415.
 */
export function createBodyReader(limitBytes: number): (req: IncomingMessage) => Promise<ReadBody> {
  return async function readJsonBody(req) {
    if (hasNoBody(req)) return undefined;
    checkMediaType(req);
    const declaredBytes = Number(req.headers['content-length'] ?? 0);
    if (declaredBytes > limitBytes * maxDiscardFactor) throw payloadTooLarge(limitBytes, { closeConnection: true });
    const bytes = await readBytes(req, limitBytes);
    if (bytes.length === 0) return undefined;
    if (!isUtf8(bytes)) throw malformed('is not valid UTF-8');
    const text = bytes.toString('utf8');
    if (isTooDeep(text)) throw malformed(`nests deeper than ${maxDepth} levels`);
    return { text, value: parseJson(text) };
  };
}

function checkMediaType(req: IncomingMessage): void {
  const encoding = req.headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    throw unsupportedMediaType('Send the body without a content encoding.');
  }
  const type = req.headers['content-type'];
  if (type === 'application/json') return;
  if (type === undefined) throw unsupportedMediaType();
  const [mediaType, ...parameters] = type.split(';');
  if (mediaType?.trim().toLowerCase() !== 'application/json') throw unsupportedMediaType();
  for (const parameter of parameters) {
    const [name, value] = parameter.split('=');
    if (name?.trim().toLowerCase() !== 'charset') continue;
    const charset = (value ?? '').trim().replaceAll('"', '').toLowerCase();
    if (charset !== 'utf-8' && charset !== 'utf8') throw unsupportedMediaType();
  }
}

function hasNoBody(req: IncomingMessage): boolean {
  if (req.headers['transfer-encoding'] !== undefined) return false;
  const length = req.headers['content-length'];
  return length === undefined || length === '0';
}

function readBytes(req: IncomingMessage, limitBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    // The client may have gone while its identity was looked up; no event would ever come then.
    if (req.destroyed) {
      reject(malformed('ended early'));
      return;
    }
    const chunks: Buffer[] = [];
    let size = 0;
    req.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= limitBytes) {
        chunks.push(chunk);
        return;
      }
      chunks.length = 0;
      if (size > limitBytes * maxDiscardFactor) reject(payloadTooLarge(limitBytes, { closeConnection: true }));
    });
    req.on('end', () => {
      if (size > limitBytes) reject(payloadTooLarge(limitBytes));
      else resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, size));
    });
    // Nobody reads this answer; it only keeps the request from waiting for ever.
    req.on('error', () => reject(malformed('ended early')));
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes the input; a constant one is enough to act upon.
    throw malformed('is not valid JSON');
  }
}

/** Counts brackets outside of strings; cheaper than walking the parsed value and safe before parsing. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  let inString = false;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (inString) {
      if (code === 0x5c) index += 1;
      else if (code === 0x22) inString = false;
    } else if (code === 0x22) {
      inString = true;
    } else if (code === 0x7b || code === 0x5b) {
      depth += 1;
      if (depth > maxDepth) return true;
    } else if (code === 0x7d || code === 0x5d) {
      depth -= 1;
    }
  }
  return false;
}

function malformed(message: string) {
  return validationFailed([{ field: 'body', message }], 'The body cannot be read.');
}
