import assert from 'node:assert/strict';
import { AuthServiceDefinition, Role, UserServiceDefinition } from '@punctual/contracts/grpc/auth';
import { createDatabase, type Database, one } from '@punctual/postgres';
import { silentLogger } from '@punctual/telemetry';
import { grpcRefusal, TEST_SERVICE_KEY, type TestDatabase, testDatabase, testGrpcClient } from '@punctual/testing';
import { migrations } from '../src/store/migrations.ts';
import { PASSWORD, WRONG_PASSWORD } from './fixture.ts';
import { type Answer, type Service, startService } from './service.ts';

const UNIFORM_MS = 200;
const REGISTRATIONS = 10;
const FAILURES = 4;
const MAX_IDS = 1_000;
const OTHER_KEY = 'a key that none of our services has ever had';

type Person = { readonly id: number; readonly email: string; readonly options: { readonly authorization: string } };

/** The replica is an empty database: the stalest there is. So whoever is found was asked of the primary. */
describe('the auth service over gRPC', () => {
  const releases: (() => Promise<void> | void)[] = [];
  let db: Database;
  let replica: TestDatabase;
  let service: Service;
  let auth: ReturnType<typeof connect<typeof AuthServiceDefinition>>;
  let users: ReturnType<typeof connect<typeof UserServiceDefinition>>;
  let admin: Person;
  let ann: Person;
  let bob: Person;

  function connect<const Definition extends Parameters<typeof testGrpcClient>[0]['definition']>(
    definition: Definition,
    serviceKey = TEST_SERVICE_KEY,
  ) {
    const client = testGrpcClient({ definition, address: service.grpcAddress, serviceKey });
    releases.push(() => client.close());
    return client.calls;
  }

  before(async function () {
    this.timeout(60_000);
    const database = await testDatabase('auth-grpc', migrations);
    releases.push(() => database.drop());
    replica = await testDatabase('auth-grpc-replica', migrations);
    releases.push(() => replica.drop());
    db = createDatabase({ primaryUrl: database.primaryUrl, applicationName: 'auth-test', logger: silentLogger() });
    releases.push(() => db.close());
    service = await startService({
      role: 'api',
      env: {
        DATABASE_URL: database.primaryUrl,
        DATABASE_REPLICA_URL: replica.primaryUrl,
        UNIFORM_ANSWER_TIME: `${UNIFORM_MS}ms`,
        REGISTER_ADDRESS_LIMIT: String(REGISTRATIONS),
        LOGIN_ACCOUNT_FAILURES: String(FAILURES),
        VERIFY_ADDRESS_FAILURES: String(FAILURES),
        RESEND_COOLDOWN: '1ms',
      },
    });
    releases.push(() => service.stop());
    auth = connect(AuthServiceDefinition);
    users = connect(UserServiceDefinition);
    admin = await newPerson('admin@grpc.test', 'admin');
    ann = await newPerson('ann@grpc.test');
    bob = await newPerson('bob@grpc.test');
  });
  after(async () => {
    for (const release of releases.reverse()) await release();
  });

  /** Registers, verifies and logs in, all over gRPC. */
  async function newPerson(email: string, role: 'customer' | 'admin' = 'customer'): Promise<Person> {
    const clientAddress = '203.0.113.7';
    const { verified } = await auth.register({ email, password: PASSWORD }, { clientAddress });
    assert.equal(verified, false);
    const verification = await auth.verify({ email, verificationToken: await codeFor(email) }, { clientAddress });
    assert.deepEqual(verification, { email, verified: true });
    const user = await one<{ id: number }>(
      db.primary,
      `UPDATE users SET role = :role WHERE email = :email RETURNING id`,
      { role, email },
    );
    const { tokens } = await auth.login({ email, password: PASSWORD }, { clientAddress });
    assert.ok(tokens);
    assert.equal(tokens.expiresInSeconds, 900);
    return { id: user?.id ?? 0, email, options: { authorization: `Bearer ${tokens.accessToken}` } };
  }

  async function codeFor(email: string): Promise<string> {
    const mail = await one<{ code: string }>(
      db.primary,
      `SELECT payload->>'code' AS code FROM outbox
       WHERE type = 'mail.verification' AND payload->>'to' = :email ORDER BY id DESC LIMIT 1`,
      { email },
    );
    assert.ok(mail);
    return mail.code;
  }

  async function takesTime(call: Promise<unknown>): Promise<void> {
    const startedAtMs = performance.now();
    await call.catch(() => undefined);
    assert.ok(performance.now() - startedAtMs >= UNIFORM_MS - 1);
  }

  /** What HTTP says to the same, for comparison. */
  const errorOf = ({ body }: Answer) => (body as { error: { code: string; message: string; details: unknown } }).error;

  describe('takes accounts', () => {
    it('answering verify and resend no sooner than it says, and counts what it decides', async () => {
      const clientAddress = '203.0.113.50';
      await takesTime(auth.verify({ email: ann.email, verificationToken: '000000' }, { clientAddress }));
      await takesTime(auth.resendVerification({ email: 'nobody@grpc.test' }));
      const { body } = await service.get('/metrics');
      for (const labels of [
        'operation="register",outcome="accepted"',
        'operation="verify",outcome="refused"',
        'operation="resend",outcome="not-waiting"',
        'operation="login",outcome="let-in"',
      ]) {
        assert.match(String(body), new RegExp(`auth_requests_total\\{[^}]*${labels}`));
      }
    });

    it('sends a new code, which verifies and no other does', async () => {
      const email = 'resent@grpc.test';
      await auth.register({ email, password: PASSWORD }, { clientAddress: '203.0.113.51' });
      const first = await codeFor(email);
      const { message } = await auth.resendVerification({ email });
      assert.match(message, /^If the address is registered/);
      const refused = await grpcRefusal(auth.verify({ email, verificationToken: first }));
      assert.deepEqual([refused.code, refused.status], ['INVALID_CODE', 'INVALID_ARGUMENT']);
      const notYet = await grpcRefusal(auth.login({ email, password: PASSWORD }));
      assert.deepEqual([notYet.code, notYet.status], ['EMAIL_NOT_VERIFIED', 'PERMISSION_DENIED']);
      assert.equal((await auth.verify({ email, verificationToken: await codeFor(email) })).verified, true);
    });

    it('exchanges a refresh token once, and ends the session on logout', async () => {
      const { tokens } = await auth.login({ email: bob.email, password: PASSWORD });
      const refreshed = await auth.refresh({ refreshToken: tokens?.refreshToken ?? '' });
      assert.notEqual(refreshed.tokens?.refreshToken, tokens?.refreshToken);
      assert.deepEqual(await auth.logout({ refreshToken: refreshed.tokens?.refreshToken ?? '' }), {});
      const ended = await grpcRefusal(auth.refresh({ refreshToken: refreshed.tokens?.refreshToken ?? '' }));
      assert.deepEqual([ended.code, ended.status], ['UNAUTHENTICATED', 'UNAUTHENTICATED']);
    });

    it('throttles by the address that one of our services states, and by the connection of a stranger', async () => {
      const email = 'target@grpc.test';
      const guess = (calls: typeof auth, clientAddress: string) =>
        grpcRefusal(calls.verify({ email, verificationToken: '123456' }, { clientAddress }));
      for (let tries = 0; tries < FAILURES; tries += 1) {
        assert.equal((await guess(auth, '2001:db8:7::1')).code, 'INVALID_CODE');
      }
      const throttled = await guess(auth, '2001:db8:7::2');
      assert.deepEqual([throttled.code, throttled.status], ['RATE_LIMITED', 'RESOURCE_EXHAUSTED']);
      assert.ok(Number(throttled.headers['retry-after']) > 1);
      assert.equal((await guess(auth, '2001:db8:8::1')).code, 'INVALID_CODE');

      const stranger = connect(AuthServiceDefinition, OTHER_KEY);
      const codes: string[] = [];
      for (let tries = 0; tries <= FAILURES; tries += 1) codes.push((await guess(stranger, `203.0.113.${tries}`)).code);
      assert.equal(codes.at(-1), 'RATE_LIMITED');
    });

    it('refuses wrong passwords as HTTP does, and registrations beyond the limit', async () => {
      const wrong = await grpcRefusal(auth.login({ email: bob.email, password: WRONG_PASSWORD }));
      const http = errorOf(await service.post('/auth/login', { email: bob.email, password: WRONG_PASSWORD }));
      assert.deepEqual([wrong.code, wrong.status], ['INVALID_CREDENTIALS', 'UNAUTHENTICATED']);
      assert.deepEqual([wrong.message, wrong.details], [http.message, http.details]);
      const clientAddress = '203.0.113.99';
      const register = (index: number) =>
        auth.register({ email: `many-${index}@grpc.test`, password: PASSWORD }, { clientAddress });
      await Promise.all(Array.from({ length: REGISTRATIONS }, (_, index) => register(index)));
      assert.equal((await grpcRefusal(register(REGISTRATIONS))).code, 'RATE_LIMITED');
      // Hashing a password takes time as well; what is not heard is not hashed.
      await takesTime(register(REGISTRATIONS));
    });

    it('names the same fields as HTTP when input is wrong', async () => {
      const pairs: [() => Promise<unknown>, string, unknown][] = [
        [() => auth.register({}), '/auth/register', { email: '', password: '' }],
        [
          () => auth.register({ email: 'no address', password: 'short' }),
          '/auth/register',
          { email: 'no address', password: 'short' },
        ],
        [
          () => auth.verify({ email: ann.email, verificationToken: '12345' }),
          '/auth/verify',
          { email: ann.email, verification_token: '12345' },
        ],
        [() => auth.resendVerification({ email: '@' }), '/auth/resend-verification', { email: '@' }],
        [() => auth.login({ email: ann.email }), '/auth/login', { email: ann.email, password: '' }],
        [() => auth.refresh({}), '/auth/refresh', { refresh_token: '' }],
        [() => auth.logout({ refreshToken: 'x'.repeat(513) }), '/auth/logout', { refresh_token: 'x'.repeat(513) }],
        [
          () => auth.login({ email: ann.email, password: 'a\0b' }),
          '/auth/login',
          { email: ann.email, password: 'a\0b' },
        ],
      ];
      for (const [call, path, body] of pairs) {
        const { code, status, message, details } = await grpcRefusal(call());
        const http = errorOf(await service.post(path, body));
        assert.deepEqual([code, status], ['VALIDATION_FAILED', 'INVALID_ARGUMENT'], path);
        assert.deepEqual({ code, message, details }, { code: http.code, message: http.message, details: http.details });
      }
    });
  });

  describe('shows users', () => {
    it('to themselves, from the primary', async () => {
      const { user } = await users.getMe({}, ann.options);
      assert.ok(user?.createdAt instanceof Date);
      assert.deepEqual(
        { ...user, createdAt: undefined, updatedAt: undefined },
        {
          id: ann.id,
          email: ann.email,
          firstName: undefined,
          lastName: undefined,
          role: Role.CUSTOMER,
          active: true,
          verified: true,
          createdAt: undefined,
          updatedAt: undefined,
        },
      );
      assert.deepEqual((await users.getUser({ id: ann.id }, ann.options)).user, user);
      assert.deepEqual((await users.getUser({ id: ann.id }, admin.options)).user, user);
      assert.equal((await users.getMe({}, admin.options)).user?.role, Role.ADMIN);
    });

    it('to nobody else, as if there were none', async () => {
      const foreign = await grpcRefusal(users.getUser({ id: bob.id }, ann.options));
      const nobody = await grpcRefusal(users.getUser({ id: 999_999_999 }, ann.options));
      assert.deepEqual([foreign.code, foreign.status], ['NOT_FOUND', 'NOT_FOUND']);
      assert.deepEqual([nobody.code, nobody.details], ['NOT_FOUND', { resource: 'user', id: 999_999_999 }]);
      assert.deepEqual(foreign.details, { resource: 'user', id: bob.id });
    });

    it('many at once: all for an admin, oneself for a customer, so many and no more', async () => {
      const ids = [admin.id, ann.id, bob.id];
      const seenBy = async (who: Person, wanted: number[]) =>
        (await users.batchGetUsers({ ids: wanted }, who.options)).users.map(({ id }) => id).sort();
      assert.deepEqual(await seenBy(admin, [...ids, ...ids, 999_999_999]), [...ids].sort());
      assert.deepEqual(await seenBy(ann, ids), [ann.id]);
      assert.deepEqual(await seenBy(ann, []), []);
      const numbers = (length: number) => Array.from({ length }, (_, index) => index + 1);
      assert.ok((await seenBy(admin, numbers(MAX_IDS))).length >= ids.length);
      const wrong: [number[], string][] = [
        [numbers(MAX_IDS + 1), 'ids'],
        [[ann.id, 0], 'ids[1]'],
      ];
      for (const [wanted, field] of wrong) {
        const refused = await grpcRefusal(users.batchGetUsers({ ids: wanted }, admin.options));
        assert.deepEqual(
          [refused.status, (refused.details as { field: string }[])[0]?.field],
          ['INVALID_ARGUMENT', field],
        );
      }
    });

    it('in windows to admins alone, from the replica', async () => {
      const refused = await grpcRefusal(users.listUsers({}, ann.options));
      assert.deepEqual([refused.code, refused.status], ['FORBIDDEN', 'PERMISSION_DENIED']);
      assert.deepEqual((await users.listUsers({}, admin.options)).info, {
        total: 0,
        totalIsExact: true,
        hasMore: false,
      });
      const copies = createDatabase({
        primaryUrl: replica.primaryUrl,
        applicationName: 'auth-test',
        logger: silentLogger(),
      });
      try {
        await one(
          copies.primary,
          `INSERT INTO users (email, password_hash, active)
           SELECT 'copy-' || n || '@grpc.test', 'none', n <> 2 FROM generate_series(1, 3) n`,
        );
      } finally {
        await copies.close();
      }
      const first = await users.listUsers({ window: { limit: 2 } }, admin.options);
      assert.deepEqual(
        [first.users.map(({ email }) => email), first.info],
        [['copy-1@grpc.test', 'copy-2@grpc.test'], { total: 3, totalIsExact: true, hasMore: true }],
      );
      const rest = await users.listUsers({ window: { limit: 2, offset: 1 }, search: 'COPY-' }, admin.options);
      assert.deepEqual(
        [rest.users.map(({ email }) => email), rest.info?.hasMore],
        [['copy-2@grpc.test', 'copy-3@grpc.test'], false],
      );
      assert.equal((await users.listUsers({ active: false }, admin.options)).info?.total, 1);
      for (const request of [{ window: { limit: 101 } }, { window: { offset: -1 } }, { search: 'x'.repeat(201) }]) {
        assert.equal((await grpcRefusal(users.listUsers(request, admin.options))).code, 'VALIDATION_FAILED');
      }
    });

    it('to nobody without a good token', async () => {
      for (const authorization of [undefined, 'Bearer a.b.c', 'Basic abc']) {
        for (const call of [
          () => users.getMe({}, { authorization }),
          () => users.getUser({ id: ann.id }, { authorization }),
          () => users.batchGetUsers({ ids: [ann.id] }, { authorization }),
          () => users.listUsers({}, { authorization }),
        ]) {
          const { code, status } = await grpcRefusal(call());
          assert.deepEqual([code, status], ['UNAUTHENTICATED', 'UNAUTHENTICATED']);
        }
      }
    });
  });
});
