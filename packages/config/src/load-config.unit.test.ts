import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { z } from 'zod';
import { ConfigError } from './config-error.ts';
import { type Environment, loadConfig } from './load-config.ts';
import { databaseConfig, httpConfig, logConfig, redisConfig, resilienceConfig, timeConfig } from './pieces.ts';
import { bool, byteSize, csv, duration, durationList, integer, json, port, secret, text, url } from './variables.ts';

function problemsOf(schema: z.ZodObject, env: Environment) {
  try {
    loadConfig(schema, env);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems;
  }
  assert.fail('the configuration was accepted');
}

describe('loadConfig', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'punctual-config-'));
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  it('turns text into typed values and applies defaults', () => {
    const schema = z.object({
      ...httpConfig,
      ...databaseConfig,
      ...redisConfig,
      ...timeConfig,
      ...logConfig,
      ORDER_REMINDERS: durationList(),
      ORDER_EXPIRY: duration().prefault('24h'),
      BODY_LIMIT: byteSize(),
      ORIGINS: csv(),
      VERBOSE: bool(),
    });
    const config = loadConfig(schema, {
      PORT: '8080',
      DATABASE_URL: 'postgres://shop:pw@localhost:5432/orders',
      REDIS_NODES: 'localhost:7000, 10.0.0.2:7001',
      TIME_SCALE: '8640',
      ORDER_REMINDERS: '4h,12h,22h',
      BODY_LIMIT: '1mb',
      ORIGINS: 'http://a, http://b',
      VERBOSE: 'Yes',
      UNKNOWN_VARIABLE: 'ignored',
    });
    assert.deepEqual(config, {
      HOST: '127.0.0.1',
      PORT: 8080,
      DATABASE_URL: 'postgres://shop:pw@localhost:5432/orders',
      DATABASE_POOL_MAX: 10,
      REDIS_NODES: [
        { host: 'localhost', port: 7000 },
        { host: '10.0.0.2', port: 7001 },
      ],
      TIME_SCALE: 8640,
      LOG_LEVEL: 'info',
      NODE_ENV: 'production',
      ORDER_REMINDERS: [14_400_000, 43_200_000, 79_200_000],
      ORDER_EXPIRY: 86_400_000,
      BODY_LIMIT: 1_000_000,
      ORIGINS: ['http://a', 'http://b'],
      VERBOSE: true,
    });
  });

  it('lists every bad variable at once, with what was found and what is expected', () => {
    const schema = z.object({
      ORDER_EXPIRY: duration(),
      ORDER_REMINDERS: durationList(),
      PORT: port(),
      LOG_LEVEL: logConfig.LOG_LEVEL,
      TRIES: integer({ min: 1, max: 10 }),
      NAME: text(),
      GOOD: text(),
    });
    const env = {
      ORDER_EXPIRY: 'abc',
      ORDER_REMINDERS: '12h,4h',
      PORT: '70000',
      LOG_LEVEL: 'loud',
      TRIES: '0',
      GOOD: 'yes',
    };
    assert.throws(() => loadConfig(schema, env), {
      name: 'ConfigError',
      message: [
        'ORDER_EXPIRY: found "abc", expected a duration such as 24h or 10m',
        'ORDER_REMINDERS: found "12h,4h", expected ascending durations such as 4h,12h,22h',
        'PORT: found "70000", expected a port from 0 to 65535',
        'LOG_LEVEL: found "loud", expected one of "debug"|"info"|"warn"|"error"|"silent"',
        'TRIES: found "0", expected a whole number from 1 to 10',
        'NAME: found nothing, expected some text',
      ].join('\n'),
    });
  });

  it('reads the times of breakers as seconds or as durations', () => {
    const schema = z.object(resilienceConfig);
    assert.deepEqual(loadConfig(schema, {}), {
      CIRCUIT_BREAKER_MAX_REQUESTS: 3,
      CIRCUIT_BREAKER_INTERVAL: 60_000,
      CIRCUIT_BREAKER_TIMEOUT: 30_000,
    });
    const config = loadConfig(schema, { CIRCUIT_BREAKER_INTERVAL: '90', CIRCUIT_BREAKER_TIMEOUT: '500ms' });
    assert.deepEqual([config.CIRCUIT_BREAKER_INTERVAL, config.CIRCUIT_BREAKER_TIMEOUT], [90_000, 500]);
    for (const text of ['0', '-1', '1.5', 'soon']) {
      const [problem] = problemsOf(schema, { CIRCUIT_BREAKER_TIMEOUT: text });
      assert.equal(problem?.expected, 'seconds such as 30, or a duration such as 500ms', text);
    }
  });

  it('treats an empty value as an absent one', () => {
    assert.equal(loadConfig(z.object({ A: text().default('standard') }), { A: '  ' }).A, 'standard');
    assert.equal(problemsOf(z.object({ A: text() }), { A: '' })[0]?.found, 'nothing');
  });

  it('never prints a secret or a password inside a URL, in errors, logs or JSON', () => {
    const schema = z.object({ KEY: secret().optional(), DATABASE_URL: url(), OTHER: integer() });
    const broken = problemsOf(schema, { KEY: 'hunter2', DATABASE_URL: 'shop:hunter2@nowhere', OTHER: 'x' });
    assert.doesNotMatch(JSON.stringify(broken), /hunter2/);
    assert.match(JSON.stringify(broken), /\*\*\*@nowhere/);

    const config = loadConfig(schema, {
      KEY: 'hunter2',
      DATABASE_URL: 'postgres://shop:hunter2@db/orders',
      OTHER: '1',
    });
    assert.equal(config.KEY, 'hunter2');
    assert.doesNotMatch(inspect(config), /hunter2/);
    assert.equal(JSON.stringify(config), '{"KEY":"***","DATABASE_URL":"postgres://***@db/orders","OTHER":1}');
  });

  it('reads a variable from the file that X_FILE names, without its last line break', () => {
    const file = join(folder, 'key');
    writeFileSync(file, 'line 1\nline 2\n');
    assert.equal(loadConfig(z.object({ KEY: secret() }), { KEY_FILE: file }).KEY, 'line 1\nline 2');
  });

  it('refuses X together with X_FILE, and a file that cannot be read, naming each once', () => {
    const file = join(folder, 'missing');
    const problems = problemsOf(z.object({ A: secret(), B: secret() }), { A: 'hunter2', A_FILE: file, B_FILE: file });
    assert.deepEqual(problems, [
      { name: 'A', found: 'both A and A_FILE', expected: 'one of them' },
      { name: 'B_FILE', found: `"${file}" (ENOENT)`, expected: 'a file that can be read' },
    ]);
  });

  it('names the place inside a JSON variable', () => {
    const schema = z.object({ ROUTES: json(z.array(z.object({ target: z.url() }))) });
    assert.deepEqual(loadConfig(schema, { ROUTES: '[{"target":"http://a"}]' }).ROUTES, [{ target: 'http://a' }]);
    assert.equal(problemsOf(schema, { ROUTES: '[{"target":1}]' })[0]?.name, 'ROUTES.0.target');
    assert.equal(problemsOf(schema, { ROUTES: '[{' })[0]?.expected, 'JSON text');
  });

  it('freezes the result deeply', () => {
    const config = loadConfig(z.object({ ORIGINS: csv(), ...redisConfig }), { ORIGINS: 'a', REDIS_NODES: 'h:1' });
    assert.ok(Object.isFrozen(config));
    assert.throws(() => config.ORIGINS.push('b'), TypeError);
    assert.ok(Object.isFrozen(config.REDIS_NODES[0]));
  });

  it('reports a rule over several variables', () => {
    const schema = z.object({ A: integer(), B: integer() }).refine(({ A, B }) => A <= B, { message: 'A of at most B' });
    assert.deepEqual(problemsOf(schema, { A: '2', B: '1' }), [
      { name: '(together)', found: 'values that do not fit each other', expected: 'A of at most B' },
    ]);
  });
});
