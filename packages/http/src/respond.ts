import type { ServerResponse } from 'node:http';
import type { Paging } from '@punctual/contracts';
import type { Response } from 'express';

const jsonType = 'application/json; charset=utf-8';
/** Answers hold personal data and tokens unless a handler says otherwise. */
export const defaultCacheControl = 'no-store';
const replyKey: unique symbol = Symbol('reply');

export type ReplyOptions<Data> = {
  /** Default: the contract's success status, or 204 without data. */
  status?: number;
  /** Lower-case names. */
  headers?: Readonly<Record<string, string>>;
  data?: Data;
  /** For lists. */
  paging?: Paging;
  /** What stands beside `data`, as the contract's `beside` names it. */
  beside?: Readonly<Record<string, unknown>>;
  /** A whole JSON body as it was stored, `{"data":…}`; sent as it is, in place of `data`. */
  bodyText?: string;
};

/** A result that sets its own status or headers; made by `reply`. */
export type Reply<Data> = ReplyOptions<Data> & { readonly [replyKey]: true };

/** A handler's result with a status or headers of its own. */
export function reply<Data>(options: ReplyOptions<Data>): Reply<Data> {
  return { [replyKey]: true, ...options };
}

/**
 * Writes `{data}` or `{data, paging}`, 204 for undefined. An ETag is for If-Match alone: it names a version, which does not vouch for
 * every field (a product's quantity moves without it), so nothing is answered 304.
 */
export function writeResult(res: Response, result: unknown, successStatus: number, isList: boolean): void {
  // A handler that streamed or redirected has answered already.
  if (res.headersSent) return;
  if (!isReply(result)) {
    if (result === undefined) writeEmpty(res, 204);
    else
      sendText(
        res,
        successStatus,
        JSON.stringify(isList && isListResult(result) ? result : { data: result }),
        jsonType,
      );
    return;
  }
  if (result.headers !== undefined) {
    for (const [name, value] of Object.entries(result.headers)) res.setHeader(name, value);
  }
  const text = result.bodyText ?? replyText(result);
  if (text === undefined) writeEmpty(res, result.status ?? 204);
  else sendText(res, result.status ?? successStatus, text, jsonType);
}

/** Sends a text in one write, with its length. */
export function sendText(res: ServerResponse, status: number, text: string, contentType: string): void {
  res.statusCode = status;
  res.setHeader('content-type', contentType);
  res.setHeader('content-length', Buffer.byteLength(text));
  res.end(text);
}

/** Sends any JSON value in one write. */
export function sendJson(res: ServerResponse, status: number, value: unknown): void {
  sendText(res, status, JSON.stringify(value), jsonType);
}

function replyText(result: Reply<unknown>): string | undefined {
  if (result.data === undefined) return undefined;
  const { data, paging, beside } = result;
  return JSON.stringify(paging === undefined ? { data, ...beside } : { data, paging, ...beside });
}

function writeEmpty(res: Response, status: number): void {
  res.statusCode = status;
  res.end();
}

function isReply(result: unknown): result is Reply<unknown> {
  return typeof result === 'object' && result !== null && replyKey in result;
}

function isListResult(result: unknown): boolean {
  return typeof result === 'object' && result !== null && 'data' in result && 'paging' in result;
}
