import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { loadConfig } from '@punctual/config';
import type { MailJob } from '@punctual/contracts';
import {
  addToOutbox,
  createRabbit,
  createRelay,
  messagingMigrations,
  NOTIFICATIONS,
  receiptMigrations,
  shopTopology,
} from '@punctual/messaging';
import { createDatabase, type Database, leaseMigrations, one } from '@punctual/postgres';
import { createMetrics, silentLogger } from '@punctual/telemetry';
import {
  eventually,
  inboxClient,
  servers,
  type TcpProxy,
  type TestDatabase,
  type TestVhost,
  tcpProxy,
  testDatabase,
  testVhost,
} from '@punctual/testing';
import { buildApp, type MailApp } from '../src/app.ts';
import { configSchema } from '../src/config.ts';
import { migrations } from '../src/store/migrations.ts';

const MAILS = 12;
const SLOW = { timeoutMs: 30_000 };
const AN_HOUR_MS = 3_600_000;

/** A service that has mails sent, with the real outbox and relay, and RabbitMQ in between, which loses its data. */
describe('a mail job whose RabbitMQ loses its data', function () {
  this.timeout(90_000);
  const logger = silentLogger();
  const inbox = inboxClient(servers().inbox.url);
  let ledger: TestDatabase;
  let outbox: TestDatabase;
  let vhost: TestVhost;
  let db: Database;
  let mails: Database;
  let smtp: TcpProxy;
  let releases: (() => Promise<void>)[];

  beforeEach(async () => {
    releases = [];
    ledger = await testDatabase('receipts-mail', migrations);
    releases.push(() => ledger.drop());
    outbox = await testDatabase('receipts-shop', [...leaseMigrations, ...messagingMigrations, ...receiptMigrations]);
    releases.push(() => outbox.drop());
    vhost = await testVhost('receipts');
    releases.push(() => vhost.drop());
    db = createDatabase({ primaryUrl: outbox.primaryUrl, applicationName: 'receipts', logger });
    releases.push(() => db.close());
    mails = createDatabase({ primaryUrl: ledger.primaryUrl, applicationName: 'receipts', logger });
    releases.push(() => mails.close());
    const { host, port } = servers().smtp;
    smtp = await tcpProxy(`smtp://${host}:${port}`);
    releases.push(() => smtp.stop());
  });
  afterEach(async () => {
    for (const release of releases.reverse()) await release();
  });

  it('is sent again when nobody had worked on it, and mailed once', async () => {
    await startShop({ receiptWaitMs: AN_HOUR_MS });
    const jobs = await writeJobs(MAILS);
    await published();
    await queued(MAILS);
    await vhost.wipe();
    await startMail();
    await allMailedOnce(jobs);
  });

  it('is sent again when it waited for its next attempt, and mailed once', async () => {
    await startShop({ receiptWaitMs: AN_HOUR_MS });
    smtp.cut();
    // A breaker that opens would have them wait in the queue rather than for their next attempt.
    await startMail({ MAIL_RETRY_STEPS: '1h', CIRCUIT_BREAKER_TIMEOUT: '50ms' });
    const jobs = await writeJobs(MAILS);
    await eventually(async () => assert.equal(await deferred(), MAILS), SLOW);
    assert.equal(await count('outbox_sent'), MAILS);
    await vhost.wipe();
    smtp.heal();
    await allMailedOnce(jobs);
  });

  it('is mailed once although it was published again and again while mail was down', async () => {
    await startShop({ receiptWaitMs: 100 });
    const jobs = await writeJobs(MAILS);
    await eventually(async () => {
      const found = await one<{ least: number }>(db.primary, 'SELECT min(sendings) AS least FROM outbox_sent');
      assert.ok((found?.least ?? 0) >= 3);
    }, SLOW);
    await startMail();
    await allMailedOnce(jobs);
  });

  it('is let go of when mail has given it up and kept it as a dead letter', async () => {
    await startShop({ receiptWaitMs: AN_HOUR_MS });
    smtp.cut();
    await startMail({ MAIL_RETRY_STEPS: '100ms' });
    await writeJobs(1);
    await eventually(async () => assert.equal(await count('outbox_sent'), 1), SLOW);
    await receipted();
    await eventually(async () => {
      assert.match(JSON.stringify(await vhost.api('GET', `queues/${vhost.name}/mail.jobs.dead`)), /"messages":1\b/);
    }, SLOW);
  });

  async function startShop({ receiptWaitMs }: { receiptWaitMs: number }): Promise<void> {
    const metrics = createMetrics('shop');
    const rabbit = createRabbit({ url: vhost.url, name: 'shop', logger, metrics });
    rabbit.declare(shopTopology({ delayStrategy: 'ttl' }));
    const relay = createRelay({ db, rabbit, logger, metrics, source: '/shop', leaseName: 'relay', receiptWaitMs });
    for (const component of [rabbit, relay]) {
      await component.start();
      releases.push(() => component.stop());
    }
  }

  async function startMail(variables: Record<string, string> = {}): Promise<MailApp> {
    const config = loadConfig(configSchema, {
      PORT: '0',
      NODE_ENV: 'test',
      LOG_LEVEL: 'silent',
      DATABASE_URL: ledger.primaryUrl,
      RABBITMQ_URL: vhost.url,
      DELAY_STRATEGY: 'ttl',
      SMTP_HOST: '127.0.0.1',
      SMTP_PORT: new URL(smtp.url).port,
      ...variables,
    });
    const app = buildApp(config, { role: 'worker', logger });
    await app.start();
    releases.push(() => app.stop());
    return app;
  }

  async function writeJobs(count: number): Promise<MailJob<'mail.verification'>[]> {
    const expiresAt = new Date(Date.now() + AN_HOUR_MS).toISOString();
    const jobs = Array.from({ length: count }, () => {
      const name = randomUUID();
      const to = `${name}@example.com`;
      return { intent: `test:${name}`, to, not_after: expiresAt, code: '123456', expires_at: expiresAt };
    });
    const message = { transport: 'rabbit', exchange: NOTIFICATIONS, type: 'mail.verification' } as const;
    await db.transaction((tx) =>
      addToOutbox(
        tx,
        jobs.map((data) => ({ ...message, routingKey: message.type, data })),
      ),
    );
    return jobs;
  }

  const count = async (table: string) =>
    (await one<{ count: number }>(db.primary, `SELECT count(*)::int AS count FROM ${table}`))?.count;
  const deferred = async () =>
    (await one<{ count: number }>(mails.primary, "SELECT count(*)::int AS count FROM mails WHERE status = 'deferred'"))
      ?.count;
  const published = () => eventually(async () => assert.equal(await count('outbox'), 0), SLOW);
  const receipted = () => eventually(async () => assert.equal(await count('outbox_sent'), 0), SLOW);
  const queued = (messages: number) =>
    eventually(async () => {
      const queue = JSON.stringify(await vhost.api('GET', `queues/${vhost.name}/mail.jobs`));
      assert.match(queue, new RegExp(`"messages":${messages}\\b`));
    }, SLOW);

  async function allMailedOnce(jobs: readonly MailJob<'mail.verification'>[]): Promise<void> {
    for (const { to } of jobs) await inbox.waitForMail(to, undefined, SLOW);
    await receipted();
    for (const { to } of jobs) assert.equal((await inbox.mailsTo(to)).length, 1);
  }
});
