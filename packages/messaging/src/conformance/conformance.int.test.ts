/**
 * One suite over every way a message can take. Which ways there are is found out first: the broker is asked for the
 * delayed message plugin, and where it is missing that part is not run, and the output says so.
 */
import assert from 'node:assert/strict';
import { createMetrics, silentLogger } from '@punctual/telemetry';
import { servers, testVhost } from '@punctual/testing';
import { createRabbit } from '../rabbit/connection.ts';
import { hasDelayedMessagePlugin } from '../rabbit/probe.ts';
import { describeDelayGuarantees } from './delay-guarantees.ts';
import { describeGuarantees } from './guarantees.ts';
import { openKafka } from './kafka-transport.ts';
import { LATER, notesTopology, openRabbit } from './rabbit-transport.ts';

const hasPlugin = await hasDelayedMessagePlugin(servers().rabbit.url);
const strategies = hasPlugin ? (['ttl', 'plugin'] as const) : (['ttl'] as const);

describeGuarantees('Kafka', openKafka);
describeGuarantees('RabbitMQ', () => openRabbit({ strategy: 'auto', isDelayed: false }));
for (const strategy of strategies) {
  const open = () => openRabbit({ strategy, isDelayed: true });
  describeGuarantees(`RabbitMQ, delayed by ${strategy}`, open);
  describeDelayGuarantees(`RabbitMQ, delayed by ${strategy}`, open);
}

const plugin = hasPlugin
  ? 'has the delayed message plugin: both strategies were run'
  : 'lacks the delayed message plugin: that part was not run';

describe('the delayed exchange on this broker', () => {
  it(`finds that the broker ${plugin}, and auto chooses accordingly`, async () => {
    const vhost = await testVhost('probe');
    const rabbit = createRabbit({
      url: vhost.url,
      name: 'probe',
      logger: silentLogger(),
      metrics: createMetrics('probe'),
    });
    rabbit.declare(notesTopology('auto'));
    await rabbit.start();
    try {
      assert.equal(await rabbit.strategyOf(LATER), hasPlugin ? 'plugin' : 'ttl');
    } finally {
      await rabbit.stop();
      await vhost.drop();
    }
  });
});
