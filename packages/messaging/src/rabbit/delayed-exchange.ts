/**
 * A delayed exchange: publish with a due time, and the message comes out of the topic exchange `NAME.due`, under the same
 * routing key, when it is due. Two strategies behind the one name; neither is seen by publishers or consumers.
 *
 * plugin  `NAME` is an x-delayed-message exchange in front of `NAME.due`; the broker keeps the message for `x-delay`
 *         milliseconds, at most 2^32-1 (it delivers at once what asks for more), so a longer delay takes several hops.
 *         Messages wait on one node, unreplicated, and `mandatory` cannot be asked for: at publish time the plugin
 *         routes nowhere.
 * ttl     one fanout exchange and one quorum queue `NAME.delay.<ms>` per rung (see rungs.ts). The queue has a TTL for all
 *         its messages and is consumed by nobody; what expires is dead-lettered, at least once, into `NAME.due`. The
 *         fanout exchange in front keeps the message's routing key, which a queue name would replace.
 *         At-least-once dead-lettering needs x-overflow reject-publish, RabbitMQ 3.10 and its feature flag stream_queue.
 * auto    plugin where the broker has it, else ttl; asked anew at every connect.
 *
 * The header x-due-at carries the due time in ms since 1970. Every hop is computed from it, so lateness does not add up.
 */
import type { Channel } from 'amqplib';
import { type DelayedExchangeSpec, dueExchange } from '../topology.ts';
import { pickRung, rungsOf } from './rungs.ts';

export type ResolvedStrategy = 'plugin' | 'ttl';

/** Where to publish a message now so that it comes out of `NAME.due` when due, or nearer to it. */
export type DelayedRoute = {
  readonly exchange: string;
  /** False where the broker cannot tell: then a confirm is all there is. */
  readonly mandatory: boolean;
  readonly headers: Readonly<Record<string, number>>;
};

const MAX_PLUGIN_DELAY_MS = 2 ** 32 - 1;

export async function declareDelayedExchange(
  channel: Channel,
  spec: DelayedExchangeSpec,
  strategy: ResolvedStrategy,
): Promise<void> {
  const due = dueExchange(spec.name);
  await channel.assertExchange(due, 'topic', { durable: true });
  if (strategy === 'plugin') {
    await channel.assertExchange(spec.name, 'x-delayed-message', {
      durable: true,
      arguments: { 'x-delayed-type': 'topic' },
    });
    await channel.bindExchange(due, spec.name, '#');
    return;
  }
  for (const rungMs of rungsOf(spec)) {
    const rung = rungName(spec.name, rungMs);
    await channel.assertExchange(rung, 'fanout', { durable: true });
    await channel.assertQueue(rung, {
      durable: true,
      arguments: {
        'x-queue-type': 'quorum',
        'x-message-ttl': rungMs,
        'x-dead-letter-exchange': due,
        'x-dead-letter-strategy': 'at-least-once',
        'x-overflow': 'reject-publish',
      },
    });
    await channel.bindQueue(rung, rung, '');
  }
}

export function delayedRoute(
  spec: DelayedExchangeSpec,
  strategy: ResolvedStrategy,
  { dueAtMs, nowMs }: { dueAtMs: number; nowMs: number },
): DelayedRoute {
  const remainingMs = Math.ceil(dueAtMs - nowMs);
  if (remainingMs <= 0) return { exchange: dueExchange(spec.name), mandatory: true, headers: {} };
  if (strategy === 'plugin') {
    const headers = { 'x-delay': Math.min(remainingMs, MAX_PLUGIN_DELAY_MS) };
    return { exchange: spec.name, mandatory: false, headers };
  }
  const rungMs = pickRung(remainingMs, rungsOf(spec));
  const exchange = rungMs === undefined ? dueExchange(spec.name) : rungName(spec.name, rungMs);
  return { exchange, mandatory: true, headers: {} };
}

function rungName(name: string, rungMs: number): string {
  return `${name}.delay.${rungMs}`;
}
