import assert from 'node:assert/strict';
import { authApi } from '@punctual/contracts';
import { createDatabase, type Database, one } from '@punctual/postgres';
import { silentLogger } from '@punctual/telemetry';
import { type TestDatabase, testDatabase } from '@punctual/testing';
import { z } from 'zod';
import { migrations } from '../src/store/migrations.ts';
import { PASSWORD, signingKeyPem, WRONG_PASSWORD } from './fixture.ts';
import { type Answer, errorCode, type Service, startService } from './service.ts';

const ROUTES = [
  '/auth/register',
  '/auth/verify',
  '/auth/resend-verification',
  '/auth/login',
  '/auth/refresh',
  '/auth/logout',
];
const tokensAnswer = z.strictObject({ data: authApi.tokens });

describe('the auth API, without any broker', () => {
  let database: TestDatabase;
  let db: Database;
  let service: Service;
  before(async () => {
    database = await testDatabase('auth-api', migrations);
    db = createDatabase({ primaryUrl: database.primaryUrl, applicationName: 'auth-test', logger: silentLogger() });
    service = await startService({
      role: 'api',
      env: { DATABASE_URL: database.primaryUrl, JWT_RETIRED_KEYS: signingKeyPem() },
    });
  });
  after(async () => {
    await service.stop();
    await db.close();
    await database.drop();
  });

  async function addUser(email: string, { verified = true } = {}): Promise<void> {
    await service.post('/auth/register', { email, password: PASSWORD });
    if (verified) await db.primary.raw('UPDATE users SET verified_at = now() WHERE email = ?', [email]);
  }

  async function login(email: string): Promise<string> {
    const answer = await service.post('/auth/login', { email, password: PASSWORD });
    assert.equal(answer.status, 200);
    return tokensAnswer.parse(answer.body).data.refresh_token;
  }

  const counts = () =>
    one(
      db.primary,
      `SELECT (SELECT count(*)::int FROM users) AS users, (SELECT count(*)::int FROM outbox) AS outbox,
              (SELECT count(*)::int FROM sessions) AS sessions`,
    );

  it('refuses bad input in the one error shape, names the field, and writes nothing', async () => {
    const before = await counts();
    const email = 'bad@punctual.test';
    const cases: [string, unknown, number, string][] = [
      ['/auth/register', { email, password: PASSWORD, role: 'admin' }, 400, 'role'],
      ['/auth/register', { email, password: PASSWORD, verified: true }, 400, 'verified'],
      ['/auth/register', { email }, 400, 'password'],
      ['/auth/register', { email, password: 'short' }, 400, 'password'],
      ['/auth/register', { email, password: 'x'.repeat(129) }, 400, 'password'],
      ['/auth/register', { email, password: 1234567890 }, 400, 'password'],
      ['/auth/register', { email, password: 'a password\u0000!' }, 400, 'password'],
      ['/auth/register', { email, password: `a password ${'\ud800'}` }, 400, 'password'],
      ['/auth/register', { email: 'nobody', password: PASSWORD }, 400, 'email'],
      ['/auth/register', { email: ['a@b.test'], password: PASSWORD }, 400, 'email'],
      ['/auth/register', { email: 'a@b.test\r\nBcc: c@d.test', password: PASSWORD }, 400, 'email'],
      ['/auth/register', { email: 'a@b.test, c@d.test', password: PASSWORD }, 400, 'email'],
      ['/auth/register', { email: `${'x'.repeat(250)}@b.test`, password: PASSWORD }, 400, 'email'],
      ['/auth/verify', { email, verification_token: '12345' }, 400, 'verification_token'],
      ['/auth/verify', { email, verification_token: 123456 }, 400, 'verification_token'],
      ['/auth/verify', { email, verification_token: '１２３４５６' }, 400, 'verification_token'],
      ['/auth/resend-verification', {}, 400, 'email'],
      ['/auth/resend-verification', { email, to: 'me@evil.test' }, 400, 'to'],
      ['/auth/login', { email, password: '' }, 400, 'password'],
      ['/auth/login', { email, password: { $ne: '' } }, 400, 'password'],
      ['/auth/refresh', { refresh_token: null }, 400, 'refresh_token'],
      ['/auth/refresh', { refresh_token: 'x'.repeat(513) }, 400, 'refresh_token'],
      ['/auth/logout', [], 400, 'body'],
      ['/auth/login', 'null', 400, 'body'],
      ['/auth/login', '{"email":', 400, 'body'],
      ['/auth/login', `{"email":"${email}","password":"p","__proto__":{"x":1}}`, 400, '__proto__'],
      ['/auth/login', { email, password: 'x'.repeat(1_000_001) }, 413, ''],
    ];
    for (const [path, body, status, field] of cases) {
      const answer = await service.post(path, body);
      const shown = JSON.stringify(answer.body);
      assert.equal(answer.status, status, `${path} ${shown}`);
      assert.equal(errorCode(answer), status === 413 ? 'PAYLOAD_TOO_LARGE' : 'VALIDATION_FAILED');
      assert.ok(shown.includes(field), `${path} does not name ${field}: ${shown}`);
    }
    assert.deepEqual(await counts(), before);
  });

  it('refuses other methods, media types and addresses on every route', async () => {
    for (const path of ROUTES) {
      const method = await service.get(path);
      assert.deepEqual([method.status, method.headers.get('allow')?.includes('POST')], [405, true]);
      const type = await service.send(path, { method: 'POST', headers: { 'content-type': 'text/plain' }, body: '{}' });
      assert.equal(type.status, 415);
    }
    assert.equal((await service.get('/auth/nothing')).status, 404);
  });

  it('does not tell a known address from an unknown one at register, resend, verify and login', async () => {
    await addUser('known@punctual.test');
    await addUser('waiting@punctual.test', { verified: false });
    const emails = ['known@punctual.test', 'waiting@punctual.test', 'unknown@punctual.test'];
    const ask: Record<string, (email: string) => Promise<Answer>> = {
      resend: (email) => service.post('/auth/resend-verification', { email }),
      verify: (email) => service.post('/auth/verify', { email, verification_token: '000000' }),
      login: (email) => service.post('/auth/login', { email, password: WRONG_PASSWORD }),
      register: (email) => service.post('/auth/register', { email, password: WRONG_PASSWORD }),
    };
    for (const [operation, send] of Object.entries(ask)) {
      const answers = new Set<string>();
      for (const email of emails) {
        const { status, headers, body } = await send(email);
        const names = [...headers.keys()].sort().join();
        const text = JSON.stringify(body)
          .replaceAll(email, 'EMAIL')
          .replace(/"id":\d+/, '"id":ID')
          .replace(/"request_id":"[^"]+"/, '');
        answers.add(`${status} ${names} ${text}`);
      }
      assert.equal(answers.size, 1, `${operation} answers ${[...answers].join(' and ')}`);
    }
  });

  it('lets one of two refreshes at the same time win, and revokes the session at a replay', async () => {
    await addUser('twins@punctual.test');
    const token = await login('twins@punctual.test');
    const answers = await Promise.all([1, 2].map(() => service.post('/auth/refresh', { refresh_token: token })));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 401]);
    const winner = answers.find(({ status }) => status === 200);
    const next = await service.post('/auth/refresh', {
      refresh_token: tokensAnswer.parse(winner?.body).data.refresh_token,
    });
    assert.equal(next.status, 200);
    assert.equal((await service.post('/auth/refresh', { refresh_token: token })).status, 401);
    const newest = tokensAnswer.parse(next.body).data.refresh_token;
    assert.equal((await service.post('/auth/refresh', { refresh_token: newest })).status, 401);
  });

  it('answers that it lives while passwords are hashed', async () => {
    await addUser('busy@punctual.test');
    let finished = 0;
    const logins = Promise.all(
      Array.from({ length: 8 }, async () => {
        await login('busy@punctual.test');
        finished += 1;
      }),
    );
    assert.equal((await service.get('/health/live')).status, 200);
    assert.ok(finished < 8, 'all logins were over before the service said that it lives');
    await logins;
    assert.equal(finished, 8);
  });

  it('turns logins away with 503 when too many wait, and serves on', async () => {
    const crowded = await startService({
      role: 'api',
      env: { DATABASE_URL: database.primaryUrl, PASSWORD_HASH_CONCURRENCY: '1', PASSWORD_HASH_QUEUE: '1' },
    });
    try {
      await addUser('crowd@punctual.test');
      const credentials = { email: 'crowd@punctual.test', password: PASSWORD };
      const answers = await Promise.all(Array.from({ length: 20 }, () => crowded.post('/auth/login', credentials)));
      const refused = answers.filter(({ status }) => status === 503);
      assert.ok(refused.length > 0);
      assert.ok(refused.every((answer) => errorCode(answer) === 'UNAVAILABLE' && answer.headers.has('retry-after')));
      assert.ok(answers.some(({ status }) => status === 200));
      assert.equal((await crowded.post('/auth/login', credentials)).status, 200);
    } finally {
      await crowded.stop();
    }
  });

  it('publishes its keys, cacheable, and no private part', async () => {
    const { status, headers, body } = await service.get('/.well-known/jwks.json');
    assert.equal(status, 200);
    assert.match(headers.get('cache-control') ?? '', /^public, max-age=\d+$/);
    const { keys } = z.strictObject({ keys: z.array(z.record(z.string(), z.string())) }).parse(body);
    assert.equal(keys.length, 2);
    assert.ok(keys.every((key) => key.crv === 'Ed25519' && key.kid !== undefined && !('d' in key)));
  });

  it('is ready without brokers, and counts what it decided', async () => {
    assert.equal((await service.get('/health/ready')).status, 200);
    const metrics = String((await service.get('/metrics')).body);
    assert.match(metrics, /auth_requests_total\{operation="login",outcome="invalid-credentials",service="auth"\} \d+/);
  });

  it('is alive and not ready while the database is away, and says 503', async () => {
    const lonely = await startService({ role: 'api', env: { DATABASE_URL: 'postgres://127.0.0.1:1/nothing' } });
    try {
      assert.equal((await lonely.get('/health/live')).status, 200);
      assert.equal((await lonely.get('/health/ready')).status, 503);
      const answer = await lonely.post('/auth/login', { email: 'a@punctual.test', password: PASSWORD });
      assert.deepEqual([answer.status, errorCode(answer)], [503, 'UNAVAILABLE']);
      assert.ok(answer.headers.has('retry-after'));
    } finally {
      await lonely.stop();
    }
  });
});
