import assert from 'node:assert/strict';
import { ConfigError, loadConfig } from '@punctual/config';
import { configSchema } from './config.ts';

const ENV = {
  PORT: '4000',
  GRPC_PORT: '4010',
  SERVICE_KEY: 'a key that all services share, long enough',
  DATABASE_URL: 'postgres://localhost/order',
  KAFKA_BROKERS: 'localhost:9092',
  RABBITMQ_URL: 'amqp://localhost',
  REDIS_NODES: 'localhost:7000',
  JWKS_URL: 'http://localhost/jwks.json',
  JWT_ISSUER: 'punctual',
  JWT_AUDIENCE: 'punctual',
};
const HOUR_MS = 3_600_000;

function problemsOf(env: Record<string, string>): string[] {
  try {
    loadConfig(configSchema, { ...ENV, ...env });
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ name }) => name);
    throw error;
  }
  return [];
}

describe('the configuration of the order service', () => {
  it('reminds after 4, 12 and 22 hours and expires after 24 when nothing else is said', () => {
    const config = loadConfig(configSchema, ENV);
    assert.deepEqual(config.ORDER_REMINDERS, [4 * HOUR_MS, 12 * HOUR_MS, 22 * HOUR_MS]);
    assert.equal(config.ORDER_EXPIRY, 24 * HOUR_MS);
    assert.equal(config.TIME_SCALE, 1);
  });

  it('lets a user have 50 unpaid orders when nothing else is said', () => {
    assert.equal(loadConfig(configSchema, ENV).ORDER_MAX_OPEN, 50);
    assert.equal(loadConfig(configSchema, { ...ENV, ORDER_MAX_OPEN: '0' }).ORDER_MAX_OPEN, 0);
    for (const ORDER_MAX_OPEN of ['-1', '1.5', 'many', '10001']) {
      assert.deepEqual(problemsOf({ ORDER_MAX_OPEN }), ['ORDER_MAX_OPEN']);
    }
  });

  it('refuses reminders that are not before the expiry, or too many of them', () => {
    assert.deepEqual(problemsOf({ ORDER_REMINDERS: '4h,24h' }), ['ORDER_REMINDERS']);
    assert.deepEqual(problemsOf({ ORDER_EXPIRY: '22h' }), ['ORDER_REMINDERS']);
    assert.deepEqual(problemsOf({ ORDER_REMINDERS: '1m,2m,3m,4m,5m,6m,7m,8m,9m,10m,11m' }), ['ORDER_REMINDERS']);
    assert.deepEqual(problemsOf({ ORDER_REMINDERS: '4h,23h' }), []);
  });

  it('lets nobody pay with a test card in production', () => {
    assert.deepEqual(problemsOf({ PAY_WITH_TEST_CARD: 'true', NODE_ENV: 'production' }), ['PAY_WITH_TEST_CARD']);
    assert.deepEqual(problemsOf({ PAY_WITH_TEST_CARD: 'true' }), ['PAY_WITH_TEST_CARD']);
    assert.deepEqual(problemsOf({ PAY_WITH_TEST_CARD: 'true', NODE_ENV: 'development' }), []);
  });

  it('names every bad variable at once', () => {
    assert.deepEqual(problemsOf({ ORDER_EXPIRY: 'soon', SERVICE_ADDRESSES: 'not JSON', SWEEP_GRACE: '0' }).sort(), [
      'ORDER_EXPIRY',
      'SERVICE_ADDRESSES',
      'SWEEP_GRACE',
    ]);
  });
});
