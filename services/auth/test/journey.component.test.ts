import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { authApi, events, type MailJob, mailJobs } from '@punctual/contracts';
import { createVerifier } from '@punctual/http';
import {
  createKafka,
  createRabbit,
  createReceipts,
  MAIL_DEAD,
  MAIL_QUEUE,
  MAIL_RETRY,
  shopTopology,
} from '@punctual/messaging';
import { createDatabase, type Database, one } from '@punctual/postgres';
import { createLogger, createMetrics, silentLogger } from '@punctual/telemetry';
import { eventually, servers, testDatabase, testVhost, topicPrefix } from '@punctual/testing';
import { z } from 'zod';
import { seed } from '../src/commands/seed.ts';
import { createPasswords } from '../src/security/passwords.ts';
import { migrations } from '../src/store/migrations.ts';
import { otherCode, PASSWORD, WRONG_PASSWORD } from './fixture.ts';
import { AUDIENCE, errorCode, ISSUER, type Service, startService } from './service.ts';

const EMAIL = 'customer.journey@punctual.test';
const RETRY_STEPS_MS = [1_000];

const registered = z.strictObject({ data: authApi.registeredUser });
const tokensAnswer = z.strictObject({ data: authApi.tokens });

/**
 * Real brokers on both sides. The replica is another, empty database: the stalest of all replicas, which never shows
 * anything of what is done here.
 */
describe('the journey of a new customer', function () {
  this.timeout(60_000);
  const logger = silentLogger();
  const metrics = createMetrics('auth-test');
  const prefix = topicPrefix('auth-journey');
  const jobs: MailJob<'mail.verification'>[] = [];
  const facts: { type: string; subject: string; email: string }[] = [];
  /** What `before` has made so far, to be released in reverse whether or not it came to its end. */
  const releases: (() => Promise<void>)[] = [];
  const logged = new PassThrough();
  let log = '';
  let service: Service;
  let db: Database;

  before(async () => {
    logged.on('data', (chunk: Buffer) => {
      log += chunk.toString();
    });
    const database = await testDatabase('auth-journey', migrations);
    releases.push(() => database.drop());
    const staleReplica = await testDatabase('auth-journey-replica', migrations);
    releases.push(() => staleReplica.drop());
    const vhost = await testVhost('auth-journey');
    releases.push(() => vhost.drop());
    db = createDatabase({ primaryUrl: database.primaryUrl, applicationName: 'auth-test', logger });
    releases.push(() => db.close());
    await seed({ db, passwords: createPasswords({ concurrency: 1, maxWaiting: 10 }) });
    service = await startService({
      role: 'all',
      logger: createLogger({ service: 'auth', level: 'debug', stream: logged }),
      env: {
        DATABASE_URL: database.primaryUrl,
        DATABASE_REPLICA_URL: staleReplica.primaryUrl,
        KAFKA_BROKERS: servers().kafka.brokers.join(','),
        KAFKA_TOPIC_PREFIX: prefix,
        RABBITMQ_URL: vhost.url,
        DELAY_STRATEGY: 'ttl',
      },
    });

    releases.push(() => service.stop());
    // The seed's events wait for a topic that is not there yet, several in the first batch.
    await outboxIsEmpty();

    const rabbit = createRabbit({ url: vhost.url, name: 'auth-test', logger, metrics });
    rabbit.declare(shopTopology({ delayStrategy: 'ttl', mailRetryStepsMs: RETRY_STEPS_MS }));
    const receipts = createReceipts({ rabbit, logger, source: '/auth-test', intervalMs: 50 });
    const mails = rabbit.consume({
      receipts,
      consumer: 'auth-test-mails',
      queue: MAIL_QUEUE,
      deadLetterQueue: MAIL_DEAD,
      retry: { exchange: MAIL_RETRY, stepsMs: RETRY_STEPS_MS },
      schemas: { 'mail.verification': mailJobs['mail.verification'] },
      handle: async (batch) => {
        jobs.push(...batch.map((envelope) => envelope.data));
      },
    });
    const kafka = createKafka({
      brokers: servers().kafka.brokers,
      clientId: 'auth-test',
      topicPrefix: prefix,
      logger,
      metrics,
    });
    const users = kafka.subscribe({
      groupId: 'auth-test-users',
      topics: ['user'],
      schemas: { 'user.created': events['user.created'].data, 'user.verified': events['user.verified'].data },
      handle: async (batch) => {
        facts.push(...batch.map(({ type, subject, data }) => ({ type, subject, email: data.email })));
      },
      db,
      onFatal: (error) => {
        throw error;
      },
    });
    for (const component of [rabbit, receipts, mails, kafka, users]) {
      await component.start();
      releases.push(() => component.stop());
    }
  });

  after(async () => {
    for (const release of releases.reverse()) await release();
  });

  async function outboxIsEmpty(): Promise<void> {
    await eventually(async () => {
      const waiting =
        'SELECT (SELECT count(*)::int FROM outbox) AS rows, (SELECT count(*)::int FROM outbox_sent) AS sent';
      assert.deepEqual(await one(db.primary, waiting), { rows: 0, sent: 0 });
    });
  }

  it('leads from registration over the mailed code to tokens that verify, and to logout', async () => {
    const registration = await service.post('/auth/register', {
      email: ` ${EMAIL.toUpperCase()} `,
      password: PASSWORD,
    });
    assert.equal(registration.status, 201);
    const user = registered.parse(registration.body).data;
    assert.deepEqual({ ...user, id: 0 }, { id: 0, email: EMAIL, verified: false });

    const early = await service.post('/auth/login', { email: EMAIL, password: PASSWORD });
    assert.deepEqual([early.status, errorCode(early)], [403, 'EMAIL_NOT_VERIFIED']);
    assert.match(JSON.stringify(early.body), /POST \/auth\/verify.*POST \/auth\/resend-verification/);

    const job = await eventually(() => {
      const mailed = jobs.find(({ to }) => to === EMAIL);
      assert.ok(mailed !== undefined, 'no mail job has arrived');
      return mailed;
    });
    const wrong = await service.post('/auth/verify', { email: EMAIL, verification_token: otherCode(job.code) });
    assert.deepEqual([wrong.status, errorCode(wrong)], [400, 'INVALID_CODE']);
    const verified = await service.post('/auth/verify', { email: EMAIL, verification_token: job.code });
    assert.deepEqual([verified.status, verified.body], [200, { data: { email: EMAIL, verified: true } }]);

    const refused = await service.post('/users/login', { email: EMAIL, password: WRONG_PASSWORD });
    assert.deepEqual([refused.status, errorCode(refused)], [401, 'INVALID_CREDENTIALS']);
    const login = await service.post('/auth/login', { email: EMAIL, password: PASSWORD });
    assert.equal(login.status, 200);
    assert.equal(login.headers.get('cache-control'), 'no-store');
    const first = tokensAnswer.parse(login.body).data;
    assert.equal(first.expires_in, 900);

    const verifier = createVerifier({
      jwksUrl: `${service.url}/.well-known/jwks.json`,
      issuer: ISSUER,
      audience: AUDIENCE,
      logger,
    });
    const { tokenId: _, ...identity } = await verifier.verify(first.access_token);
    assert.deepEqual(identity, { userId: user.id, email: EMAIL, role: 'customer' });
    await assert.rejects(verifier.verify(first.refresh_token));

    const refreshed = await service.post('/auth/refresh', { refresh_token: first.refresh_token });
    const second = tokensAnswer.parse(refreshed.body).data;
    assert.equal((await verifier.verify(second.access_token)).userId, user.id);

    assert.equal((await service.post('/auth/logout', { refresh_token: second.refresh_token })).status, 204);
    assert.equal((await service.post('/auth/logout', { refresh_token: second.refresh_token })).status, 204);
    const after = await service.post('/auth/refresh', { refresh_token: second.refresh_token });
    assert.deepEqual([after.status, errorCode(after)], [401, 'UNAUTHENTICATED']);

    await eventually(() => {
      const mine = facts.filter(({ email }) => email === EMAIL).map(({ type, subject }) => [type, subject]);
      assert.deepEqual(mine, [
        ['user.created', String(user.id)],
        ['user.verified', String(user.id)],
      ]);
    });
    await outboxIsEmpty();
    assert.equal(jobs.filter(({ to }) => to === EMAIL).length, 1);

    for (const secret of [PASSWORD, WRONG_PASSWORD, `"${job.code}"`, first.refresh_token, first.access_token]) {
      assert.ok(!log.includes(secret), 'a secret was logged');
    }
    assert.ok(log.includes('request_id'), 'nothing was logged at all');
  });

  it('mails a new code on resend and takes only that one', async () => {
    const email = 'resent@punctual.test';
    await service.post('/auth/register', { email, password: PASSWORD });
    await db.primary.raw(`UPDATE verification_codes SET sent_at = sent_at - interval '61 seconds'`);
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => service.post('/auth/resend-verification', { email })),
    );
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([202]));
    const [older, newer] = await eventually(() => {
      const codes = jobs.filter(({ to }) => to === email).map(({ code }) => code);
      assert.equal(codes.length, 2);
      return codes;
    });
    if (older !== newer) {
      const refused = await service.post('/auth/verify', { email, verification_token: older });
      assert.deepEqual([refused.status, errorCode(refused)], [400, 'INVALID_CODE']);
    }
    assert.equal((await service.post('/auth/verify', { email, verification_token: newer })).status, 200);
  });
});
