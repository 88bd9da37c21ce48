import assert from 'node:assert/strict';
import { createDatabase, type Database, execute, one } from '@punctual/postgres';
import { silentLogger } from '@punctual/telemetry';
import { type TestDatabase, testDatabase } from '@punctual/testing';
import { migrations } from '../src/store/migrations.ts';
import { PASSWORD } from './fixture.ts';
import { type Answer, errorCode, type Service, startService } from './service.ts';

const HOME = '203.0.113.1';
const ELSEWHERE = '198.51.100.1';
const LIMIT = 4;
/** One hour over four tokens. */
const STEP_SECONDS = 900;

describe('registrations of one client address', () => {
  let database: TestDatabase;
  let db: Database;
  let service: Service;
  before(async () => {
    database = await testDatabase('auth-registrations', migrations);
    db = createDatabase({ primaryUrl: database.primaryUrl, applicationName: 'auth-test', logger: silentLogger() });
    service = await startService({
      role: 'api',
      env: { DATABASE_URL: database.primaryUrl, REGISTER_ADDRESS_LIMIT: String(LIMIT), REGISTER_WINDOW: '1h' },
    });
  });
  after(async () => {
    await service.stop();
    await db.close();
    await database.drop();
  });
  beforeEach(() => execute(db.primary, 'DELETE FROM throttles'));

  const register = (email: string, address = ELSEWHERE, password = PASSWORD) =>
    service.send('/auth/register', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-forwarded-for': address },
      body: JSON.stringify({ email, password }),
    });

  const counts = () =>
    one(db.primary, 'SELECT (SELECT count(*)::int FROM users) AS users, (SELECT count(*)::int FROM outbox) AS outbox');

  async function emptyTheBucket(label: string): Promise<void> {
    for (let count = 0; count < LIMIT; count += 1) await register(`${label}${count}@registrations.test`);
  }

  it('are heard so many at a time, in parallel too; the rest gets 429 with Retry-After, and others go on', async () => {
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, index) => register(`many${index}@registrations.test`)),
    );
    assert.equal(answers.filter(({ status }) => status === 201).length, LIMIT);
    const refused = answers.filter(({ status }) => status !== 201);
    for (const answer of refused) {
      assert.deepEqual([answer.status, errorCode(answer)], [429, 'RATE_LIMITED']);
      const retryAfter = Number(answer.headers.get('retry-after'));
      assert.ok(retryAfter > STEP_SECONDS - 30 && retryAfter <= STEP_SECONDS, `${retryAfter}`);
    }
    assert.equal((await register('neighbour@registrations.test', HOME)).status, 201);
  });

  it('beyond the limit write and send nothing, and are answered alike for known and unknown mail addresses', async () => {
    await register('known@registrations.test', HOME);
    await emptyTheBucket('fill');
    const before = await counts();
    const answers = [await register('known@registrations.test'), await register('unknown@registrations.test')];
    const shapes = answers.map(({ status, headers, body }) => {
      const text = JSON.stringify(body).replace(/"request_id":"[^"]+"/, '');
      return `${status} ${[...headers.keys()].sort().join()} ${text}`;
    });
    assert.equal(answers[0]?.status, 429);
    assert.equal(shapes[0], shapes[1]);
    assert.deepEqual(await counts(), before);
  });

  it('cost the same for a known mail address, so what is left in the bucket tells nothing either', async () => {
    await register('again@registrations.test', HOME);
    const answers: Answer[] = [];
    for (let count = 0; count <= LIMIT; count += 1) answers.push(await register('again@registrations.test'));
    assert.deepEqual(
      answers.map(({ status }) => status),
      [201, 201, 201, 201, 429],
    );
  });

  it('are heard again as time goes by', async () => {
    await emptyTheBucket('wait');
    assert.equal((await register('patient@registrations.test')).status, 429);
    await execute(db.primary, `UPDATE throttles SET full_at = full_at - ${STEP_SECONDS} * interval '1 second'`);
    assert.equal((await register('patient@registrations.test')).status, 201);
    assert.equal((await register('impatient@registrations.test')).status, 429);
  });

  it('cost nothing when they are refused for their form', async () => {
    for (let count = 0; count < LIMIT + 1; count += 1) {
      assert.equal((await register('short@registrations.test', ELSEWHERE, 'short')).status, 400);
    }
    assert.equal((await register('short@registrations.test')).status, 201);
  });
});
