import { setTimeout as delay } from 'node:timers/promises';
import type { Sample } from './history.ts';
import type { Probes, Readings } from './probes.ts';

const SECOND_MS = 1_000;

export type Observer = {
  readonly samples: readonly Sample[];
  latest(): Readings;
  stop(): Promise<void>;
};

/** A look at the platform once a second, with the load's own numbers beside. */
export function startObserver(
  probes: Probes,
  options: { now(): number; extra(): Readings; append(sample: Sample): void; onError(error: unknown): void },
): Observer {
  const samples: Sample[] = [];
  let latest: Readings = {};
  let isStopped = false;
  const watching = (async () => {
    while (!isStopped) {
      const atMs = options.now();
      latest = { ...(await probes.read()), ...options.extra() };
      const sample = { atMs, values: latest };
      samples.push(sample);
      options.append(sample);
      await delay(Math.max(0, atMs + SECOND_MS - options.now()));
    }
  })().catch(options.onError);
  return {
    samples,
    latest: () => latest,
    async stop() {
      isStopped = true;
      await watching;
    },
  };
}

/** How far behind the platform is, in rows and messages; null when a part of it could not be asked. */
export function backlog(readings: Readings, names: readonly string[] = BACKLOG): number | null {
  let sum = 0;
  for (const name of names) {
    const value = readings[name];
    if (value === null || value === undefined) return null;
    sum += value;
  }
  return sum;
}

/** What returns to about nothing under a load that the platform can carry. */
export const BACKLOG = [
  'outbox auth',
  'outbox product',
  'outbox order',
  'outbox payment',
  'kafka product',
  'kafka order-stock',
  'kafka order-product',
  'kafka order-payment',
  'kafka payment-order',
  'queue mail',
  'queue timers',
  'timers overdue',
  'orders undecided',
] as const;

/** What returns to exactly nothing once nobody asks for anything any more. */
export const REST = [
  ...BACKLOG,
  'timers waiting',
  'payments open',
  'refunds open',
  'mails open',
  'receipts auth',
  'receipts order',
] as const;
