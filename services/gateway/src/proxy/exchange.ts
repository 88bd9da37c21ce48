import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { AppError } from '@punctual/http';
import type { Dispatcher } from 'undici';
import { ClientGoneError, type RequestBody } from './request-body.ts';
import { copyResponseHeaders } from './response-headers.ts';
import type { Target, Upstream } from './upstream.ts';
import {
  DeadlineError,
  type FailureKind,
  failureAnswer,
  failureKind,
  isOutage,
  mayRetry,
  NoInstanceError,
  replacementAnswer,
} from './upstream-failure.ts';

export type ExchangeOptions = {
  upstream: Upstream;
  res: ServerResponse;
  method: string;
  /** Path and query as the service knows them. */
  path: string;
  /** Names and values in turn. */
  headers: string[];
  body: RequestBody;
  /** `origin` is the address of the instance that answered. */
  rewriteLocation: (location: string, origin: string) => string;
  /** Called at most once, when nothing of an answer has been sent. */
  onFailure: (answer: AppError) => void;
  /** Called for every failed attempt that is not the client's doing. */
  onUpstreamError: (kind: FailureKind, error: Error) => void;
  /** Called once: the service has answered, it is in trouble, or nothing can be said since the client left. */
  onOutcome: (outcome: 'answered' | 'failed' | 'unknown') => void;
};

/**
 * One request on its way through: sent → answering → over.
 *
 *   sent ── headers came ──▶ answering ── last byte passed on ──▶ over
 *     ├─ failed, and may be sent again ──▶ sent, to another instance if there is one
 *     ├─ failed, or the deadline passed ──▶ over, the client gets 503 or 504
 *     └─ client left ──▶ over, the service's connection is cut
 *   answering ── service or client left ──▶ over, the other side's connection is cut: half an answer must not look whole
 *
 * undici calls the `on…` methods; it may do so late, for a request that is over already.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly #options: ExchangeOptions;
  #state: 'sent' | 'answering' | 'over' = 'sent';
  #attempt = 1;
  #target: Target | undefined;
  readonly #tried: Target[] = [];
  #isSettled = false;
  #controller: Dispatcher.DispatchController | undefined;
  #deadline: NodeJS.Timeout | undefined;
  /** Bytes of the answer that are still to come; undefined when the service did not say. */
  #remainingBytes: number | undefined;

  constructor(options: ExchangeOptions) {
    this.#options = options;
  }

  start(): void {
    const { upstream } = this.#options;
    this.#deadline = setTimeout(() => this.#endTime(), upstream.timeoutMs);
    this.#dispatch();
  }

  /** The client has gone: nobody waits for the answer any more. */
  cancel(): void {
    if (this.#state === 'over') return;
    this.#settle('unknown');
    this.#finish();
    this.#controller?.abort(new ClientGoneError());
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#state === 'over') controller.abort(new ClientGoneError());
  }

  /** The service's time starts anew with every part of an upload that it takes. */
  onBodySent(): void {
    if (this.#state === 'sent') this.#deadline?.refresh();
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200 || this.#state !== 'sent') return;
    const { res, upstream } = this.#options;
    clearTimeout(this.#deadline);
    this.#settle('answered');
    const replacement = replacementAnswer(upstream.name, status, headers['content-type']);
    if (replacement !== undefined) {
      this.#options.onUpstreamError('bad_answer', replacement);
      this.#fail(replacement);
      controller.abort(replacement);
      return;
    }
    this.#state = 'answering';
    const origin = this.#target?.origin ?? '';
    copyResponseHeaders(headers, res, (location) => this.#options.rewriteLocation(location, origin));
    res.statusCode = status;
    const length = headers['content-length'];
    if (this.#options.method !== 'HEAD' && length !== undefined) this.#remainingBytes = Number(length);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#state !== 'answering') return;
    const { res } = this.#options;
    if (this.#remainingBytes !== undefined) {
      this.#remainingBytes -= chunk.length;
      if (this.#remainingBytes === 0) {
        // The last bytes and, for a short answer, its headers leave in one write.
        this.#finish();
        res.end(chunk);
        return;
      }
    }
    if (!res.write(chunk)) {
      controller.pause();
      res.once('drain', () => controller.resume());
    }
  }

  onResponseEnd(): void {
    if (this.#state !== 'answering') return;
    this.#finish();
    this.#options.res.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#giveUp(error);
  }

  #dispatch(): void {
    const { upstream, method, path, headers, body } = this.#options;
    const target = upstream.choose(this.#tried) ?? upstream.choose([]);
    if (target === undefined) {
      this.#giveUp(new NoInstanceError(`no instance of ${upstream.name} is known`));
      return;
    }
    this.#target = target;
    target.inFlight += 1;
    try {
      target.pool.dispatch(
        {
          method,
          path,
          headers:
            body.kind === 'stream' && body.lengthBytes !== undefined ? withLength(headers, body.lengthBytes) : headers,
          body: body.kind === 'none' ? null : body.kind === 'whole' ? body.bytes : body.stream,
        },
        this,
      );
    } catch (error) {
      // undici reports what it finds wrong with a request's own form by throwing.
      this.#giveUp(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** While the service has taken all of an upload that has come, it is the client's time, which our server bounds. */
  #endTime(): void {
    const { body } = this.#options;
    const isWaitingForClient = body.kind === 'stream' && !body.stream.readableEnded && body.stream.readableLength === 0;
    if (isWaitingForClient) this.#deadline?.refresh();
    else this.#giveUp(new DeadlineError('no answer in time'));
  }

  #giveUp(error: Error): void {
    if (this.#state === 'over') return;
    const { upstream, method, body, res } = this.#options;
    if (error instanceof ClientGoneError) {
      this.#settle('unknown');
      this.#finish();
      return;
    }
    const answer = failureAnswer(upstream.name, method, error);
    // A body beyond the limit is the client's mistake.
    if (answer.status >= 500) this.#options.onUpstreamError(failureKind(error), error);
    if (this.#state === 'answering') {
      this.#finish();
      this.#controller?.abort(error);
      res.destroy();
      return;
    }
    const isDeadline = error instanceof DeadlineError;
    const kind = failureKind(error);
    if (this.#target !== undefined && (kind === 'refused' || kind === 'reset')) upstream.rest(this.#target);
    this.#leaveTarget();
    const untried = upstream.targets.filter((target) => !this.#tried.includes(target)).length;
    const attempt = { method, isReplayable: body.kind !== 'stream', attempt: this.#attempt, untried };
    if (!isDeadline && mayRetry(attempt, error)) {
      this.#attempt += 1;
      this.#dispatch();
      return;
    }
    this.#settle(isOutage(error) ? 'failed' : 'unknown');
    this.#fail(answer);
    this.#controller?.abort(error);
  }

  #fail(answer: AppError): void {
    this.#finish();
    this.#options.onFailure(answer);
  }

  #finish(): void {
    this.#state = 'over';
    clearTimeout(this.#deadline);
    this.#leaveTarget();
  }

  #leaveTarget(): void {
    if (this.#target === undefined) return;
    this.#target.inFlight -= 1;
    this.#tried.push(this.#target);
    this.#target = undefined;
  }

  #settle(outcome: 'answered' | 'failed' | 'unknown'): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#options.onOutcome(outcome);
  }
}

function withLength(headers: string[], lengthBytes: number): string[] {
  return [...headers, 'content-length', String(lengthBytes)];
}
