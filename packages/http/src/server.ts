import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@punctual/telemetry';
import type { Express } from 'express';
import { AppError, validationFailed } from './app-error.ts';
import { errorBody } from './error-response.ts';
import { markStopping } from './stopping.ts';

export type HttpServerOptions = {
  app: Express;
  host: string;
  /** 0 takes a free port; read it from `port` after start. */
  port: number;
  logger: Logger;
  /** How long requests that are under way may take to finish on stop, default 8,000. */
  drainTimeoutMs?: number;
  /** How long /health/ready says 503 while still serving, for a balancer to notice; default 0. */
  readinessGraceMs?: number;
  /** Bound for receiving a whole request, default 30,000. */
  requestTimeoutMs?: number;
  /** Bound for receiving its headers, default 10,000. */
  headersTimeoutMs?: number;
};

/** A lifecycle component. `port` and `url` are known once started. */
export type HttpServer = {
  readonly name: string;
  start(): Promise<void>;
  stop(): Promise<void>;
  readonly port: number;
  readonly url: string;
};

const defaultDrainTimeoutMs = 8_000;
const defaultRequestTimeoutMs = 30_000;
const defaultHeadersTimeoutMs = 10_000;
/** Longer than any client pool keeps an idle connection, so that it is the client who closes and no request is lost. */
const keepAliveTimeoutMs = 65_000;
const maxHeaderBytes = 16_384;
const timeoutCheckMs = 1_000;
const idleSweepMs = 25;

/**
 * Serves an app. Stop order: readiness turns 503, no new connection is taken, idle ones close, requests under way
 * finish within the bound, whatever is left is cut.
 */
export function httpServer(options: HttpServerOptions): HttpServer {
  const { app, logger } = options;
  let server: Server | undefined;
  let boundPort = options.port;

  return {
    name: 'http server',
    get port() {
      return boundPort;
    },
    get url() {
      const host = options.host === '0.0.0.0' || options.host === '::' ? 'localhost' : options.host;
      return `http://${host.includes(':') ? `[${host}]` : host}:${boundPort}`;
    },
    async start() {
      const created = createServer(
        {
          requestTimeout: options.requestTimeoutMs ?? defaultRequestTimeoutMs,
          headersTimeout: options.headersTimeoutMs ?? defaultHeadersTimeoutMs,
          keepAliveTimeout: keepAliveTimeoutMs,
          maxHeaderSize: maxHeaderBytes,
          connectionsCheckingInterval: timeoutCheckMs,
          // Node would refuse with an empty body; the app does it in the one error shape.
          requireHostHeader: false,
        },
        app,
      );
      created.on('clientError', answerClientError);
      boundPort = await listen(created, options);
      server = created;
      logger.info('http server listening', { host: options.host, port: boundPort });
    },
    async stop() {
      markStopping(app);
      if (server === undefined) return;
      if (options.readinessGraceMs !== undefined) await delay(options.readinessGraceMs);
      const cut = await drain(server, options.drainTimeoutMs ?? defaultDrainTimeoutMs);
      if (cut) logger.warn('http server cut requests that did not finish in time', { port: boundPort });
      server = undefined;
    },
  };
}

function listen(server: Server, options: HttpServerOptions): Promise<number> {
  const { host, port, logger } = options;
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(plainListenError(error, host, port)));
    server.listen(port, host, () => {
      server.removeAllListeners('error');
      // Accepting may fail for a while, as without free file handles; the connections that exist go on.
      server.on('error', (error) => logger.error('http server error', { error }));
      resolve((server.address() as AddressInfo).port);
    });
  });
}

function plainListenError(error: NodeJS.ErrnoException, host: string, port: number): Error {
  const reasons: Record<string, string> = {
    EADDRINUSE: 'another process is listening there; stop it or choose another PORT',
    EACCES: 'this user may not listen there; choose a PORT above 1023',
    EADDRNOTAVAIL: 'this machine has no such address; choose another HOST',
  };
  const reason = reasons[error.code ?? ''] ?? error.message;
  return new Error(`cannot listen on ${host}:${port}: ${reason}`, { cause: error });
}

/** True when connections had to be cut. */
async function drain(server: Server, timeoutMs: number): Promise<boolean> {
  let cut = false;
  // A request that slips in over a kept connection is still answered, and told that it was the last one there.
  server.prependListener('request', (_req: IncomingMessage, res: ServerResponse) => {
    res.setHeader('connection', 'close');
  });
  await new Promise<void>((resolve) => {
    // Closing the server closes idle connections once; those that become idle afterwards are swept up.
    const sweep = setInterval(() => server.closeIdleConnections(), idleSweepMs);
    const deadline = setTimeout(() => {
      cut = true;
      server.closeAllConnections();
    }, timeoutMs);
    server.close(() => {
      clearInterval(sweep);
      clearTimeout(deadline);
      resolve();
    });
  });
  return cut;
}

/** Node keeps the response of the request under way here; its own handler of such errors looks at it too. */
type ClientSocket = Duplex & { _httpMessage?: { headersSent: boolean } | null };

/** Requests that never became one: the parser refused them, or they came too slowly. No app has seen them. */
function answerClientError(error: NodeJS.ErrnoException, socket: ClientSocket): void {
  // When an answer is already under way on this connection, another text would be taken for a part of it.
  if (error.code === 'ECONNRESET' || !socket.writable || socket._httpMessage?.headersSent === true) {
    socket.destroy();
    return;
  }
  const [line, answer] = clientErrorAnswer(error.code);
  const requestId = randomUUID();
  const body = JSON.stringify(errorBody(answer, requestId));
  socket.end(
    `HTTP/1.1 ${line}\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\n` +
      `x-request-id: ${requestId}\r\nconnection: close\r\n\r\n${body}`,
  );
}

function clientErrorAnswer(code: string | undefined): [string, AppError] {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    const message = 'The request did not arrive in time.';
    return ['408 Request Timeout', new AppError({ code: 'TIMEOUT', status: 408, message })];
  }
  if (code === 'HPE_HEADER_OVERFLOW') {
    const message = `The headers may have at most ${maxHeaderBytes} bytes.`;
    const details = [{ field: 'headers', message: 'are too long' }];
    return [
      '431 Request Header Fields Too Large',
      new AppError({ code: 'VALIDATION_FAILED', status: 431, message, details }),
    ];
  }
  const problem = { field: 'request', message: 'is not well-formed HTTP' };
  return ['400 Bad Request', validationFailed([problem], 'The request cannot be read.')];
}
