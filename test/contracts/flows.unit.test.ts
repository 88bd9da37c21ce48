/**
 * That the services subscribe to and consume what the contracts, and so the AsyncAPI document, say of them. The functions that
 * subscribe are called with connections that only note down what is asked of them.
 */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type ConsumerGroup,
  consumerGroups,
  type EventType,
  eventFlows,
  events,
  mailJobFlows,
  orderTimerFlows,
  queueFlows,
  SERVICES,
  type ServiceName,
  TOPICS,
  topicFlows,
} from '@punctual/contracts';
import type { ConsumeOptions, KafkaConnection, RabbitConnection, SubscribeOptions } from '@punctual/messaging';
import type { Database } from '@punctual/postgres';
import { consumeMailJobs } from '../../services/mail/src/events/mail-jobs.ts';
import { consumePaymentEvents } from '../../services/order/src/events/payment-events.ts';
import { consumeProductEvents } from '../../services/order/src/events/product-events.ts';
import { consumeStockEvents } from '../../services/order/src/events/stock-events.ts';
import { consumeDueTimers } from '../../services/order/src/timers/due-timers.ts';
import { consumeOrderEvents } from '../../services/payment/src/events/order-events.ts';
import { subscribeToCatalogChanges } from '../../services/product/src/events/catalog-changes.ts';
import { subscribeToOrders } from '../../services/product/src/events/orders.ts';

const ROOT = join(import.meta.dirname, '../..');
const nothing = async (): Promise<void> => undefined;
const idle = { name: 'noted down', start: nothing, stop: nothing, ping: nothing };

type Subscription = Pick<SubscribeOptions<unknown>, 'groupId' | 'topics'> & { types: string[] };
type Consumer = Pick<ConsumeOptions<unknown>, 'queue' | 'deadLetterQueue' | 'retry'> & { types: string[] };

const subscriptions: Subscription[] = [];
const consumers: Consumer[] = [];
const kafka = {
  subscribe<M>({ groupId, topics, schemas }: SubscribeOptions<M>) {
    subscriptions.push({ groupId, topics, types: Object.keys(schemas) });
    return idle;
  },
} as KafkaConnection;
const rabbit = {
  consume<M>({ queue, deadLetterQueue, retry, schemas }: ConsumeOptions<M>) {
    consumers.push({ queue, deadLetterQueue, retry, types: Object.keys(schemas) });
    return idle;
  },
} as RabbitConnection;
const db = {} as Database;

function sourcesOf(service: ServiceName): string[] {
  return globSync(`services/${service}/src/**/*.ts`, { cwd: ROOT }).filter((path) => !path.endsWith('.test.ts'));
}

function textOf(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** Whether the service's code names the type, in quotes, other than to leave it out. */
function names(service: ServiceName, type: string): boolean {
  return sourcesOf(service).some((path) =>
    textOf(path)
      .replaceAll(/Exclude<[^>]*>/g, '')
      .includes(`'${type}'`),
  );
}

/** The calls that the services' code makes of a method, found in the text: one that is not made above is found here. */
function callsOf(pattern: RegExp): number {
  return SERVICES.flatMap(sourcesOf)
    .map((path) => [...textOf(path).matchAll(pattern)].length)
    .reduce((sum, count) => sum + count, 0);
}

describe('the flows of the contracts', () => {
  before(() => {
    const wake = (): void => undefined;
    const own = { kafka, db, onFatal: wake };
    consumeProductEvents(own);
    consumeStockEvents({ ...own, wakeRelay: wake });
    consumePaymentEvents({ ...own, wakeRelay: wake });
    consumeOrderEvents({ ...own, wakeFollowUp: wake });
    subscribeToOrders({ ...own, settle: async () => [] });
    subscribeToCatalogChanges({ ...own, index: nothing });
    consumeDueTimers({ rabbit, db, fireDueTimers: async () => 0 });
    const receipts = { ...idle, add: wake };
    consumeMailJobs({ rabbit, receipts, db, deliver: nothing, connections: 1, retryStepsMs: [] });
  });

  it('are of services that there are', () => {
    for (const service of SERVICES) assert.ok(existsSync(join(ROOT, 'services', service)), service);
  });

  it('know every consumer group, with the events that it reads', () => {
    assert.deepEqual(subscriptions.map(({ groupId }) => groupId).sort(), Object.keys(consumerGroups).sort());
    for (const { groupId, topics, types } of subscriptions) {
      const promised = Object.keys(events).filter((type) =>
        eventFlows[type as EventType].groups.includes(groupId as ConsumerGroup),
      );
      assert.deepEqual(types.sort(), promised.sort(), `${groupId} reads other events: see flows.ts`);
      const topicsOfTypes = new Set(types.map((type) => events[type as EventType].topic));
      assert.deepEqual([...topicsOfTypes], topics, groupId);
    }
  });

  it('know every consumer of a queue, with the messages that it reads', () => {
    const promised = queueFlows.filter(({ name, consumer }) => consumer !== undefined && !name.startsWith('receipts.'));
    assert.deepEqual(consumers.map(({ queue }) => queue).sort(), promised.map(({ name }) => name).sort());
    for (const { queue, deadLetterQueue, types, retry } of consumers) {
      const flow = queueFlows.find(({ name }) => name === queue);
      assert.deepEqual(
        types.sort(),
        [...(flow?.messages ?? [])].sort(),
        `${queue} holds other messages: see queues.ts`,
      );
      assert.equal(deadLetterQueue, flow?.deadLetterQueue);
      assert.ok(flow?.bindings.some(({ exchange }) => exchange === `${retry.exchange}.due`));
    }
  });

  it('miss no subscription: the services make as many as are looked at here', () => {
    assert.equal(callsOf(/\bkafka\.subscribe\b/g), subscriptions.length);
    assert.equal(callsOf(/\brabbit\.consume\b/g), consumers.length);
  });

  it('name as the writer of a topic a service that knows its events', () => {
    for (const topic of TOPICS) {
      const types = Object.keys(events).filter((type) => events[type as EventType].topic === topic);
      for (const type of types) assert.ok(names(topicFlows[topic].publisher, type), `${type} is not written there`);
    }
  });

  it('name as the writer of a mail job the one service that asks for it, and of a timer one that knows it', () => {
    for (const [type, { publisher }] of Object.entries(mailJobFlows)) {
      const writers = SERVICES.filter((service) => service !== 'mail' && names(service, type));
      assert.deepEqual(writers, [publisher], type);
    }
    for (const [type, { publisher }] of Object.entries(orderTimerFlows)) assert.ok(names(publisher, type), type);
  });

  it('have a queue of receipts for each service that asks for them', () => {
    const asking = SERVICES.filter((service) =>
      sourcesOf(service).some((path) => /\breceiptWaitMs\b/.test(textOf(path))),
    );
    const queues = queueFlows
      .filter(({ name }) => name.startsWith('receipts.'))
      .flatMap(({ consumer }) => consumer ?? []);
    assert.deepEqual(asking.sort(), queues.sort());
  });
});
