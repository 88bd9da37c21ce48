import type { Database, Transaction } from '@punctual/postgres';
import type { Logger } from '@punctual/telemetry';
import type { Component } from '../component.ts';
import type { Envelope } from '../envelope.ts';

/**
 * Remembers the messages for this consumer and returns those never seen before, in their order. Call it first in the
 * transaction of the effect: message and effect then commit together, once.
 */
export async function filterNew<E extends Envelope>(
  _tx: Transaction,
  _consumer: string,
  _envelopes: readonly E[],
): Promise<E[]> {
  throw new Error('not written yet');
}

export type InboxPrunerOptions = {
  readonly db: Database;
  readonly logger: Logger;
  /** Must exceed the longest time a broker can redeliver; 7 days when absent. */
  readonly retentionMs?: number;
  readonly intervalMs?: number;
  readonly batch?: number;
};

/** Deletes inbox rows older than the retention, in bounded batches. Safe to run in every replica. */
export function createInboxPruner(_options: InboxPrunerOptions): Component {
  throw new Error('not written yet');
}
