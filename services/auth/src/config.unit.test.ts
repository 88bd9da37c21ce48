import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import { ConfigError, loadConfig } from '@punctual/config';
import { configSchema } from './config.ts';

const KEY = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const GOOD = {
  PORT: '8081',
  GRPC_PORT: '8082',
  SERVICE_KEY: 'a key that all services share, long enough',
  DATABASE_URL: 'postgres://auth:pw@localhost/auth',
  KAFKA_BROKERS: 'localhost:9092',
  RABBITMQ_URL: 'amqp://localhost',
  JWT_ISSUER: 'punctual',
  JWT_AUDIENCE: 'punctual',
  JWT_SIGNING_KEY: KEY,
};

describe('configuration', () => {
  it('has the documented durations and limits by default', () => {
    const config = loadConfig(configSchema, GOOD);
    assert.equal(config.VERIFICATION_TTL, 600_000);
    assert.equal(config.RESEND_COOLDOWN, 60_000);
    assert.equal(config.VERIFICATION_MAX_TRIES, 5);
    assert.equal(config.VERIFICATION_MAX_CODES, 5);
    assert.equal(config.ACCESS_TOKEN_TTL, 900_000);
    assert.equal(config.REFRESH_TOKEN_TTL, 30 * 86_400_000);
    assert.deepEqual(
      [config.LOGIN_ACCOUNT_FAILURES, config.LOGIN_ADDRESS_FAILURES, config.VERIFY_ADDRESS_FAILURES],
      [10, 100, 50],
    );
    assert.equal(config.FAILURE_WINDOW, 900_000);
  });

  it('names every bad variable at once and shows no secret', () => {
    const bad = {
      ...GOOD,
      JWT_SIGNING_KEY: 'hunter2',
      JWT_RETIRED_KEYS: 'hunter3',
      VERIFICATION_TTL: 'soon',
      PORT: 'x',
    };
    assert.throws(
      () => loadConfig(configSchema, bad),
      (error) => {
        assert.ok(error instanceof ConfigError);
        assert.deepEqual(error.problems.map((problem) => problem.name).sort(), [
          'JWT_RETIRED_KEYS',
          'JWT_SIGNING_KEY',
          'PORT',
          'VERIFICATION_TTL',
        ]);
        assert.doesNotMatch(error.message, /hunter/);
        assert.match(error.message, /Ed25519/);
        return true;
      },
    );
  });

  it('prints without its keys', () => {
    const config = loadConfig(configSchema, { ...GOOD, CODE_HMAC_KEY: 'hunter2' });
    assert.doesNotMatch(inspect(config) + JSON.stringify(config), /hunter2|PRIVATE KEY|:pw@/);
  });
});
