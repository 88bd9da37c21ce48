/** That what goes over the wire is what the contracts, and so the AsyncAPI document, say of it. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import {
  exchangeFlows,
  headersOf,
  isEventType,
  MAX_IDS_PER_RECEIPT,
  type MessageType,
  messageTypes,
  orderTimers,
  queueFlows,
  receipt,
} from '@punctual/contracts';
import { silentLogger } from '@punctual/telemetry';
import type { Envelope } from './envelope.ts';
import { recordOf } from './kafka/producer.ts';
import type { RabbitConnection, RabbitMessage } from './rabbit/connection.ts';
import * as wire from './rabbit/wire.ts';
import { RECEIPT, receiptSchema } from './receipts/receipt.ts';
import { createReceipts } from './receipts/receipts.ts';
import { ORDER_EXPIRY_KEY, ORDER_REMINDER_KEY, receiptTopology, shopTopology, type Topology } from './topology.ts';

const declared: readonly Topology[] = [
  shopTopology({ delayStrategy: 'ttl', mailRetryStepsMs: [1], orderTimerStepsMs: [1] }),
  receiptTopology('order'),
  receiptTopology('auth'),
];

const byName = (a: { name: string }, b: { name: string }) => a.name.localeCompare(b.name);

function headersOnTheWire(type: MessageType, envelope: Envelope): Record<string, unknown> {
  if (isEventType(type)) return { ...recordOf({ topic: 't', key: '1', envelope }).headers };
  return { ...wire.wireOf({ exchange: 'e', routingKey: type }, envelope).headers };
}

describe('the topology', () => {
  it('has the exchanges of the contracts', () => {
    const names = (isDelayed: boolean) =>
      exchangeFlows.filter((exchange) => exchange.isDelayed === isDelayed).map(({ name }) => name);
    const exchanges = new Set(declared.flatMap((topology) => topology.exchanges));
    assert.deepEqual([...exchanges].sort(), names(false).sort());
    assert.deepEqual(declared.flatMap(({ delayed }) => delayed.map(({ name }) => name)).sort(), names(true).sort());
  });

  it('has the queues of the contracts, bound and given up likewise', () => {
    const queues = new Map(declared.flatMap((topology) => topology.queues).map((queue) => [queue.name, queue]));
    const promised = queueFlows.map(({ name, bindings, deadLetterQueue }) => ({
      name,
      bindings,
      ...(deadLetterQueue === undefined ? {} : { deadLetterQueue }),
    }));
    assert.deepEqual([...queues.values()].sort(byName), promised.sort(byName));
  });

  it('knows the timers of the contracts', () => {
    assert.deepEqual([ORDER_REMINDER_KEY, ORDER_EXPIRY_KEY], Object.keys(orderTimers));
  });
});

describe('the headers of', () => {
  for (const type of messageTypes) {
    it(`${type} are those of the contracts`, () => {
      const { properties, required } = headersOf(type);
      const source = String((properties.ce_source ?? properties['cloudEvents:source'])?.const);
      const about = { id: randomUUID(), type, source, subject: '17', time: new Date(0).toISOString() };
      const headers = headersOnTheWire(type, { ...about, data: {}, traceparent: '00-1-2-01', attempt: 2 });
      for (const name of required) assert.ok(Object.hasOwn(headers, name), `${name} is missing`);
      for (const [name, value] of Object.entries(headers)) {
        const schema = properties[name];
        assert.ok(schema !== undefined, `${name} is not in the contracts`);
        if (schema.const !== undefined) assert.equal(value, schema.const, name);
        assert.equal(typeof value, schema.type === 'integer' ? 'number' : schema.type, name);
      }
    });
  }

  it('retries and dead letters are in the contracts', () => {
    const { DUE_AT, ATTEMPT, FIRST_FAILURE_AT, LAST_FAILURE_AT, REASON, ATTEMPTS, QUEUE } = wire;
    const ours = [DUE_AT, ATTEMPT, FIRST_FAILURE_AT, LAST_FAILURE_AT, REASON, ATTEMPTS, QUEUE];
    const { properties } = headersOf('mail.verification');
    const extra = Object.keys(properties).filter((name) => name.startsWith('x-'));
    assert.deepEqual(extra.sort(), ours.sort());
  });
});

describe('receipts', () => {
  it('are what the contracts say, as written and as read', async () => {
    const sent: RabbitMessage[] = [];
    const publish = async (messages: readonly RabbitMessage[]): Promise<void> => {
      sent.push(...messages);
    };
    const receipts = createReceipts({
      rabbit: { publish } as RabbitConnection,
      logger: silentLogger(),
      source: '/mail',
    });
    for (let count = 0; count <= MAX_IDS_PER_RECEIPT; count += 1) receipts.add({ id: randomUUID(), source: '/order' });
    await receipts.stop();
    assert.equal(sent.length, 2);
    for (const { envelope, exchange, routingKey } of sent) {
      assert.deepEqual([envelope.type, exchange, routingKey], [RECEIPT, 'receipts', 'order']);
      assert.deepEqual(receipt.parse(envelope.data), envelope.data);
      assert.deepEqual(receiptSchema.parse(envelope.data), envelope.data);
    }
  });
});
