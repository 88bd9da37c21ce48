import { connect } from 'amqplib';
import { Kafka, logLevel } from 'kafkajs';
import type { Bench } from '../step.ts';
import type { Finding } from './workload.ts';

const ROWS = 200_000;
const PARTITIONS = 6;
/** A topic and a queue of the bench's own, so that only the relay is measured and no consumer. */
const NAME = 'bench.drain';
/** The service publishes only to exchanges that it knows. */
const EXCHANGE = 'notifications';
const TYPE = 'bench.drained';
const POLL_MS = 50;
const DEADLINE_MS = 600_000;

/** Rows that appear in the outbox all at once, and how soon the running relay has them at both brokers. */
export async function relayDrain(bench: Bench): Promise<Finding> {
  const { state, say } = bench;
  const perBroker = Math.ceil((ROWS * bench.size) / 2);
  const removeTargets = await createTargets(bench);
  try {
    // A row as an order makes it, in size too. The rows of one statement are seen together, by its commit.
    const insertedAtMs = performance.now();
    await state.orders(
      `INSERT INTO outbox (transport, type, destination, routing_key, subject, payload)
       SELECT transport, '${TYPE}', CASE transport WHEN 'rabbit' THEN '${EXCHANGE}' ELSE '${NAME}' END,
              '${NAME}.' || n, n::text,
              json_build_object('order_id', n, 'user_id', 1, 'total_minor', 3000, 'currency', 'USD', 'items', json_build_array(
                json_build_object('product_id', 1, 'quantity', 1, 'unit_price_minor', 1000),
                json_build_object('product_id', 2, 'quantity', 2, 'unit_price_minor', 1000)))
       FROM unnest(ARRAY['kafka', 'rabbit']) transport, generate_series(1, $1::int) n`,
      [perBroker],
    );
    say(`${2 * perBroker} rows written in ${((performance.now() - insertedAtMs) / 1_000).toFixed(1)} s`);
    const startedAtMs = performance.now();
    const emptyAfterMs = new Map<string, number>();
    while (emptyAfterMs.size < 2) {
      bench.signal.throwIfAborted();
      for (const transport of ['kafka', 'rabbit']) {
        if (emptyAfterMs.has(transport)) continue;
        const sql = 'SELECT EXISTS (SELECT FROM outbox WHERE transport = $1 AND type = $2) AS waiting';
        const [row] = await state.orders<{ waiting: boolean }>(sql, [transport, TYPE]);
        if (row?.waiting === false) emptyAfterMs.set(transport, performance.now() - startedAtMs);
      }
      if (performance.now() - startedAtMs > DEADLINE_MS) throw new Error('the outbox is not empty after ten minutes');
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    const rate = (rows: number, tookMs: number) => Math.round((rows * 1_000) / tookMs);
    const facts = [
      { name: 'events/s to both brokers', value: rate(2 * perBroker, Math.max(...emptyAfterMs.values())) },
      ...[...emptyAfterMs].map(([transport, tookMs]) => ({
        name: `events/s to ${transport}, while the other runs`,
        value: rate(perBroker, tookMs),
      })),
    ];
    for (const { name, value } of facts) say(`${value} ${name}`);
    return { facts, problems: [] };
  } finally {
    await removeTargets();
  }
}

async function createTargets({ stack }: Bench): Promise<() => Promise<void>> {
  const { KAFKA_BROKERS, RABBITMQ_URL } = stack.settings;
  const kafka = new Kafka({ brokers: KAFKA_BROKERS.split(','), clientId: 'bench', logLevel: logLevel.ERROR });
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ waitForLeaders: true, topics: [{ topic: NAME, numPartitions: PARTITIONS }] });
  const rabbit = await connect(RABBITMQ_URL);
  const channel = await rabbit.createChannel();
  await channel.assertQueue(NAME, { durable: true, arguments: { 'x-queue-type': 'quorum' } });
  await channel.bindQueue(NAME, EXCHANGE, `${NAME}.#`);
  return async () => {
    await channel.deleteQueue(NAME);
    await rabbit.close();
    await admin.deleteTopics({ topics: [NAME] });
    await admin.disconnect();
  };
}
