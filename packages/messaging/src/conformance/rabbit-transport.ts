import { createMetrics, silentLogger } from '@punctual/telemetry';
import { eventually, type TestVhost, testVhost } from '@punctual/testing';
import { connect } from 'amqplib';
import { createRelay } from '../outbox/relay.ts';
import { createRabbit } from '../rabbit/connection.ts';
import { type DelayStrategy, dueExchange, type Topology } from '../topology.ts';
import { CONSUMER, type DeadLetter, noteSchemas, type Transport } from './stage.ts';

export const JOBS = 'notes';
export const LATER = 'notes.later';
export const QUEUE = 'notes.work';
export const DEAD = 'notes.dead';
const ROUTING_KEY = 'note';
const RETRY_STEP_MS = 80;
const SHORT_DELAY_MS = 120;
const logger = silentLogger();

export function notesTopology(strategy: DelayStrategy): Topology {
  return {
    exchanges: [JOBS],
    delayed: [{ name: LATER, strategy, stepsMs: [RETRY_STEP_MS, SHORT_DELAY_MS], arbitrary: true }],
    queues: [
      { name: DEAD, bindings: [] },
      {
        name: QUEUE,
        deadLetterQueue: DEAD,
        bindings: [JOBS, dueExchange(LATER)].map((exchange) => ({ exchange, routingKey: ROUTING_KEY })),
      },
    ],
  };
}

export type RabbitTransport = Transport & {
  readonly vhost: TestVhost;
  /** Breaks the connections of producers and consumers, as a network would; returns how many. */
  breakConnections(): Promise<number>;
};
type Options = { strategy: DelayStrategy /** Every note goes through the delayed exchange. */; isDelayed: boolean };

export async function openRabbit({ strategy, isDelayed }: Options): Promise<RabbitTransport> {
  const vhost = await testVhost('conformance');
  const options = { url: vhost.url, name: 'conformance', logger };
  const rabbit = createRabbit({ ...options, metrics: createMetrics('rabbit') });
  rabbit.declare(notesTopology(strategy));
  await rabbit.start();
  await eventually(() => rabbit.ping());
  const raw = await connect(vhost.url);
  raw.on('error', () => undefined);
  const channel = await raw.createConfirmChannel();
  const dead: DeadLetter[] = [];

  return {
    vhost,
    message({ key, n, id, dueAt }) {
      const due = dueAt ?? (isDelayed ? new Date(Date.now() + SHORT_DELAY_MS) : undefined);
      return {
        transport: 'rabbit',
        exchange: due === undefined ? JOBS : LATER,
        routingKey: ROUTING_KEY,
        subject: key,
        type: 'noted',
        data: { key, n },
        ...(id === undefined ? {} : { id }),
        ...(due === undefined ? {} : { dueAt: due }),
      };
    },
    relay: ({ db, metrics }) =>
      createRelay({ db, rabbit, logger, metrics, source: '/conformance', leaseName: 'relay', leaseTtlMs: 1_000 }),
    consumer({ handle, metrics, maxAttempts = 5, batchSize, ping }) {
      const consuming = createRabbit({ ...options, metrics });
      consuming.declare(notesTopology(strategy));
      const consumer = consuming.consume({
        consumer: CONSUMER,
        queue: QUEUE,
        deadLetterQueue: DEAD,
        retry: { exchange: LATER, stepsMs: Array(maxAttempts - 1).fill(RETRY_STEP_MS) },
        schemas: noteSchemas,
        handle,
        ...(ping === undefined ? {} : { ping }),
        ...(batchSize === undefined ? {} : { batchSize }),
      });
      return {
        ...consumer,
        async start() {
          await consuming.start();
          await consumer.start();
        },
        async stop() {
          await consumer.stop();
          await consuming.stop();
        },
      };
    },
    async publishRaw(body, headers) {
      const attributes = ['id', 'source', 'subject', 'time'].map((name) => [`cloudEvents:${name}`, 'raw']);
      const binary = {
        ...Object.fromEntries(attributes),
        'cloudEvents:specversion': '1.0',
        'cloudEvents:type': 'noted',
      };
      channel.publish(JOBS, ROUTING_KEY, Buffer.from(body), { persistent: true, headers: headers ?? binary });
      await channel.waitForConfirms();
    },
    async deadLetters() {
      for (let got = await channel.get(DEAD); got !== false; got = await channel.get(DEAD)) {
        channel.ack(got);
        const headers = got.properties.headers ?? {};
        dead.push({ id: headers['cloudEvents:id'], reason: String(headers['x-reason']) });
      }
      return dead;
    },
    async breakConnections() {
      const connections = await connectionsOf(vhost);
      for (const connection of connections) {
        await vhost.api('DELETE', `connections/${encodeURIComponent(connection)}`);
      }
      return connections.length;
    },
    async close() {
      await rabbit.close();
      await Promise.allSettled([raw.close()]);
      await vhost.drop();
    },
  };
}

/** The management API learns of connections some seconds late. Those of `conformance` are the ones to break. */
async function connectionsOf(vhost: TestVhost): Promise<string[]> {
  const listed = await vhost.api('GET', `vhosts/${vhost.name}/connections`);
  const named = (listed as { name: string; client_properties: { connection_name?: string } }[]).filter(
    ({ client_properties }) => client_properties.connection_name?.startsWith('conformance') === true,
  );
  return named.map(({ name }) => name);
}
