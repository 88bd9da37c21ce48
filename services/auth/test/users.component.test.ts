import assert from 'node:assert/strict';
import { userApi } from '@punctual/contracts';
import { createDatabase, type Database, one } from '@punctual/postgres';
import { silentLogger } from '@punctual/telemetry';
import { type TestDatabase, testDatabase, testTokens } from '@punctual/testing';
import { z } from 'zod';
import { migrations } from '../src/store/migrations.ts';
import { PASSWORD, WRONG_PASSWORD } from './fixture.ts';
import { type Answer, errorCode, type Service, startService } from './service.ts';

const userAnswer = z.strictObject({ data: userApi.user.strict() });
const paging = z.object({ total_items: z.int(), links: z.object({ next: z.string().nullable() }) });
const listAnswer = z.strictObject({ data: z.array(userApi.user.strict()), paging });
const tokensAnswer = z.object({ data: z.object({ access_token: z.string(), refresh_token: z.string() }) });

type Person = { id: number; email: string; token: string; refreshToken: string };

/** The replica is an empty database: the stalest there is. So whoever is found was asked of the primary. */
describe('the users API', () => {
  const releases: (() => Promise<void>)[] = [];
  let db: Database;
  let replica: TestDatabase;
  let database: TestDatabase;
  let service: Service;
  let admin: Person;
  let customer: Person;
  let other: Person;

  before(async () => {
    database = await testDatabase('auth-users-api', migrations);
    releases.push(() => database.drop());
    replica = await testDatabase('auth-users-api-replica', migrations);
    releases.push(() => replica.drop());
    db = createDatabase({ primaryUrl: database.primaryUrl, applicationName: 'auth-test', logger: silentLogger() });
    releases.push(() => db.close());
    service = await startService({
      role: 'api',
      env: {
        DATABASE_URL: database.primaryUrl,
        DATABASE_REPLICA_URL: replica.primaryUrl,
        LOGIN_ADDRESS_FAILURES: '30',
        VERIFY_ADDRESS_FAILURES: '4',
      },
    });
    releases.push(() => service.stop());
    admin = await newPerson('admin@users.test', 'admin');
    customer = await newPerson('customer@users.test');
    other = await newPerson('other@users.test');
  });
  after(async () => {
    for (const release of releases.reverse()) await release();
  });

  const login = (email: string, password = PASSWORD, address = '203.0.113.7') =>
    service.send('/auth/login', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-forwarded-for': address },
      body: JSON.stringify({ email, password }),
    });

  async function newPerson(email: string, role: 'customer' | 'admin' = 'customer'): Promise<Person> {
    await service.post('/auth/register', { email, password: PASSWORD });
    const user = await one<{ id: number }>(
      db.primary,
      `UPDATE users SET verified_at = now(), role = :role WHERE email = :email AND deleted_at IS NULL RETURNING id`,
      { role, email },
    );
    const answer = await login(email);
    assert.equal(answer.status, 200);
    const { access_token: token, refresh_token: refreshToken } = tokensAnswer.parse(answer.body).data;
    return { id: user?.id ?? 0, email, token, refreshToken };
  }

  function ask(method: string, path: string, token: string | undefined, body?: unknown): Promise<Answer> {
    return service.send(path, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  const rowOf = (id: number) => one(db.primary, 'SELECT * FROM users WHERE id = :id', { id });

  it('shows and changes the own profile, at once, though the replica knows nobody', async () => {
    const changed = await ask('PUT', '/users/me', customer.token, { first_name: ' Ada ', last_name: 'Lovelace' });
    assert.equal(changed.status, 200);
    const me = userAnswer.parse((await ask('GET', '/users/me', customer.token)).body).data;
    assert.deepEqual(me, userAnswer.parse(changed.body).data);
    assert.deepEqual(
      [me.id, me.email, me.first_name, me.name, me.role, me.active, me.verified],
      [customer.id, customer.email, 'Ada', 'Ada Lovelace', 'customer', true, true],
    );
    const byId = await ask('PUT', `/users/${customer.id}`, customer.token, { first_name: null });
    assert.equal(userAnswer.parse(byId.body).data.name, 'Lovelace');
    assert.equal((await ask('GET', `/users/${customer.id}`, customer.token)).status, 200);
    assert.equal((await ask('GET', `/users/${customer.id}`, admin.token)).status, 200);
  });

  it('hides somebody else like nobody at all, whatever is asked, and leaves them unchanged', async () => {
    const before = await rowOf(other.id);
    for (const [method, body] of [
      ['GET'],
      ['PUT', { first_name: 'Eve' }],
      ['PUT', { active: false }],
      ['DELETE'],
    ] as const) {
      const answers = await Promise.all(
        [other.id, 999_999].map((id) => ask(method, `/users/${id}`, customer.token, body)),
      );
      for (const answer of answers) assert.deepEqual([answer.status, errorCode(answer)], [404, 'NOT_FOUND'], method);
    }
    assert.deepEqual(await rowOf(other.id), before);
  });

  it('refuses customers the list and a change of active', async () => {
    for (const answer of [
      await ask('GET', '/users', customer.token),
      await ask('PUT', `/users/${customer.id}`, customer.token, { active: true }),
    ]) {
      assert.deepEqual([answer.status, errorCode(answer)], [403, 'FORBIDDEN']);
    }
  });

  it('refuses who brings no token, or one that is none of ours', async () => {
    const foreign = await testTokens();
    try {
      const forged = await foreign.token({
        userId: admin.id,
        role: 'admin',
        issuer: 'https://shop.test',
        audience: 'shop',
      });
      const [header = '', payload = ''] = admin.token.split('.');
      const unsigned = `${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')}.${payload}.`;
      for (const token of [undefined, forged, unsigned, `${header}.${payload}.`, admin.refreshToken]) {
        for (const [method, path] of [
          ['GET', '/users'],
          ['GET', '/users/me'],
          ['PUT', '/users/me'],
          ['GET', `/users/${admin.id}`],
          ['PUT', `/users/${admin.id}`],
          ['DELETE', `/users/${admin.id}`],
        ] as const) {
          assert.equal((await ask(method, path, token)).status, 401, `${method} ${path}`);
        }
      }
    } finally {
      await foreign.stop();
    }
  });

  it('refuses bad input, names the field, and writes nothing', async () => {
    const before = await rowOf(customer.id);
    const own = `/users/${customer.id}`;
    const cases: [string, string, unknown, string][] = [
      ['PUT', '/users/me', {}, 'body'],
      ['PUT', '/users/me', [], 'body'],
      ['PUT', '/users/me', { role: 'admin' }, 'role'],
      ['PUT', '/users/me', { first_name: 'A', user_id: 1 }, 'user_id'],
      ['PUT', '/users/me', { active: true }, 'active'],
      ['PUT', '/users/me', { name: 'A' }, 'name'],
      ['PUT', '/users/me', { email: 'new@users.test' }, 'email'],
      ['PUT', '/users/me', { first_name: '' }, 'first_name'],
      ['PUT', '/users/me', { first_name: 'x'.repeat(101) }, 'first_name'],
      ['PUT', '/users/me', { first_name: 'A\r\nBcc: x@y.test' }, 'first_name'],
      ['PUT', '/users/me', { last_name: 7 }, 'last_name'],
      ['PUT', '/users/me', { last_name: 'A\u0000' }, 'last_name'],
      ['PUT', own, { role: 'admin', first_name: 'A' }, 'role'],
      ['PUT', own, { active: 'false' }, 'active'],
      ['PUT', own, { verified: true }, 'verified'],
      ['PUT', '/users/0', { first_name: 'A' }, 'id'],
      ['GET', '/users/-1', undefined, 'id'],
      ['GET', '/users/1.5', undefined, 'id'],
      ['GET', '/users/abc', undefined, 'id'],
      ['GET', '/users/9007199254740993', undefined, 'id'],
      ['GET', '/users?page=0', undefined, 'page'],
      ['GET', '/users?limit=101', undefined, 'limit'],
      ['GET', '/users?limit=5&page_size=6', undefined, 'page_size'],
      ['GET', '/users?active=yes', undefined, 'active'],
      ['GET', '/users?sort=password_hash', undefined, 'sort'],
      ['GET', '/users?search=a&search=b', undefined, 'search'],
      ['GET', `/users?search=${'x'.repeat(201)}`, undefined, 'search'],
    ];
    for (const [method, path, body, field] of cases) {
      const answer = await ask(method, path, path.startsWith('/users?') ? admin.token : customer.token, body);
      const shown = JSON.stringify(answer.body);
      assert.deepEqual([answer.status, errorCode(answer)], [400, 'VALIDATION_FAILED'], `${method} ${path} ${shown}`);
      assert.ok(shown.includes(`"${field}"`), `${path} does not name ${field}: ${shown}`);
    }
    assert.deepEqual(await rowOf(customer.id), before);
  });

  it('lists for admins from the replica, with paging and either name of its size', async () => {
    const stale = listAnswer.parse((await ask('GET', '/users', admin.token)).body);
    assert.deepEqual(stale.data, [], 'the list was not asked of the replica');
    const fresh = await startService({ role: 'api', env: { DATABASE_URL: database.primaryUrl } });
    try {
      const answer = await fresh.post('/auth/login', { email: admin.email, password: PASSWORD });
      const headers = { authorization: `Bearer ${tokensAnswer.parse(answer.body).data.access_token}` };
      for (const size of ['limit=2', 'page_size=2', 'limit=2&page_size=2']) {
        const listed = await fresh.send(`/users?${size}&search=@USERS.test&active=true`, { headers });
        assert.equal(listed.status, 200, JSON.stringify(listed.body));
        const page = listAnswer.parse(listed.body);
        assert.deepEqual(
          page.data.map(({ id }) => id),
          [admin.id, customer.id],
        );
        assert.ok(page.paging.total_items >= 3);
        assert.match(page.paging.links.next ?? '', /page=2/);
      }
      assert.ok(!JSON.stringify((await fresh.send('/users', { headers })).body).includes('argon2'));
    } finally {
      await fresh.stop();
    }
  });

  it('tells who is deactivated so after the right password alone, and ends their sessions', async () => {
    const person = await newPerson('deactivated@users.test');
    const answer = await ask('PUT', `/users/${person.id}`, admin.token, { active: false });
    assert.equal(userAnswer.parse(answer.body).data.active, false);
    const right = await login(person.email);
    assert.deepEqual([right.status, errorCode(right)], [403, 'FORBIDDEN']);
    const wrong = await login(person.email, WRONG_PASSWORD);
    assert.deepEqual([wrong.status, errorCode(wrong)], [401, 'INVALID_CREDENTIALS']);
    assert.equal((await service.post('/auth/refresh', { refresh_token: person.refreshToken })).status, 401);
    for (const [method, path, body] of [
      ['PUT', '/users/me', { first_name: 'A' }],
      ['DELETE', `/users/${person.id}`, undefined],
    ] as const) {
      assert.equal(
        (await ask(method, path, person.token, body)).status,
        403,
        'the token of before still changes things',
      );
    }
    await ask('PUT', `/users/${person.id}`, admin.token, { active: true });
    assert.equal((await login(person.email)).status, 200);
  });

  it('deletes oneself: sessions end, the token finds nobody, the address is free for somebody new', async () => {
    const person = await newPerson('leaving@users.test');
    assert.equal((await ask('DELETE', `/users/${person.id}`, person.token)).status, 204);
    assert.equal((await ask('DELETE', `/users/${person.id}`, person.token)).status, 404);
    assert.equal((await ask('GET', '/users/me', person.token)).status, 404);
    assert.equal((await ask('GET', `/users/${person.id}`, admin.token)).status, 404);
    assert.equal((await login(person.email)).status, 401);
    assert.equal((await service.post('/auth/refresh', { refresh_token: person.refreshToken })).status, 401);
    const successor = await newPerson('leaving@users.test');
    assert.notEqual(successor.id, person.id);
    assert.equal((await ask('GET', '/users/me', person.token)).status, 404, 'the old token must not be the new user');
  });

  it('keeps the last admin, and lets one go while another stays', async () => {
    for (const [method, body] of [['DELETE'], ['PUT', { active: false }]] as const) {
      const answer = await ask(method, `/users/${admin.id}`, admin.token, body);
      assert.deepEqual([answer.status, errorCode(answer)], [409, 'ILLEGAL_TRANSITION']);
    }
    const second = await newPerson('second-admin@users.test', 'admin');
    assert.equal((await ask('DELETE', `/users/${second.id}`, admin.token)).status, 204);
    const ghost = await ask('PUT', `/users/${customer.id}`, second.token, { active: false });
    assert.equal(ghost.status, 404, 'a deleted admin still acts');
  });

  it('throttles guessing per account and address, with Retry-After, known and unknown alike', async () => {
    const shapes = new Set<string>();
    for (const [index, email] of ['other@users.test', 'nobody@users.test'].entries()) {
      const address = `198.51.100.${index}`;
      for (let round = 0; round < 10; round += 1)
        assert.equal((await login(email, WRONG_PASSWORD, address)).status, 401);
      const refused = await login(email, PASSWORD, address);
      assert.deepEqual([refused.status, errorCode(refused)], [429, 'RATE_LIMITED']);
      const wait = Number(refused.headers.get('retry-after'));
      assert.ok(wait > 60 && wait <= 90, `${wait}`);
      shapes.add(JSON.stringify(refused.body).replace(/"request_id":"[^"]+"/, ''));
    }
    assert.equal(shapes.size, 1);
    assert.equal((await login('other@users.test')).status, 200, 'the owner is locked out of the usual address');
  });

  it('throttles one address over many accounts, and codes as well; lists in the header are not believed', async () => {
    const stuff = (index: number) => login(`stuffed${index}@users.test`, WRONG_PASSWORD, '198.51.100.77');
    const statuses = [];
    for (let index = 0; index < 32; index += 1) statuses.push((await stuff(index)).status);
    assert.deepEqual(statuses.filter((status) => status === 401).length, 30);
    const codes = [];
    for (let index = 0; index < 6; index += 1) {
      const answer = await service.send('/auth/verify', {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-forwarded-for': `10.0.0.${index}, 10.1.1.${index}` },
        body: JSON.stringify({ email: `code${index}@users.test`, verification_token: '000000' }),
      });
      codes.push(answer.status);
    }
    assert.deepEqual(codes, [400, 400, 400, 400, 429, 429]);
  });
});
