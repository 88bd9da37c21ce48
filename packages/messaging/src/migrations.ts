import type { Migration, Transaction } from '@punctual/postgres';

/**
 * outbox. Written by addToOutbox and also by SQL functions of the services, so its columns are a contract:
 *   transport    'kafka' | 'rabbit'
 *   id           taken from the sequence; its cache must stay 1, since the order of ids is the order of messages
 *   message_id   CloudEvents id, the same on every delivery
 *   type         CloudEvents type
 *   destination  topic without prefix | exchange
 *   routing_key  record key | routing key
 *   subject      CloudEvents subject: the aggregate
 *   payload      the data; json and not jsonb, since nothing here looks into it
 *   due_at       rabbit only: not before, through the delayed exchange that `destination` names
 *   traceparent  W3C trace context of the cause
 *   created_at   CloudEvents time
 * The last three columns belong to the relay: a message that the broker refused waits there, out of the others' way.
 * Rows live for milliseconds, so autovacuum must come by number of dead rows and not by a share of the table.
 *
 * inbox. One row per message that has had its effect; `at` only serves pruning.
 *
 * dead_letters. Kafka records that can never be handled, with their bytes and the reason; payloads are kept up to 1 MB.
 */
async function up(tx: Transaction): Promise<void> {
  await tx.raw(`
    CREATE TABLE outbox (
      transport text NOT NULL CHECK (transport IN ('kafka', 'rabbit')),
      id bigint GENERATED ALWAYS AS IDENTITY,
      message_id uuid NOT NULL DEFAULT gen_random_uuid(),
      type text NOT NULL,
      destination text NOT NULL,
      routing_key text NOT NULL,
      subject text NOT NULL,
      payload json NOT NULL,
      due_at timestamptz,
      traceparent text,
      created_at timestamptz NOT NULL DEFAULT now(),
      attempts integer NOT NULL DEFAULT 0,
      next_attempt_at timestamptz,
      last_error text,
      PRIMARY KEY (transport, id),
      CHECK (transport = 'rabbit' OR due_at IS NULL)
    ) WITH (
      autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0,
      autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000
    )`);
  await tx.raw(`
    CREATE TABLE inbox (
      consumer text COLLATE "C" NOT NULL,
      event_id text COLLATE "C" NOT NULL,
      at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (consumer, event_id)
    )`);
  await tx.raw('CREATE INDEX inbox_at ON inbox (at)');
  await tx.raw(`
    CREATE TABLE dead_letters (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      consumer text NOT NULL,
      event_id text,
      type text,
      topic text NOT NULL,
      partition integer NOT NULL,
      record_offset bigint NOT NULL,
      record_key bytea,
      payload bytea,
      reason text NOT NULL,
      at timestamptz NOT NULL DEFAULT now(),
      UNIQUE (consumer, topic, partition, record_offset)
    )`);
}

async function down(tx: Transaction): Promise<void> {
  await tx.raw('DROP TABLE dead_letters');
  await tx.raw('DROP TABLE inbox');
  await tx.raw('DROP TABLE outbox');
}

/**
 * outbox_sent. Messages that RabbitMQ has confirmed and whose receiver has not finished with (receipts/receipt.ts); the
 * columns are those of the outbox, and
 *   sendings   how often RabbitMQ has confirmed it
 *   resend_at  when it goes back into the outbox; NULL while it stands there
 */
async function upReceipts(tx: Transaction): Promise<void> {
  await tx.raw(`
    CREATE TABLE outbox_sent (
      message_id uuid PRIMARY KEY,
      type text NOT NULL,
      destination text NOT NULL,
      routing_key text NOT NULL,
      subject text NOT NULL,
      payload json NOT NULL,
      traceparent text,
      created_at timestamptz NOT NULL,
      sendings integer NOT NULL,
      resend_at timestamptz
    ) WITH (
      autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0,
      autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000
    )`);
  await tx.raw('CREATE INDEX outbox_sent_resend_at ON outbox_sent (resend_at)');
}

async function downReceipts(tx: Transaction): Promise<void> {
  await tx.raw('DROP TABLE outbox_sent');
}

/** Tables outbox, inbox and dead_letters; put it in front of a service's own migrations. */
export const messagingMigrations: Migration[] = [{ name: 'messaging-0001-outbox-inbox-dead-letters', up, down }];

/** Table outbox_sent, for a service whose messages ask for receipts; append it to the service's own migrations. */
export const receiptMigrations: Migration[] = [
  { name: 'messaging-0002-outbox-sent', up: upReceipts, down: downReceipts },
];
