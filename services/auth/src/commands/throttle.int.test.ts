import assert from 'node:assert/strict';
import { execute, one } from '@punctual/postgres';
import { createFixture, type Fixture, PASSWORD, WRONG_PASSWORD } from '../../test/fixture.ts';
import { takeToken } from '../store/throttles.ts';
import { login } from './login.ts';
import { prune } from './prune.ts';
import { hearRegistration } from './register.ts';
import { verify } from './verify.ts';

const HOME = '203.0.113.1';
const ELSEWHERE = '198.51.100.1';
/** 15 minutes over ten tokens. */
const STEP_MS = 90_000;

describe('throttles', () => {
  let auth: Fixture;
  before(async () => {
    auth = await createFixture('auth-throttles');
  });
  after(() => auth.close());
  beforeEach(() => execute(auth.db.primary, 'DELETE FROM throttles'));

  const attempt = (email: string, address: string, password = WRONG_PASSWORD) =>
    login(auth.deps, { email, password, address });
  const decide = async (...args: Parameters<typeof attempt>) => (await attempt(...args)).decision;

  /** As if so much time had gone by. */
  async function letPass(ms: number): Promise<void> {
    await execute(auth.db.primary, `UPDATE throttles SET full_at = full_at - :ms * interval '1 millisecond'`, { ms });
  }

  async function failTimes(count: number, email: string, address: string): Promise<string[]> {
    return Promise.all(Array.from({ length: count }, () => decide(email, address)));
  }

  it('hears ten wrong passwords of an account in parallel, no more, whether or not there is such an account', async () => {
    await auth.registerAndVerify('guessed@punctual.test');
    for (const email of ['guessed@punctual.test', 'nobody@punctual.test']) {
      const decisions = await failTimes(25, email, ELSEWHERE);
      assert.equal(decisions.filter((decision) => decision === 'invalid-credentials').length, 10, email);
      const next = await attempt(email, ELSEWHERE, PASSWORD);
      assert.ok(next.decision === 'throttled');
      assert.ok(next.waitMs > STEP_MS - 30_000 && next.waitMs <= STEP_MS, `${next.waitMs}`);
    }
  });

  it('has every token for whoever comes, also for one who has waited for the others', async () => {
    const bucket = { key: Buffer.from('a bucket of two'), limit: 2, windowMs: 1_000_000 };
    const { primary } = auth.db;
    await auth.db.transaction(async (early) => {
      await one(early, 'SELECT now()');
      assert.equal(await takeToken(primary, bucket), 0);
      assert.equal(await takeToken(early, bucket), 0);
    });
    const waitMs = await takeToken(primary, bucket);
    assert.ok(waitMs > 400_000 && waitMs <= 500_000, `${waitMs}`);
  });

  it('lets the owner in after a short wait, and forgets the failures then', async () => {
    const email = 'patient@punctual.test';
    await auth.registerAndVerify(email);
    await failTimes(11, email, ELSEWHERE);
    assert.equal(await decide(email, HOME, PASSWORD), 'throttled');
    await letPass(STEP_MS);
    assert.equal(await decide(email, HOME, PASSWORD), 'let-in');
    const decisions = await failTimes(10, email, HOME);
    assert.ok(decisions.every((decision) => decision === 'invalid-credentials'));
  });

  it('never locks the owner out of a usual address, however long a stranger guesses from elsewhere', async () => {
    const email = 'owner@punctual.test';
    await auth.registerAndVerify(email);
    assert.equal(await decide(email, HOME, PASSWORD), 'let-in');
    await failTimes(12, email, ELSEWHERE);
    assert.equal(await decide(email, ELSEWHERE, PASSWORD), 'throttled');
    assert.equal(await decide(email, HOME, PASSWORD), 'let-in');
    assert.equal(await decide(email, ELSEWHERE, PASSWORD), 'throttled', 'a login at home must not help the stranger');
    await failTimes(10, email, HOME);
    assert.equal(await decide(email, HOME, PASSWORD), 'throttled', 'a usual address is no free pass either');
  });

  it('hears a hundred wrong passwords from one client address, whatever the accounts, and others go on', async () => {
    const deps = { ...auth.deps, throttlePolicy: { ...auth.deps.throttlePolicy, loginsPerAddress: 8 } };
    await auth.registerAndVerify('bystander@punctual.test');
    const decisions = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        const stuffed = { email: `stuffed${index}@punctual.test`, password: PASSWORD, address: ELSEWHERE };
        return (await login(deps, stuffed)).decision;
      }),
    );
    assert.equal(decisions.filter((decision) => decision === 'invalid-credentials').length, 8);
    const bystander = { email: 'bystander@punctual.test', password: PASSWORD };
    assert.equal((await login(deps, { ...bystander, address: ELSEWHERE })).decision, 'throttled');
    assert.equal((await login(deps, { ...bystander, address: HOME })).decision, 'let-in');
  });

  it('counts no login that succeeds, nor one that could not be heard', async () => {
    const email = 'frequent@punctual.test';
    await auth.registerAndVerify(email);
    for (let round = 0; round < 12; round += 1) assert.equal(await decide(email, HOME, PASSWORD), 'let-in');
    const broken = {
      ...auth.deps,
      passwords: { ...auth.deps.passwords, verify: () => Promise.reject(new Error('no room')) },
    };
    for (let round = 0; round < 12; round += 1) {
      await assert.rejects(login(broken, { email, password: PASSWORD, address: HOME }), /no room/);
    }
    assert.equal(await decide(email, HOME, PASSWORD), 'let-in');
  });

  it('hears so many wrong codes from one client address, over all accounts', async () => {
    const deps = { ...auth.deps, throttlePolicy: { ...auth.deps.throttlePolicy, codesPerAddress: 5 } };
    const decisions = await Promise.all(
      Array.from({ length: 12 }, async (_, index) => {
        const guess = { email: `code${index}@punctual.test`, code: '000000', address: ELSEWHERE };
        return (await verify(deps, guess)).decision;
      }),
    );
    assert.equal(decisions.filter((decision) => decision === 'refused').length, 5);
    assert.equal(decisions.filter((decision) => decision === 'throttled').length, 7);
  });

  it('hears so many registrations from one client address, and counts none that could not be heard', async () => {
    const deps = { ...auth.deps, throttlePolicy: { ...auth.deps.throttlePolicy, registrationsPerAddress: 5 } };
    const registration = (index: number, address = ELSEWHERE) => ({
      email: `mass${index}@punctual.test`,
      password: PASSWORD,
      address,
    });
    const broken = { ...deps, passwords: { ...deps.passwords, hash: () => Promise.reject(new Error('no room')) } };
    for (let round = 0; round < 6; round += 1) {
      await assert.rejects(hearRegistration(broken, registration(round)), /no room/);
    }
    const results = await Promise.all(
      Array.from({ length: 12 }, (_, index) => hearRegistration(deps, registration(index))),
    );
    assert.equal(results.filter(({ decision }) => decision === 'accepted').length, 5);
    assert.equal((await hearRegistration(deps, registration(20, HOME))).decision, 'accepted');
  });

  it('is pruned when it holds nobody back any more', async () => {
    await failTimes(3, 'pruned@punctual.test', ELSEWHERE);
    const count = () => one(auth.db.primary, 'SELECT count(*)::int AS rows FROM throttles');
    assert.equal((await prune(auth.deps)).throttles, 0);
    assert.deepEqual(await count(), { rows: 2 });
    await letPass(3 * STEP_MS);
    assert.equal((await prune(auth.deps)).throttles, 2);
    assert.deepEqual(await count(), { rows: 0 });
  });
});
