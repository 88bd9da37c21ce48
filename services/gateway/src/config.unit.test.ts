import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { ConfigError } from '@punctual/config';
import { loadGatewayConfig } from './config.ts';

const MINIMAL = {
  PORT: '8080',
  JWKS_URL: 'http://127.0.0.1:3001/.well-known/jwks.json',
  JWT_ISSUER: 'punctual',
  JWT_AUDIENCE: 'punctual',
  REDIS_NODES: '127.0.0.1:7000,127.0.0.1:7001',
  KAFKA_BROKERS: '127.0.0.1:9092',
  SERVICE_KEY: 'a-key-that-only-tests-know-0123456789',
  GATEWAY_ROUTES_FILE: fileURLToPath(new URL('../routes.example.json', import.meta.url)),
};

describe('the configuration of the gateway', () => {
  it('reads the routes from a file, and has defaults for the rest', () => {
    const config = loadGatewayConfig(MINIMAL);
    assert.deepEqual(
      config.GATEWAY_ROUTES.map((route) => route.name),
      ['auth', 'product', 'order'],
    );
    assert.deepEqual(
      [
        config.RATE_LIMIT_PER_SECOND,
        config.RATE_LIMIT_BURST,
        config.MAX_IN_FLIGHT,
        config.BODY_LIMIT,
        config.TRUSTED_HOPS,
      ],
      [100, 200, 256, 1_000_000, 0],
    );
  });

  it('lists everything that is wrong at once', () => {
    const env = {
      PORT: 'x',
      GATEWAY_ROUTES: '[{"name":"Order","prefixes":[]}]',
      RATE_LIMIT_SERVICES: '{"order":{"perSecond":0}}',
      BODY_LIMIT: 'much',
      PUBLIC_URL: 'shop',
    };
    assert.throws(
      () => loadGatewayConfig(env),
      (error: unknown) => {
        assert.ok(error instanceof ConfigError);
        const names = error.problems.map((problem) => problem.name).join(' ');
        for (const name of [
          'PORT',
          'GATEWAY_ROUTES.0.name',
          'GATEWAY_ROUTES.0.prefixes',
          'RATE_LIMIT_SERVICES.order',
        ]) {
          assert.ok(names.includes(name), `${name} is not in ${names}`);
        }
        for (const name of ['BODY_LIMIT', 'PUBLIC_URL', 'JWKS_URL', 'JWT_ISSUER', 'JWT_AUDIENCE', 'REDIS_NODES']) {
          assert.ok(names.includes(name), `${name} is not in ${names}`);
        }
        return true;
      },
    );
  });
});
