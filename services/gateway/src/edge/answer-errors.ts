import type { IncomingMessage, ServerResponse } from 'node:http';
import { AppError, notFound, sendError, toAppError, validationFailed } from '@punctual/http';
import type { Logger } from '@punctual/telemetry';
import type { ErrorRequestHandler, RequestHandler } from 'express';
import { ClientGoneError } from '../proxy/request-body.ts';
import { requestState } from './request-state.ts';

/**
 * How long the rest of a refused body is read and thrown away before the connection is cut. A connection that is closed with bytes
 * unread is reset, and the client would lose the answer that tells it why.
 */
const LINGER_MS = 2_000;

/** Writes an error of the gateway's own in the one shape. */
export function answerError(req: IncomingMessage, res: ServerResponse, error: AppError): void {
  if (res.headersSent || res.destroyed) {
    // Half an answer is out; only a broken connection tells the client that it is not whole.
    res.destroy();
    return;
  }
  sendError(res, req.headers.accept, error, requestState(res).requestId);
  if (!req.complete) {
    req.resume();
    const linger = setTimeout(() => {
      if (!req.complete) req.socket.destroy();
    }, LINGER_MS);
    req.once('close', () => clearTimeout(linger));
  }
}

/**
 * Refuses what two readers might read differently: targets that `parseRequestTarget` could not read, a missing Host, and framing that
 * the parser lets pass but a service behind us may not understand alike.
 */
export const refuseAmbiguity: RequestHandler = (req, res, next) => {
  if (requestState(res).target === undefined) throw refused('path', 'is not a valid path');
  const { host, 'transfer-encoding': coding, 'content-length': length } = req.headers;
  if (host === undefined && req.httpVersion !== '1.0') throw refused('host', 'is required');
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') throw refused('transfer-encoding', 'must be chunked');
  const hasBody = coding !== undefined || (length !== undefined && length !== '0');
  if (hasBody && (req.method === 'GET' || req.method === 'HEAD'))
    throw refused('body', `is not taken by ${req.method}`);
  next();
};

function refused(field: string, message: string): AppError {
  return validationFailed([{ field, message }], 'The request cannot be read.');
}

/** What no upstream and no page of the gateway owns. */
export const answerUnknown: RequestHandler = () => {
  throw notFound('resource');
};

/** The last middleware: every error that was thrown on the way becomes an answer. */
export function answerThrown(logger: Logger): ErrorRequestHandler {
  // Express tells an error handler by its four parameters.
  return function answer(thrown: unknown, req, res, _next) {
    if (thrown instanceof ClientGoneError) {
      res.destroy();
      return;
    }
    const error =
      toAppError(thrown) ??
      new AppError({ code: 'INTERNAL', message: 'Something went wrong on our side.', cause: thrown });
    if (error.code === 'INTERNAL') {
      logger.error('request failed', { request_id: requestState(res).requestId, error: error.cause ?? error });
    }
    answerError(req, res, error);
  };
}
