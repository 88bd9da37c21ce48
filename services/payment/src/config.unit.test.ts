import assert from 'node:assert/strict';
import { ConfigError, loadConfig } from '@punctual/config';
import { configSchema } from './config.ts';

const NEEDED = {
  PORT: '3005',
  GRPC_PORT: '3015',
  SERVICE_KEY: 'a key that all services share, long enough',
  DATABASE_URL: 'postgres://payment@localhost/payment',
  KAFKA_BROKERS: 'localhost:9092',
  JWKS_URL: 'http://localhost:3001/.well-known/jwks.json',
  JWT_ISSUER: 'issuer',
  JWT_AUDIENCE: 'audience',
};
const SANDBOX = { ...NEEDED, PAYMENT_PROVIDER: 'sandbox', SANDBOX_WEBHOOK_SECRET: 'secret' };

/** The variables that are complained about. */
function problems(env: Record<string, string>): string[] {
  try {
    loadConfig(configSchema, env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ name }) => name);
    throw error;
  }
}

describe('the configuration of the payment service', () => {
  it('asks for a provider by name, and for what that provider needs', () => {
    assert.deepEqual(problems(SANDBOX), []);
    assert.deepEqual(problems(NEEDED), ['PAYMENT_PROVIDER']);
    assert.deepEqual(problems({ ...NEEDED, PAYMENT_PROVIDER: 'sandbox' }), ['SANDBOX_WEBHOOK_SECRET']);
    assert.deepEqual(problems({ ...NEEDED, PAYMENT_PROVIDER: 'stripe' }), [
      'STRIPE_SECRET_KEY',
      'STRIPE_WEBHOOK_SECRET',
    ]);
  });

  it('does not ask what became of a capture that may still be under way', () => {
    assert.deepEqual(problems({ ...SANDBOX, PROVIDER_TIMEOUT: '5s', RECONCILE_AFTER: '5s' }), ['RECONCILE_AFTER']);
  });
});
