import type { Operation, OperationKind } from '../types.ts';
import type { Reply, Settled } from './attempts.ts';
import type { Session } from './sessions.ts';

export type Recorder = {
  /** Milliseconds since the run began. */
  now(): number;
  /** Runs one operation and records what came of it: `ok` by the result, `failed` for a definite no. */
  record(about: About, work: () => Promise<Conclusion>): Promise<Operation>;
  readonly operations: readonly Operation[];
};

type About = {
  readonly kind: OperationKind;
  readonly by: Pick<Session, 'userId' | 'email'>;
  readonly requestId?: string;
  readonly orderId?: number;
  readonly asked?: Readonly<Record<string, unknown>>;
};

export type Conclusion = {
  readonly attempts: number;
  readonly last: Reply | null;
  readonly ok: boolean | null;
  readonly answer: Readonly<Record<string, unknown>> | null;
  readonly orderId?: number | null;
  readonly userId?: number | null;
};

/** `ok` null: it stayed open. */
export function conclude<T extends object>(
  { attempts, last, result }: Settled<T>,
  read: (result: T) => { ok: boolean; answer: Readonly<Record<string, unknown>> | null; orderId?: number | null },
): Conclusion {
  return result === null ? { attempts, last, ok: null, answer: null } : { attempts, last, ...read(result) };
}

export function createRecorder(options: { startedAt: number; append(operation: Operation): void }): Recorder {
  const operations: Operation[] = [];
  let lastId = 0;
  const now = () => Math.round(performance.now() - options.startedAt);
  return {
    now,
    operations,
    async record({ kind, by, requestId, orderId, asked }, work) {
      lastId += 1;
      const id = lastId;
      const startedMs = now();
      const conclusion = await work();
      const operation: Operation = {
        id,
        kind,
        userId: conclusion.userId ?? by.userId,
        email: by.email,
        requestId: requestId ?? null,
        orderId: conclusion.orderId ?? orderId ?? null,
        startedMs,
        endedMs: now(),
        attempts: conclusion.attempts,
        outcome: conclusion.ok === null ? 'unknown' : conclusion.ok ? 'ok' : 'failed',
        status: conclusion.last?.status ?? null,
        code: conclusion.last?.code ?? null,
        answer: conclusion.answer,
        ...(asked === undefined ? {} : { asked }),
      };
      operations.push(operation);
      options.append(operation);
      return operation;
    },
  };
}
