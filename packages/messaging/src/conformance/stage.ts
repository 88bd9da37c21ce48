/**
 * The stage on which every guarantee is tested: an outbox and a relay on one side, a consumer on the other, one database
 * for both, and a transport in between. Effects are rows, written in the transaction that also writes the inbox.
 */
import type { Component } from '@punctual/lifecycle';
import { createDatabase, type Database, leaseMigrations, rows, type Transaction } from '@punctual/postgres';
import { createMetrics, type Metrics, silentLogger } from '@punctual/telemetry';
import { type TestDatabase, testDatabase } from '@punctual/testing';
import type { EnvelopeOf } from '../envelope.ts';
import { filterNew } from '../inbox.ts';
import { messagingMigrations } from '../migrations.ts';
import { addToOutbox, type OutboxMessage } from '../outbox/outbox.ts';
import type { Relay } from '../outbox/relay.ts';

export type Note = { key: string; n: number };
export type Notes = { noted: Note };
export type NotedEnvelope = EnvelopeOf<Notes>;

export const noteSchemas = {
  noted: {
    parse(data: unknown): Note {
      const { key, n } = Object(data) as Partial<Note>;
      if (typeof key !== 'string' || typeof n !== 'number') throw new Error('a note has a key and a number');
      return { key, n };
    },
  },
};

export type Send = { key: string; n: number; id?: string; dueAt?: Date };
export type Effect = { event_id: string; key: string; n: number };
export type DeadLetter = { id: string | undefined; reason: string };

export type Consuming = {
  handle(batch: NotedEnvelope[]): Promise<void>;
  /** Retries, or failures, before a message is given up. */
  maxAttempts?: number;
  batchSize?: number;
  ping?(): Promise<void>;
};

/** One way from outbox to handler. */
export type Transport = {
  /** The outbox row that sends this note. */
  message(send: Send): OutboxMessage;
  relay(options: { db: Database; metrics: Metrics }): Relay;
  consumer(options: Consuming & { db: Database; metrics: Metrics }): Component & { ping(): Promise<void> };
  /** Puts a body on the wire as it is, under the headers of a note unless told otherwise. */
  publishRaw(body: string, headers?: Record<string, string>): Promise<void>;
  deadLetters(db: Database): Promise<DeadLetter[]>;
  close(): Promise<void>;
};

export type Stage = {
  readonly db: Database;
  readonly metrics: Metrics;
  readonly transport: Transport;
  /** Commits the notes to the outbox and wakes the relay. */
  send(notes: readonly Send[]): Promise<void>;
  effects(): Promise<Effect[]>;
  outboxRows(): Promise<number>;
  /** Starts a consumer, and stops it with the stage. */
  consume(options: Consuming): Component;
  close(): Promise<void>;
};

export const CONSUMER = 'notes';

/** Made once for many stages, since making a database takes longer than emptying one. */
export function stageDatabase(): Promise<TestDatabase> {
  return testDatabase('conformance', [...leaseMigrations, ...messagingMigrations, effectsMigration]);
}

export async function openStage({ primaryUrl }: TestDatabase, openTransport: () => Promise<Transport>): Promise<Stage> {
  const db = createDatabase({ primaryUrl, applicationName: 'conformance', logger: silentLogger() });
  await db.primary.raw('TRUNCATE leases, outbox, inbox, dead_letters, effects');
  const metrics = createMetrics('conformance');
  const transport = await openTransport();
  const relay = transport.relay({ db, metrics });
  await relay.start();
  const consumers: Component[] = [];
  return {
    db,
    metrics,
    transport,
    async send(notes) {
      await db.transaction((tx) => addToOutbox(tx, notes.map(transport.message)));
      relay.wake();
    },
    effects: () => rows<Effect>(db.primary, 'SELECT event_id, key, n FROM effects ORDER BY position'),
    async outboxRows() {
      return (await rows(db.primary, 'SELECT FROM outbox')).length;
    },
    consume(options) {
      const consumer = transport.consumer({ ...options, db, metrics });
      consumers.push(consumer);
      return consumer;
    },
    async close() {
      for (const consumer of consumers) await consumer.stop();
      await relay.stop();
      await transport.close();
      await db.close();
    },
  };
}

/** What a well-behaved handler does: inbox and effects in one transaction. */
export async function applyOnce(db: Database, batch: readonly NotedEnvelope[]): Promise<void> {
  await db.transaction(async (tx) => {
    await writeEffects(tx, await filterNew(tx, CONSUMER, batch));
  });
}

export async function writeEffects(tx: Transaction, batch: readonly NotedEnvelope[]): Promise<void> {
  if (batch.length === 0) return;
  await tx('effects').insert(batch.map(({ id, data }) => ({ event_id: id, key: data.key, n: data.n })));
}

const effectsMigration = {
  name: 'effects',
  async up(tx: Transaction): Promise<void> {
    await tx.raw(`
      CREATE TABLE effects (position bigint GENERATED ALWAYS AS IDENTITY, event_id text NOT NULL, key text NOT NULL,
                            n integer NOT NULL)`);
  },
  async down(tx: Transaction): Promise<void> {
    await tx.raw('DROP TABLE effects');
  },
};
