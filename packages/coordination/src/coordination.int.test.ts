import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { discoveryConfig, loadConfig, logConfig } from '@punctual/config';
import { createLogger, createMetrics } from '@punctual/telemetry';
import { eventually, testEtcd } from '@punctual/testing';
import { z } from 'zod';
import { type Coordination, createCoordination } from './index.ts';

const BY_ME = { who: 'me@punctual.test' };

describe('the log of a service that follows its settings', () => {
  let coordination: Coordination;
  let lines: string[];
  const stream = new PassThrough();
  const logger = createLogger({ service: 'order', level: 'info', stream });

  before(async () => {
    stream.on('data', (chunk: Buffer) => lines.push(chunk.toString()));
    const { endpoints, prefix } = testEtcd('coordination');
    const config = loadConfig(z.object({ ...discoveryConfig, ...logConfig }), {
      LOG_LEVEL: 'info',
      ETCD_ENDPOINTS: endpoints.join(','),
      ETCD_PREFIX: prefix,
    });
    const metrics = createMetrics('test');
    coordination = createCoordination(config, { service: 'order', version: '1', logger, metrics });
    await coordination.start();
  });
  after(() => coordination.stop());
  beforeEach(() => {
    lines = [];
  });

  const writes = (level: 'debug' | 'info' | 'error', expected: boolean) =>
    eventually(() => {
      lines = [];
      logger[level]('a line');
      assert.equal(lines.length, expected ? 1 : 0);
    });

  it('writes as much as is said for all services, or for it alone, and as its configuration says when neither is set', async () => {
    const { desk } = coordination;
    assert.ok(desk);
    await writes('info', true);
    await writes('debug', false);
    await desk.set('log_level', 'debug', BY_ME);
    await writes('debug', true);
    await desk.set('log_level.order', 'error', BY_ME);
    await writes('info', false);
    await writes('error', true);
    await desk.set('log_level.auth', 'debug', BY_ME);
    await desk.unset('log_level.order', BY_ME);
    await writes('debug', true);
    await desk.unset('log_level', BY_ME);
    await writes('debug', false);
    await writes('info', true);
  });
});
