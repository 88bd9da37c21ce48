import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Component } from '@punctual/lifecycle';
import { createDatabase, type Database, leaseMigrations, rows } from '@punctual/postgres';
import { createMetrics, silentLogger } from '@punctual/telemetry';
import { eventually, type TestDatabase, type TestVhost, testDatabase, testVhost } from '@punctual/testing';
import { connect } from 'amqplib';
import type { Envelope } from '../envelope.ts';
import { RejectMessage } from '../errors.ts';
import { messagingMigrations, receiptMigrations } from '../migrations.ts';
import { addToOutbox } from '../outbox/outbox.ts';
import { createRelay } from '../outbox/relay.ts';
import { createRabbit, type RabbitConnection } from '../rabbit/connection.ts';
import { MAIL_DEAD, MAIL_QUEUE, MAIL_RETRY, NOTIFICATIONS, RECEIPTS, receiptQueue, shopTopology } from '../topology.ts';
import { RECEIPT } from './receipt.ts';
import { createReceipts } from './receipts.ts';
import { hurry, resend, settle } from './sent-messages.ts';

const SLOW = { timeoutMs: 20_000 };
const AN_HOUR_MS = 3_600_000;

type Sent = { message_id: string; sendings: number; wait_s: number | null };

describe('receipts', function () {
  this.timeout(60_000);
  const logger = silentLogger();
  let database: TestDatabase;
  let vhost: TestVhost;
  let db: Database;
  let rabbit: RabbitConnection;
  let running: Component[];

  beforeEach(async () => {
    database = await testDatabase('receipts', [...leaseMigrations, ...messagingMigrations, ...receiptMigrations]);
    vhost = await testVhost('receipts');
    db = createDatabase({ primaryUrl: database.primaryUrl, applicationName: 'receipts', logger });
    rabbit = createRabbit({ url: vhost.url, name: 'receipts', logger, metrics: createMetrics('receipts') });
    rabbit.declare(shopTopology({ delayStrategy: 'ttl', mailRetryStepsMs: [AN_HOUR_MS] }));
    running = [];
  });
  afterEach(async () => {
    for (const component of running.reverse()) await component.stop();
    await db.close();
    await database.drop();
    await vhost.drop();
  });

  async function start(...components: Component[]): Promise<void> {
    for (const component of components) {
      await component.start();
      running.push(component);
    }
  }
  const relay = (receiptWaitMs: number) =>
    createRelay({
      db,
      rabbit,
      logger,
      metrics: createMetrics('receipts'),
      source: '/shop',
      leaseName: 'relay',
      receiptWaitMs,
    });
  /** Handles every job with `handle`, and gives receipts at once. */
  async function startReceiver(handle: (batch: Envelope[]) => Promise<void>): Promise<void> {
    const receipts = createReceipts({ rabbit, logger, source: '/receiver', intervalMs: 1 });
    const consumer = rabbit.consume({
      consumer: 'receiver',
      queue: MAIL_QUEUE,
      deadLetterQueue: MAIL_DEAD,
      retry: { exchange: MAIL_RETRY, stepsMs: [AN_HOUR_MS] },
      schemas: { job: { parse: (data: unknown) => data } },
      handle,
      receipts,
    });
    await start(receipts, consumer);
  }
  async function write(count = 1, id?: string): Promise<string[]> {
    const ids = Array.from({ length: count }, () => id ?? randomUUID());
    const message = { transport: 'rabbit', exchange: NOTIFICATIONS, routingKey: 'mail.job', type: 'job' } as const;
    await db.transaction((tx) =>
      addToOutbox(
        tx,
        ids.map((one) => ({ ...message, id: one, data: {} })),
      ),
    );
    return ids;
  }
  const outboxIds = async () =>
    (await rows<{ id: number }>(db.primary, 'SELECT id FROM outbox ORDER BY id')).map(({ id }) => id);
  const sent = () =>
    rows<Sent>(
      db.primary,
      'SELECT message_id::text, sendings, extract(epoch FROM resend_at - now())::float8 AS wait_s FROM outbox_sent',
    );
  const sentIs = (count: number) => eventually(async () => assert.equal((await sent()).length, count), SLOW);
  const receipt = (ids: readonly unknown[]) =>
    rabbit.publish([
      {
        exchange: RECEIPTS,
        routingKey: 'shop',
        envelope: {
          id: randomUUID(),
          type: RECEIPT,
          source: '/receiver',
          subject: 'shop',
          time: new Date().toISOString(),
          data: { message_ids: ids },
          attempt: 1,
        },
      },
    ]);

  /** Asks over AMQP, since the management's lists are some seconds late; anew each time, since a no closes the channel. */
  function consumed(queue: string): Promise<void> {
    return eventually(async () => {
      const connection = await connect(vhost.url);
      try {
        const channel = await connection.createChannel();
        channel.on('error', () => undefined);
        assert.equal((await channel.checkQueue(queue)).consumerCount, 1);
      } finally {
        await connection.close();
      }
    }, SLOW);
  }

  async function closeConnections(): Promise<void> {
    await eventually(async () => {
      // The management's list is some seconds late.
      const open = await vhost.api('GET', `vhosts/${vhost.name}/connections`);
      assert.ok(Array.isArray(open) && open.length >= 2);
      for (const { name } of open) await vhost.api('DELETE', `connections/${encodeURIComponent(String(name))}`);
    }, SLOW);
  }

  it('keeps a message as a row until its receiver has handled it', async () => {
    await start(rabbit, relay(AN_HOUR_MS));
    const ids = await write(3);
    await sentIs(3);
    assert.deepEqual(await outboxIds(), []);
    const seen: string[] = [];
    await startReceiver(async (batch) => {
      seen.push(...batch.map(({ id }) => id));
    });
    await sentIs(0);
    assert.deepEqual(seen.sort(), ids.sort());
  });

  it('takes a dead letter for finished, be it rejected or poison, and a retry not', async () => {
    await start(rabbit, relay(AN_HOUR_MS));
    const [rejected = '', retried = ''] = await write(2);
    await db.transaction((tx) =>
      addToOutbox(tx, [
        { transport: 'rabbit', exchange: NOTIFICATIONS, routingKey: 'mail.x', type: 'unheard-of', data: {} },
      ]),
    );
    // A receipt that comes before its message is recorded as sent finds nothing, and the next one is an hour away here.
    await sentIs(3);
    await startReceiver(async (batch) => {
      for (const { id } of batch) {
        if (id === rejected) throw new RejectMessage('never');
        if (id === retried) throw new Error('not now');
      }
    });
    await eventually(async () => {
      assert.deepEqual(
        (await sent()).map(({ message_id }) => message_id),
        [retried],
      );
      assert.match(JSON.stringify(await vhost.api('GET', `queues/${vhost.name}/${MAIL_DEAD}`)), /"messages":2\b/);
    }, SLOW);
  });

  it('sends again, under the same id, what has no receipt in time', async () => {
    await start(rabbit, relay(100));
    const [id] = await write();
    const seen: string[] = [];
    const consumer = rabbit.consume({
      consumer: 'silent',
      queue: MAIL_QUEUE,
      deadLetterQueue: MAIL_DEAD,
      retry: { exchange: MAIL_RETRY, stepsMs: [] },
      schemas: { job: { parse: (data: unknown) => data } },
      handle: async (batch) => {
        seen.push(...batch.map((envelope) => envelope.id));
      },
    });
    await start(consumer);
    await eventually(() => assert.ok(seen.length >= 3), SLOW);
    assert.deepEqual(new Set(seen), new Set([id]));
    await receipt([id]);
    await sentIs(0);
  });

  it('does nothing for receipts that come twice, are unknown or are nonsense', async () => {
    await start(rabbit, relay(AN_HOUR_MS));
    const [done, kept] = await write(2);
    await sentIs(2);
    await receipt([done, 'nonsense', 7, randomUUID()]);
    await receipt([done]);
    await sentIs(1);
    await eventually(async () => {
      assert.match(
        JSON.stringify(await vhost.api('GET', `queues/${vhost.name}/${receiptQueue('shop')}`)),
        /"messages":0\b/,
      );
    }, SLOW);
    assert.equal((await sent())[0]?.message_id, kept);
  });

  it('sends everything again as soon as RabbitMQ comes back empty, and nothing when it was only away', async () => {
    await start(rabbit, relay(AN_HOUR_MS));
    // To a new sender RabbitMQ looks as if it had lost its data. That is over when the receipts are consumed.
    await consumed(receiptQueue('shop'));
    const ids = await write(5);
    await sentIs(5);
    await closeConnections();
    ids.push(...(await write(1)));
    await sentIs(6);
    await consumed(receiptQueue('shop'));
    assert.ok((await sent()).every(({ sendings }) => sendings === 1));
    await vhost.wipe();
    await eventually(
      async () => assert.deepEqual(new Set((await sent()).map((row) => row.sendings)), new Set([2])),
      SLOW,
    );
    const seen: string[] = [];
    await startReceiver(async (batch) => {
      seen.push(...batch.map(({ id }) => id));
    });
    await sentIs(0);
    assert.deepEqual(seen.sort(), ids.sort());
  });

  describe('in the database alone', () => {
    it('waits twice as long each time, up to 32 times', async () => {
      await write();
      const waits: number[] = [];
      for (let sending = 0; sending < 8; sending += 1) {
        await settle(db, await outboxIds(), 1_000_000);
        const [row] = await sent();
        assert.equal(row?.sendings, sending + 1);
        waits.push(Math.round((row?.wait_s ?? 0) / 1_000));
        await hurry(db);
        assert.equal((await resend(db)).count, 1);
      }
      assert.deepEqual(waits, [1, 2, 4, 8, 16, 32, 32, 32]);
    });

    it('has one copy at a time in the outbox, however long RabbitMQ is away', async () => {
      await write();
      await settle(db, await outboxIds(), 1);
      await eventually(async () => assert.equal((await resend(db)).count, 1), SLOW);
      await hurry(db);
      assert.equal((await resend(db)).count, 0);
      assert.equal((await outboxIds()).length, 1);
    });

    it('notes a message down once although it was written twice', async () => {
      await write(2, randomUUID());
      await settle(db, await outboxIds(), 1_000);
      assert.equal((await sent()).length, 1);
      assert.deepEqual(await outboxIds(), []);
    });

    it('lets go of what goes to an exchange that asks for no receipts', async () => {
      await db.transaction((tx) =>
        addToOutbox(tx, [{ transport: 'rabbit', exchange: 'other', routingKey: 'x', type: 'job', data: {} }]),
      );
      await settle(db, await outboxIds(), 1_000);
      assert.deepEqual(await outboxIds(), []);
      assert.deepEqual(await sent(), []);
    });
  });
});
