import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectTcp, createServer, type Server, type Socket } from 'node:net';
import { loadConfig } from '@punctual/config';
import type { MailedOrder, MailJob, MailJobType } from '@punctual/contracts';
import { createRabbit, NOTIFICATIONS, type RabbitConnection, shopTopology } from '@punctual/messaging';
import { createDatabase, type Database, one, rows } from '@punctual/postgres';
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

const RETRY_STEPS = '200ms,400ms,800ms,2s';

type Ledger = { intent: string; status: string; attempts: number; in_doubt: number; last_error: string | null };

describe('the mail service', function () {
  this.timeout(60_000);
  const logger = silentLogger();
  const inbox = inboxClient(servers().inbox.url);
  let database: TestDatabase;
  let vhost: TestVhost;
  let db: Database;
  let rabbit: RabbitConnection;
  let smtp: SmtpFront;
  let ledger: TcpProxy;
  let app: MailApp;

  before(async () => {
    database = await testDatabase('mail', migrations);
    vhost = await testVhost('mail');
    db = createDatabase({ primaryUrl: database.primaryUrl, applicationName: 'mail-test', logger });
    rabbit = createRabbit({ url: vhost.url, name: 'mail-test', logger, metrics: createMetrics('mail-test') });
    rabbit.declare(shopTopology({ delayStrategy: 'auto' }));
    await rabbit.start();
    smtp = await smtpFront(servers().smtp);
    ledger = await tcpProxy(database.pgpoolUrl);
    app = startable();
    await app.start();
    await eventually(async () => assert.equal((await fetch(`${app.url}/health/ready`)).status, 200));
  });

  after(async () => {
    await app.stop();
    await rabbit.stop();
    await smtp.close();
    await ledger.stop();
    await db.close();
    await database.drop();
    await vhost.drop();
  });

  afterEach(() => smtp.behave('forward'));

  it('delivers a job as HTML and text from the shop, and records it in the ledger', async () => {
    const { to, intent } = await publish('mail.verification', { code: '042917', expires_at: inAnHour() });
    const mail = await inbox.waitForMail(to);
    assert.equal(mail.subject, '042917 is your Punctual verification code');
    assert.equal(mail.from, 'shop@punctual.test');
    assert.match(mail.html, /042917/);
    assert.match(mail.text, /042917/);
    assert.match(mail.headers['message-id'] ?? '', /^<[0-9a-f]{32}@punctual\.test>$/);
    await ledgerShows(intent, { status: 'sent', attempts: 1, in_doubt: 0 });
    assert.match(await (await fetch(`${app.url}/metrics`)).text(), /mails_total\{[^}]*outcome="sent"[^}]*\} \d/);
  });

  it('mails one intent once, however often and under however many message ids the job comes', async () => {
    const job = jobFor('mail.order-paid', { order, paid_at: inAnHour() });
    await Promise.all(Array.from({ length: 20 }, () => send('mail.order-paid', job)));
    await inbox.waitForMail(job.to);
    await drained();
    assert.equal((await inbox.mailsTo(job.to)).length, 1);
    await ledgerShows(job.intent, { status: 'sent', attempts: 1 });
  });

  it('loses nothing while the mail server is away, and sends when it is back', async () => {
    smtp.behave('refuse');
    const { to, intent } = await publish('mail.order-cancelled', {
      order,
      reason: 'OUT_OF_STOCK',
      cancelled_at: inAnHour(),
    });
    await ledgerShows(intent, { status: 'deferred' });
    smtp.behave('forward');
    const mail = await inbox.waitForMail(to);
    assert.match(mail.text, /sold out/);
    const entry = await ledgerShows(intent, { status: 'sent' });
    assert.ok(entry.attempts > 1);
    // Twice only where an answer of the mail server came too late to be believed.
    assert.ok((await inbox.mailsTo(to)).length <= 1 + entry.in_doubt);
  });

  it('leaves a server alone that is known to be away, for longer than all retries would take, and loses no mail', async function () {
    this.timeout(120_000);
    const before = await timesOpened();
    smtp.behave('refuse');
    const jobs = await Promise.all(
      Array.from({ length: 6 }, () => publish('mail.order-paid', { order, paid_at: inAnHour() })),
    );
    await eventually(async () => assert.ok((await timesOpened()) >= before + 5), {
      timeoutMs: 45_000,
      intervalMs: 100,
    });
    assert.deepEqual(await dependencies(), { smtp: 'open' });
    smtp.behave('forward');
    for (const { to, intent } of jobs) {
      await inbox.waitForMail(to, undefined, { timeoutMs: 20_000 });
      await ledgerShows(intent, { status: 'sent', in_doubt: 0 });
      assert.equal((await inbox.mailsTo(to)).length, 1);
    }
    await eventually(async () => assert.deepEqual(await dependencies(), { smtp: 'closed' }));
  });

  it('puts a job that used up its retries into the dead-letter queue, with the reason', async () => {
    smtp.behave('451 4.3.0 mailbox busy');
    const { intent } = await publish('mail.refund', { order, is_second_payment: false, refunded_at: inAnHour() });
    const dead = await deadLetter(intent);
    assert.match(dead, /mailbox busy/);
    await ledgerShows(intent, { status: 'deferred', attempts: RETRY_STEPS.split(',').length + 1 });
  });

  it('gives up at once on what the mail server will never take', async () => {
    smtp.behave('550 5.1.1 no such mailbox');
    const { intent } = await publish('mail.refund', { order, is_second_payment: false, refunded_at: inAnHour() });
    assert.match(await deadLetter(intent), /no such mailbox/);
    await ledgerShows(intent, { status: 'failed', attempts: 1 });
  });

  it('does not send what is of no use any more', async () => {
    const { to, intent } = await publish(
      'mail.payment-reminder',
      { order, reminder: { number: 1, of: 3 }, time_left: '20 hours' },
      { not_after: new Date(Date.now() - 1_000).toISOString() },
    );
    await ledgerShows(intent, { status: 'dropped' });
    assert.deepEqual(await inbox.mailsTo(to), []);
  });

  it('takes over a mail whose sender died with it in hand, and counts the doubt', async () => {
    const job = jobFor('mail.order-paid', { order, paid_at: inAnHour() });
    await db.primary.raw(
      `INSERT INTO mails (intent, type, recipient, message_id, status, claimed_until)
       VALUES (?, 'mail.order-paid', ?, '<x@punctual.test>', 'sending', now() + interval '500 ms')`,
      [job.intent, job.to],
    );
    await send('mail.order-paid', job);
    await inbox.waitForMail(job.to);
    await ledgerShows(job.intent, { status: 'sent', in_doubt: 1 });
  });

  it('sends once although the ledger goes away between the mail server taking the mail and its record', async () => {
    const released = smtp.onNextMail(() => ledger.cut());
    const { to, intent } = await publish('mail.order-paid', { order, paid_at: inAnHour() });
    await released;
    await inbox.waitForMail(to);
    ledger.heal();
    await ledgerShows(intent, { status: 'sent', attempts: 1, in_doubt: 0 });
    assert.equal((await inbox.mailsTo(to)).length, 1);
  });

  it('keeps a job that makes no sense as a dead letter and goes on', async () => {
    const intent = `nonsense:${randomUUID()}`;
    await rabbit.publish([envelope('mail.order-paid', { intent, to: 'not an address' })]);
    assert.match(await deadLetter(intent), /to|address|email/i);
    const { to } = await publish('mail.verification', { code: '111111', expires_at: inAnHour() });
    await inbox.waitForMail(to);
  });

  async function timesOpened(): Promise<number> {
    const text = await (await fetch(`${app.url}/metrics`)).text();
    return Number(/^circuit_breaker_transitions_total\{[^}]*to="open"[^}]*\} (\d+)$/m.exec(text)?.[1] ?? 0);
  }

  /** The breakers, as readiness shows them. */
  async function dependencies(): Promise<unknown> {
    const ready = await fetch(`${app.url}/health/ready`);
    return ((await ready.json()) as { data: { dependencies: unknown } }).data.dependencies;
  }

  function startable(): MailApp {
    const config = loadConfig(configSchema, {
      PORT: '0',
      NODE_ENV: 'test',
      LOG_LEVEL: 'silent',
      DATABASE_URL: ledger.url,
      RABBITMQ_URL: vhost.url,
      SMTP_HOST: '127.0.0.1',
      SMTP_PORT: String(smtp.port),
      // A mail server that answers later than this has mails sent twice, which a busy machine must not look like.
      SMTP_SEND_TIMEOUT: '3s',
      MAIL_RETRY_STEPS: RETRY_STEPS,
      CIRCUIT_BREAKER_TIMEOUT: '1s',
    });
    return buildApp(config, { role: 'all', logger });
  }

  async function publish<T extends MailJobType>(
    type: T,
    content: Omit<MailJob<T>, 'intent' | 'to' | 'not_after'>,
    extra: { not_after?: string } = {},
  ): Promise<{ intent: string; to: string }> {
    const job = { ...jobFor(type, content), ...extra };
    await send(type, job);
    return job;
  }

  function send(type: MailJobType, job: { intent: string; to: string }): Promise<void> {
    return rabbit.publish([envelope(type, job)]);
  }

  async function ledgerShows(intent: string, expected: Partial<Ledger>): Promise<Ledger> {
    return await eventually(
      async () => {
        const entry = await one<Ledger>(db.primary, 'SELECT * FROM mails WHERE intent = ?', [intent]);
        assert.ok(entry, `${intent} is not in the ledger`);
        for (const [field, value] of Object.entries(expected)) assert.equal(entry[field as keyof Ledger], value, field);
        return entry;
      },
      { timeoutMs: 15_000 },
    );
  }

  /** Waits until no job is left to be sent. */
  async function drained(): Promise<void> {
    await eventually(async () => {
      const open = await rows(db.primary, "SELECT intent FROM mails WHERE status IN ('sending', 'deferred')");
      assert.equal(open.length, 0);
      const queue = await vhost.api('GET', `queues/${vhost.name}/mail.jobs`);
      assert.match(JSON.stringify(queue), /"messages":0\b/);
    });
  }

  /** The dead letter about an intent, headers and all, as text. */
  async function deadLetter(intent: string): Promise<string> {
    return await eventually(
      async () => {
        const found = await vhost.api('POST', `queues/${vhost.name}/mail.jobs.dead/get`, {
          count: 50,
          ackmode: 'ack_requeue_true',
          encoding: 'auto',
        });
        assert.ok(Array.isArray(found));
        const letter = found.map((message) => JSON.stringify(message)).find((text) => text.includes(intent));
        assert.ok(letter, `no dead letter about ${intent}`);
        return letter;
      },
      { timeoutMs: 20_000, intervalMs: 100 },
    );
  }
});

const order: MailedOrder = {
  order_id: 17,
  items: [{ name: 'Desk lamp', quantity: 2, unit_price: '19.90', total_price: '39.80' }],
  total_amount: '39.80',
  currency: 'USD',
  shipping_address: '1 Main Street',
  created_at: '2026-01-31T09:30:00.000Z',
  expires_at: '2026-02-01T09:30:00.000Z',
};

function jobFor<T extends MailJobType>(_type: T, content: Omit<MailJob<T>, 'intent' | 'to' | 'not_after'>) {
  const name = randomUUID();
  return { intent: `test:${name}`, to: `${name}@example.com`, not_after: null, ...content };
}

function envelope(type: string, data: unknown) {
  const attributes = {
    id: randomUUID(),
    type,
    source: '/test',
    subject: 'test',
    time: new Date().toISOString(),
    attempt: 1,
  };
  return { exchange: NOTIFICATIONS, routingKey: type, envelope: { ...attributes, data } };
}

function inAnHour(): string {
  return new Date(Date.now() + 3_600_000).toISOString();
}

/** `forward` hands connections to the real mail server, `refuse` closes them, any other text is the answer to every mail's sender. */
type SmtpFront = {
  readonly port: number;
  behave(how: string): void;
  /** Calls back when the next mail's content is on its way to the server, and resolves then. */
  onNextMail(callback: () => void): Promise<void>;
  close(): Promise<void>;
};

/** A port in front of the real mail server that can show the troubles mail servers have. */
async function smtpFront(target: { host: string; port: number }): Promise<SmtpFront> {
  let behaviour = 'forward';
  let onContent: (() => void) | undefined;
  const sockets = new Set<Socket>();
  const server: Server = createServer((client) => {
    sockets.add(client);
    client.on('close', () => sockets.delete(client));
    client.on('error', () => client.destroy());
    if (behaviour === 'refuse') client.destroy();
    else if (behaviour === 'forward') {
      forward(client, target);
      client.on('data', (data: Buffer) => {
        if (/\r\n\.\r\n$/.test(data.toString('latin1'))) onContent?.();
      });
    } else answerMail(client, behaviour);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  const hangUp = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: address.port,
    behave(how) {
      behaviour = how;
      hangUp();
    },
    onNextMail(callback) {
      return new Promise((resolve) => {
        onContent = () => {
          onContent = undefined;
          callback();
          resolve();
        };
      });
    },
    async close() {
      hangUp();
      server.close();
      await once(server, 'close');
    },
  };
}

function forward(client: Socket, target: { host: string; port: number }): void {
  const upstream = connectTcp(target);
  upstream.on('error', () => client.destroy());
  upstream.on('close', () => client.destroy());
  client.on('close', () => upstream.destroy());
  client.pipe(upstream).pipe(client);
}

/** Greets, and gives `answer` to MAIL FROM. */
function answerMail(client: Socket, answer: string): void {
  client.write('220 test\r\n');
  client.on('data', (data: Buffer) => {
    const line = data.toString();
    if (/^MAIL/i.test(line)) client.write(`${answer}\r\n`);
    else if (/^QUIT/i.test(line)) client.end('221 bye\r\n');
    else client.write('250 ok\r\n');
  });
}
