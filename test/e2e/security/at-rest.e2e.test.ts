import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash, randomInt, randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import type { authApi, orderApi, productApi } from '@punctual/contracts';
import { eventually, expectStatus } from '@punctual/testing';
import { admin, orderBecomes, platformAt, settings, shop } from '../platform.ts';
import { askFrom, DATABASES, freshAddress, mailedCodes, query, refusal, stackSettings } from './attacker.ts';

const ARGON2ID = /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[\w+/]{22,}\$[\w+/]{43}$/;
const HASH_BYTES = 32;
const { STACK_HOME: HOME } = stackSettings;
/** Secrets of the stack are at least this long, which no word that happens to be in a log is. */
const SECRET_LENGTH = 20;

const newEmail = (): string => `at-rest-${randomUUID()}@example.com`;
const password = `${randomUUID()}-password`;

/** A number that passes the check digit and is no test card, so the sandbox declines it. */
function cardNumber(): string {
  const digits = `4000${Array.from({ length: 11 }, () => randomInt(10)).join('')}`;
  const sum = [...digits].reduce((total, digit, index) => {
    const doubled = Number(digit) * 2;
    return total + (index % 2 === 1 ? Number(digit) : doubled > 9 ? doubled - 9 : doubled);
  }, 0);
  return `${digits}${(10 - (sum % 10)) % 10}`;
}

/** The tables of a database with a row that holds one of the texts, in any column. */
async function tablesWith(database: (typeof DATABASES)[number], texts: readonly string[]): Promise<string[]> {
  const tables = await query<{ name: string }>(
    database,
    `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
     WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`,
  );
  const patterns = texts.map((text) => `%${text}%`);
  const found: string[] = [];
  for (const { name } of tables) {
    const rows = await query(database, `SELECT 1 FROM ${name} AS t WHERE t::text LIKE ANY ($1) LIMIT 1`, [patterns]);
    if (rows.length > 0) found.push(`${database}: ${name}`);
  }
  return found;
}

/** The files below these folders of the stack in which one of the texts stands, readable or within binary data. */
async function filesWith(texts: readonly string[], folders: readonly string[]): Promise<string[]> {
  const paths = folders.map((folder) => join(HOME, folder));
  const wanted = texts.flatMap((text) => ['-e', text]);
  // grep ends with 1 when nothing was found, and with 2 when a file went away meanwhile.
  const { stdout } = await promisify(execFile)('grep', ['-rlaF', ...wanted, ...paths]).catch(
    (error: { code?: number; stdout?: string }) => {
      if (error.code === 1 || error.code === 2) return { stdout: error.stdout ?? '' };
      throw error;
    },
  );
  return stdout.split('\n').filter((line) => line !== '');
}

/** What every process of the stack can be asked for by the machine's tools: its command line and its environment. */
function processesOfStack(): { about: string; shown: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((id) => {
      try {
        const [command, environment] = ['cmdline', 'environ'].map((file) =>
          readFileSync(`/proc/${id}/${file}`, 'latin1'),
        );
        const shown = `${command}\0${environment}`;
        // Whoever runs the tests was given the settings of the stack, superuser and all.
        const isTestRun = shown.includes('PUNCTUAL_TEST_SETTINGS=');
        return shown.includes(HOME) && !isTestRun ? [{ about: `${id} ${command?.replaceAll('\0', ' ')}`, shown }] : [];
      } catch {
        // It has ended, or is not ours to read.
        return [];
      }
    });
}

/** Every secret of the stack by the name of its file; of addresses the password alone is one. */
function secretsOfStack(): Map<string, string> {
  const folder = join(HOME, 'secrets');
  const secrets = new Map<string, string>();
  for (const name of readdirSync(folder)) {
    const text = readFileSync(join(folder, name), 'utf8').trim();
    const line = text.includes('PRIVATE KEY') ? text.split('\n')[1] : text;
    if (line !== undefined && line.length >= SECRET_LENGTH && !line.includes('://')) secrets.set(name, line);
  }
  return secrets;
}

describe('secrets at rest', function () {
  this.timeout(60_000);
  before(() => platformAt(1));

  it('S11: a mailed code stands nowhere in the database, and no plain hash of it either', async () => {
    const email = newEmail();
    expectStatus(await shop.request('POST', '/auth/register', { body: { email, password } }), 201);
    const [code = ''] = await mailedCodes(email, 1);
    const [stored] = await query<{ userId: string; hash: Buffer; row: string }>(
      'auth',
      `SELECT user_id AS "userId", code_hash AS hash FROM verification_codes JOIN users ON users.id = user_id WHERE email = $1`,
      [email],
    );
    assert.ok(stored);
    assert.equal(stored.hash.length, HASH_BYTES);
    for (const plain of [
      code,
      `${stored.userId}:${code}`,
      `${stored.userId}${code}`,
      `${code}${email}`,
      email + code,
    ]) {
      for (const algorithm of ['sha256', 'sha512-256', 'sha3-256', 'blake2s256']) {
        assert.notDeepEqual(createHash(algorithm).update(plain).digest(), stored.hash, `${algorithm} of ${plain}`);
      }
    }
    // What waits to be mailed has the code; when it has been mailed, nothing has.
    await eventually(async () => {
      for (const table of ['outbox', 'outbox_sent']) {
        const waiting = await query('auth', `SELECT 1 FROM ${table} WHERE payload->>'to' = $1`, [email]);
        assert.deepEqual(waiting, []);
      }
    });
    const rows = await query<{ row: string }>(
      'auth',
      `SELECT (to_jsonb(c) - 'id' - 'user_id' - 'sent_at' - 'expires_at')::text AS row FROM verification_codes c
       JOIN users ON users.id = user_id WHERE email = $1`,
      [email],
    );
    assert.ok(rows.every(({ row }) => !row.includes(code) && !row.includes(Buffer.from(code).toString('hex'))));
    const codeInText = [`"${code}"`, `: ${code}`, `,${code},`];
    assert.deepEqual(await tablesWith('mail', codeInText), []);
  });

  it('S12: every password is argon2id with 19 MiB, two passes, one lane and a salt of its own', async () => {
    const emails = [newEmail(), newEmail()];
    for (const email of emails) {
      expectStatus(await shop.request('POST', '/auth/register', { body: { email, password } }), 201);
    }
    const users = await query<{ email: string; hash: string }>(
      'auth',
      'SELECT email, password_hash AS hash FROM users',
    );
    for (const { email, hash } of users) assert.match(hash, ARGON2ID, email);
    const same = users.filter(({ email }) => emails.includes(email)).map(({ hash }) => hash);
    assert.equal(new Set(same).size, 2, 'the same password gives the same hash');
    assert.deepEqual(await tablesWith('auth', [password]), []);
  });
});

describe('secrets of the running stack', function () {
  this.timeout(60_000);
  const number = cardNumber();
  const canary = `Canary ${randomUUID()}`;
  /** Texts that were handed to the shop and must not be kept, shown or passed on. */
  const handedOver = new Map<string, string>([
    ['card number', number],
    ['password', password],
  ]);
  const errors: string[] = [];

  before(async () => {
    await platformAt(1);
    const owner = await admin();
    const body = { name: canary, description: 'For one test', price: '19.90', quantity: 5 };
    const product = expectStatus(await owner.request<productApi.ProductView>('POST', '/products', { body }), 201);
    const email = newEmail();
    expectStatus(await shop.request('POST', '/auth/register', { body: { email, password } }), 201);
    const [code] = await mailedCodes(email, 1);
    expectStatus(await shop.request('POST', '/auth/verify', { body: { email, verification_token: code } }), 200);
    const customer = await shop.login(email, password);
    handedOver.set('access token', customer.token);
    handedOver.set('refresh token', customer.refreshToken);

    const placed = expectStatus(await customer.placeOrder({ items: [{ product_id: product.id, quantity: 1 }] }), 201);
    await orderBecomes(customer, placed.id, { stock: 'reserved' });
    const card = { type: 'card', number, exp_month: 12, exp_year: 2090, cvc: '123' } as const;
    assert.deepEqual(refusal(await customer.pay(placed.id, card)), [409, 'PAYMENT_FAILED']);
    const view = { order_id: placed.id, method: card };
    const refused = [
      customer.pay(placed.id, { ...card, exp_year: 2001 }),
      customer.request<orderApi.OrderView>('POST', `/orders/${placed.id}/pay`, {
        body: { method: { ...card, number: `${number}x` } },
      }),
      customer.request('POST', '/payments', { body: { ...view, method: { ...card, cvc: number } } }),
      shop.request('GET', `/users/me?access_token=${customer.token}`),
      shop.request('POST', '/auth/login', { body: { email, password: `${password}?` } }),
      shop.request('POST', '/auth/register', { body: { email, password: password.repeat(20) } }),
      shop.request('POST', '/auth/register', { body: { email: password, password } }),
      shop.request<authApi.Tokens>('POST', '/auth/refresh', {
        body: { refresh_token: customer.refreshToken, password },
      }),
      shop.request('GET', '/orders/my-orders', { token: `${customer.token}x` }),
      askFrom(freshAddress(), 'POST', '/auth/login', {
        headers: { 'content-type': 'application/json' },
        body: password,
      }),
    ];
    for (const answer of await Promise.all(refused)) {
      assert.ok(answer.status >= 400 && answer.status < 500, `${answer.status}`);
      errors.push(JSON.stringify(answer.body), ...[...answer.headers.values()]);
    }
  });

  it('S22: errors show neither what was secret in the request nor what is secret in the shop', () => {
    const shown = errors.join('\n');
    assert.match(shown, /VALIDATION_FAILED/);
    for (const [name, secret] of [...handedOver, ...secretsOfStack()]) assert.ok(!shown.includes(secret), name);
    assert.doesNotMatch(shown, /SELECT|node_modules|\.ts:\d+/);
  });

  it('S22: no process of the stack has a secret in its environment or on its command line', () => {
    const processes = processesOfStack();
    assert.ok(
      processes.filter(({ about }) => about.includes('/src/main.ts')).length >= 6,
      'the services were not found',
    );
    for (const [name, secret] of secretsOfStack()) {
      const holders = processes.filter(({ shown }) => shown.includes(secret)).map(({ about }) => about);
      assert.deepEqual(holders, [], name);
    }
  });

  it('S22: secrets stand in no log, and otherwise only in files that their owner alone can read', async () => {
    const secrets = secretsOfStack();
    assert.ok(secrets.size >= 10, 'the secrets of the stack were not found');
    for (const [name, secret] of secrets) {
      const files = await filesWith([secret], ['log', 'conf', 'secrets', 'run', 'stack.json']);
      assert.ok(
        files.some((file) => basename(file) === name),
        `${name} was not found where it is`,
      );
      const open = files.filter((file) => file.includes('/log/') || (statSync(file).mode & 0o077) !== 0);
      assert.deepEqual(open, [], name);
    }
  });

  it('S22: health and metrics show no secret', async () => {
    const { AUTH_URL, PRODUCT_URL, ORDER_URL, PAYMENT_URL, MAIL_URL, GATEWAY_DIRECT_URL } = stackSettings;
    const services = [
      settings.GATEWAY_URL,
      GATEWAY_DIRECT_URL,
      AUTH_URL,
      PRODUCT_URL,
      ORDER_URL,
      PAYMENT_URL,
      MAIL_URL,
    ];
    const pages = await Promise.all(
      services.flatMap((url) => ['/health', '/metrics'].map(async (path) => (await fetch(`${url}${path}`)).text())),
    );
    const shown = pages.join('\n');
    for (const [name, secret] of [...handedOver, ...secretsOfStack()]) assert.ok(!shown.includes(secret), name);
  });

  it('S22: card numbers, passwords and tokens stand in no table, no log and no file of Postgres, Kafka or RabbitMQ', async () => {
    // The product's name takes the way that they must not take, so the search can find what is there.
    assert.ok((await tablesWith('product', [canary])).length > 0);
    await eventually(async () => {
      const files = await filesWith([canary], ['data']);
      assert.ok(
        files.some((file) => file.includes('/postgres')),
        'not yet in a file of Postgres',
      );
      assert.ok(
        files.some((file) => file.includes('/kafka')),
        'not yet in a file of Kafka',
      );
    });
    for (const database of DATABASES) {
      assert.deepEqual(await tablesWith(database, [...handedOver.values()]), []);
    }
    assert.deepEqual(await filesWith([...handedOver.values()], ['log', 'data', 'conf', 'run']), []);
    const [kept] = await query<{ last4: string }>('payment', 'SELECT last4 FROM payments ORDER BY id DESC LIMIT 1');
    assert.equal(kept?.last4, number.slice(-4));
  });
});
