import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type Answer, expectStatus } from '@punctual/testing';
import { mapWithLimit, newCustomers, platformAt, shop } from '../platform.ts';
import {
  askFrom,
  freshAddress,
  letTimePass,
  looksLike,
  mailedCodes,
  PASSWORD,
  query,
  refusal,
  WRONG_PASSWORD,
  wrongCode,
} from './attacker.ts';

const FAILURES_PER_ACCOUNT = 10;
const FAILURES_PER_ADDRESS = 100;
/** A token of an account's bucket comes back after this time. */
const ACCOUNT_STEP_SECONDS = 90;
const TRIES_PER_CODE = 5;
const CODES_PER_HOUR = 5;
/** Medians of answers that take the same work differ by far less, even on a busy machine; a saved hash makes it tenfold. */
const INDISTINGUISHABLE_RATIO = 2;
const SAMPLES = 9;
/** An account hears ten wrong passwords: three accounts last for three rounds. */
const ROUNDS = 3;

const newEmail = (): string => `guessed-${randomUUID()}@example.com`;

async function register(email: string): Promise<void> {
  expectStatus(await shop.request('POST', '/auth/register', { body: { email, password: PASSWORD } }), 201);
}

const verify = (address: string, email: string, code: string | undefined): Promise<Answer<unknown>> =>
  askFrom(address, 'POST', '/auth/verify', { body: { email, verification_token: code } });
const resend = (address: string, email: string): Promise<Answer<unknown>> =>
  askFrom(address, 'POST', '/auth/resend-verification', { body: { email } });
const login = (address: string, email: string, password: string): Promise<Answer<unknown>> =>
  askFrom(address, 'POST', '/auth/login', { body: { email, password } });

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

describe('known and unknown mail addresses', function () {
  this.timeout(60_000);
  before(() => platformAt(1));

  /**
   * Asks for known and unknown addresses in turns, so that whatever slows the machine slows both; the answers must look alike and take
   * alike long. What the machine does besides may spoil a round; work that is saved shows in every one.
   */
  async function assertAlike(
    known: readonly string[],
    ask: (email: string) => Promise<Answer<unknown>>,
  ): Promise<void> {
    const looks = new Set<string>();
    const seen: string[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const times: { known: number[]; unknown: number[] } = { known: [], unknown: [] };
      for (let sample = 0; sample < SAMPLES; sample += 1) {
        const pair = [
          { into: times.known, email: known[sample % known.length] ?? '' },
          { into: times.unknown, email: newEmail() },
        ];
        for (const { into, email } of sample % 2 === 0 ? pair : pair.reverse()) {
          const begin = performance.now();
          const answer = await ask(email);
          into.push(performance.now() - begin);
          looks.add(looksLike(answer, email));
        }
      }
      assert.equal(looks.size, 1, `the answers differ: ${[...looks].join(' and ')}`);
      const ratio = median(times.known) / median(times.unknown);
      if (ratio < INDISTINGUISHABLE_RATIO && ratio > 1 / INDISTINGUISHABLE_RATIO) return;
      seen.push(`known ${times.known} ms, unknown ${times.unknown} ms`);
    }
    assert.fail(`known and unknown take differently long: ${seen.join('; ')}`);
  }

  it('S6: login, register and resend answer a known, a waiting and an unknown address alike, in body, headers and time', async () => {
    const [first, second] = await newCustomers(2);
    assert.ok(first && second);
    const waiting = newEmail();
    await register(waiting);
    const known = [first.email, second.email, waiting];
    const address = freshAddress();
    await assertAlike(known, (email) => login(address, email, WRONG_PASSWORD));
    await assertAlike(known, (email) => resend(address, email));
    await assertAlike(known, (email) =>
      askFrom(address, 'POST', '/auth/register', { body: { email, password: WRONG_PASSWORD } }),
    );
    assert.equal(
      (await login(address, first.email, PASSWORD)).status,
      200,
      'registering again has changed the password',
    );
  });
});

describe('guessing passwords', function () {
  this.timeout(60_000);
  before(() => platformAt(1));

  it('S7: many passwords for one account are throttled, known or not, and its owner still gets in from where they usually are', async () => {
    const [victim] = await newCustomers(1);
    assert.ok(victim);
    const home = freshAddress();
    expectStatus(await login(home, victim.email, PASSWORD), 200);
    const stranger = freshAddress();
    for (const email of [victim.email, newEmail()]) {
      const answers = await mapWithLimit(Array.from({ length: 14 }), 7, () => login(stranger, email, WRONG_PASSWORD));
      const heard = answers.filter(({ status }) => status === 401);
      assert.equal(heard.length, FAILURES_PER_ACCOUNT, email);
      for (const answer of answers.filter(({ status }) => status !== 401)) {
        assert.deepEqual(refusal(answer), [429, 'RATE_LIMITED']);
        const retryAfter = Number(answer.headers.get('retry-after'));
        assert.ok(retryAfter >= 1 && retryAfter <= ACCOUNT_STEP_SECONDS, `Retry-After: ${retryAfter}`);
      }
    }
    const elsewhere = freshAddress();
    assert.equal((await login(stranger, victim.email, PASSWORD)).status, 429, 'the right password is heard as well');
    assert.equal(
      (await login(elsewhere, victim.email, WRONG_PASSWORD)).status,
      429,
      'another address helps the stranger',
    );
    assert.equal((await login(home, victim.email, PASSWORD)).status, 200, 'the victim is locked out');
  });

  it('S7: one password for many accounts is throttled per client address, whatever the headers say, and others go on', async () => {
    const [victim] = await newCustomers(1);
    assert.ok(victim);
    const stuffer = freshAddress();
    const answers = await mapWithLimit(Array.from({ length: FAILURES_PER_ADDRESS + 10 }), 10, () =>
      askFrom(stuffer, 'POST', '/auth/login', {
        body: { email: newEmail(), password: PASSWORD },
        headers: { 'x-forwarded-for': freshAddress(), 'x-real-ip': freshAddress(), forwarded: `for=${freshAddress()}` },
      }),
    );
    const heard = answers.filter(({ status }) => status === 401).length;
    // A token comes back every nine seconds.
    assert.ok(heard >= FAILURES_PER_ADDRESS && heard < FAILURES_PER_ADDRESS + 5, `${heard} were heard`);
    assert.equal(answers.filter(({ status }) => status === 429).length, answers.length - heard);
    assert.equal((await login(freshAddress(), victim.email, PASSWORD)).status, 200);
  });
});

describe('guessing many at a time', () => {
  it('S16: a list of logins is no login, and GraphQL refuses to wrap them, before any is looked at', async () => {
    const address = freshAddress();
    const logins = Array.from({ length: 1_000 }, () => ({ email: newEmail(), password: PASSWORD }));
    assert.deepEqual(refusal(await askFrom(address, 'POST', '/auth/login', { body: logins })), [
      400,
      'VALIDATION_FAILED',
    ]);
    const login = (index: number) => `a${index}: login(input: {email: "a@b.test", password: "x"}) { tokenType }`;
    const wrapped = (count: number) =>
      `mutation { ${Array.from({ length: count }, (_, index) => login(index)).join(' ')} }`;
    const deep = `{ __type(name: "Order") { ${'ofType { '.repeat(48)}name${' }'.repeat(48)} } }`;
    for (const body of [{ query: wrapped(1_000) }, { query: wrapped(20) }, [{ query: wrapped(1) }], { query: deep }]) {
      assert.deepEqual(await graphqlFrom(address, body), [400, 'VALIDATION_FAILED']);
    }
  });

  it('S16: logins over GraphQL are counted like any others', async () => {
    const email = newEmail();
    const address = freshAddress();
    const query = 'mutation ($email: String!) { login(input: {email: $email, password: "wrong"}) { tokenType } }';
    const codes = new Set<unknown>();
    for (let count = 0; count < 12; count += 1) {
      const [, code] = await graphqlFrom(address, { query, variables: { email } });
      codes.add(code);
    }
    assert.deepEqual(codes, new Set(['INVALID_CREDENTIALS', 'RATE_LIMITED']));
  });
});

describe('guessing codes', function () {
  this.timeout(60_000);
  before(() => platformAt(1));

  it('S8: five tries kill a code though they come at the same time, and five codes an hour is all there are', async () => {
    const email = newEmail();
    await register(email);
    for (let sent = 1; sent <= CODES_PER_HOUR; sent += 1) {
      const codes = await mailedCodes(email, sent);
      const attacker = freshAddress();
      const wrong = wrongCode(...codes);
      const guesses = await Promise.all(Array.from({ length: 12 }, () => verify(attacker, email, wrong)));
      for (const guess of guesses) assert.deepEqual(refusal(guess), [400, 'INVALID_CODE']);
      const right = await verify(freshAddress(), email, codes.at(-1));
      assert.deepEqual(refusal(right), [400, 'INVALID_CODE'], `code ${sent} outlived ${TRIES_PER_CODE} tries`);
      await letTimePass(email, '2 minutes');
      assert.equal((await resend(attacker, email)).status, 202);
    }
    const [{ rows } = { rows: 0 }] = await query<{ rows: number }>(
      'auth',
      'SELECT count(*)::int AS rows FROM verification_codes JOIN users ON users.id = user_id WHERE email = $1',
      [email],
    );
    assert.equal(rows, CODES_PER_HOUR);
    await mailedCodes(email, CODES_PER_HOUR);
  });

  it('S8: codes of many accounts guessed from one client address are throttled', async () => {
    const attacker = freshAddress();
    const answers = await mapWithLimit(Array.from({ length: 60 }), 20, () => verify(attacker, newEmail(), '123456'));
    const throttled = answers.filter(({ status }) => status === 429);
    assert.ok(throttled.length >= 8 && throttled.length <= 10, `${throttled.length} were throttled`);
    assert.ok(throttled.every((answer) => Number(answer.headers.get('retry-after')) >= 1));
  });

  it('S9: a used code, an older one, one of 10:01 and one of nobody are refused in the same words', async () => {
    const [used, resent, late] = [newEmail(), newEmail(), newEmail()];
    await Promise.all([used, resent, late].map(register));
    const address = freshAddress();
    const [usedCode] = await mailedCodes(used, 1);
    expectStatus(await verify(address, used, usedCode), 200);
    await mailedCodes(resent, 1);
    await letTimePass(resent, '61 seconds');
    expectStatus(await resend(address, resent), 202);
    const [older, newer] = await mailedCodes(resent, 2);
    const [lateCode] = await mailedCodes(late, 1);
    await letTimePass(late, '10 minutes 1 second');
    const refused: [string, string | undefined][] = [
      [used, usedCode],
      // Once in a million the two are equal; then there is no older one to try.
      [resent, older === newer ? wrongCode(newer ?? '') : older],
      [late, lateCode],
      [newEmail(), usedCode],
    ];
    const looks = new Set<string>();
    for (const [email, code] of refused) {
      const answer = await verify(address, email, code);
      assert.deepEqual(refusal(answer), [400, 'INVALID_CODE']);
      looks.add(looksLike(answer, email));
    }
    assert.equal(looks.size, 1, [...looks].join(' and '));
    expectStatus(await verify(address, resent, newer), 200);
  });

  it('S10: fifty resends at the same time mail one code', async () => {
    const email = newEmail();
    await register(email);
    await mailedCodes(email, 1);
    await letTimePass(email, '61 seconds');
    const address = freshAddress();
    const answers = await Promise.all(Array.from({ length: 50 }, () => resend(address, email)));
    assert.deepEqual(new Set(answers.map((answer) => looksLike(answer, email))).size, 1);
    assert.equal(answers[0]?.status, 202);
    await mailedCodes(email, 2);
    const stored = await query(
      'auth',
      'SELECT 1 FROM verification_codes JOIN users ON users.id = user_id WHERE email = $1',
      [email],
    );
    assert.equal(stored.length, 2);
  });
});

/** Status and code of what the graph answers. */
async function graphqlFrom(address: string, body: unknown): Promise<[number, string | undefined]> {
  const answer = await askFrom(address, 'POST', '/graphql', { body });
  const { errors } = answer.body as { errors?: { extensions: { code: string } }[] };
  return [answer.status, errors?.[0]?.extensions.code];
}
