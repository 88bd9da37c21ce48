import type { History, Poison, Verdict } from '../types.ts';
import { poisonOf, shopEvents } from './event-stream.ts';
import type { DeadLetterRow, Evidence, RabbitDeadLetter } from './evidence.ts';
import { createTally, type Tally } from './tally.ts';

const CLAIM =
  'Each event has its effect once in each consumer, nothing is left in an outbox, and the dead letters are exactly the poison.';

/** Which events each consumer acts on. */
const CONSUMERS: Readonly<Record<string, readonly string[]>> = {
  product: ['order.created', 'order.cancelled', 'order.refunded', 'order.completed'],
  'payment-order': ['order.created', 'order.paid', 'order.completed', 'order.cancelled', 'order.refunded'],
  'order-stock': ['stock.reserved', 'stock.rejected', 'stock.released'],
  'order-payment': ['payment.success', 'payment.failed', 'payment.refunded'],
  'order-product': ['product.created', 'product.updated', 'product.deleted'],
};

/** attempted: (consumer, event) pairs; acknowledged: those that an inbox remembers. */
export function checkMessages(history: Pick<History, 'faults'>, evidence: Evidence): Verdict {
  const tally = createTally('I6', CLAIM);
  checkInboxes(tally, history, evidence);
  checkTimelineEffects(tally, history, evidence);
  for (const { service, transport, type, messageId, subject } of evidence.outbox) {
    tally.lost(`${type} ${messageId} of ${subject} was left in ${service}'s outbox for ${transport}`);
  }
  checkDeadLetters(tally, history, evidence);
  return tally.verdict();
}

function checkInboxes(tally: Tally, history: Pick<History, 'faults'>, evidence: Evidence): void {
  const remembered = new Set<string>();
  for (const { consumer, eventId } of evidence.inbox) remembered.add(`${consumer}/${eventId}`);
  const buried = new Set(evidence.deadLetters.map(({ consumer, eventId }) => `${consumer}/${eventId}`));
  const expected = new Set<string>();
  for (const { id, type } of shopEvents(history, evidence)) {
    for (const [consumer, types] of Object.entries(CONSUMERS)) {
      if (!types.includes(type)) continue;
      const pair = `${consumer}/${id}`;
      expected.add(pair);
      tally.attempted();
      if (remembered.has(pair)) tally.acknowledged();
      else if (!buried.has(pair)) tally.lost(`consumer ${consumer} never took ${type} ${id}`);
    }
  }
  const invented = new Set(poisonOf(history).map(({ id }) => id));
  for (const { consumer, eventId } of evidence.inbox) {
    if (consumer in CONSUMERS && !expected.has(`${consumer}/${eventId}`) && !invented.has(eventId)) {
      tally.unexpected(`consumer ${consumer} acted on event ${eventId}, which is not on Kafka`);
    }
  }
}

/**
 * Most effects go by state, so a second one would change nothing that can be seen. What is written down for each event is
 * the timeline's line for a payment that failed or was given back: there a second effect shows.
 */
function checkTimelineEffects(tally: Tally, history: Pick<History, 'faults'>, evidence: Evidence): void {
  const lineOf = (type: string, paymentId: unknown): string => `${type} of payment ${String(paymentId)}`;
  const told = shopEvents(history, evidence).filter(({ type }) => /^payment\.(failed|refunded)$/.test(type));
  const due = Map.groupBy(told, ({ type, data }) => lineOf(type, data.payment_id));
  const written = Map.groupBy(
    evidence.timeline.filter(({ type }) => /^payment\.(failed|refunded)$/.test(type)),
    ({ type, detail }) => lineOf(type, detail.payment_id),
  );
  const orders = new Set(evidence.orders.map(({ id }) => id));
  for (const [line, events] of due) {
    if (!orders.has(Number(events[0]?.data.order_id))) continue;
    const entries = written.get(line) ?? [];
    const ids = entries.map(({ id }) => id).join(', ');
    if (entries.length < events.length) tally.lost(`${line} (event ${events[0]?.id}) is not in the timeline`);
    if (entries.length > events.length) {
      const more = entries.length - events.length;
      tally.duplicated(`${line} (event ${events[0]?.id}) had an effect more than once: entries ${ids}`, more);
    }
  }
  for (const [line, entries] of written) {
    if (!due.has(line)) tally.unexpected(`${line} is in the timeline as entry ${entries[0]?.id} and was never told`);
  }
}

type Letter = { readonly consumer: string; readonly shown: string; matches(poison: Poison): boolean };

function checkDeadLetters(tally: Tally, history: Pick<History, 'faults'>, evidence: Evidence): void {
  const poison = poisonOf(history);
  const wiped = wipedWithRabbit(history);
  const letters = [...evidence.deadLetters.map(kafkaLetter), ...evidence.rabbitDeadLetters.map(rabbitLetter)];
  for (const letter of letters) {
    if (!poison.some((one) => letter.matches(one))) tally.unexpected(`${letter.shown} is a dead letter and no poison`);
  }
  for (const one of poison) {
    const shown = `poison ${one.id ?? one.marker} (${one.reason}) in ${one.topicOrQueue}`;
    const found = Map.groupBy(
      letters.filter((letter) => letter.matches(one)),
      ({ consumer }) => consumer,
    );
    for (const [consumer, own] of found) {
      if (own.length > 1) tally.duplicated(`${shown} was kept ${own.length} times by ${consumer}`, own.length - 1);
    }
    if (wiped.has(one) && found.size === 0) {
      tally.unknown();
      continue;
    }
    if (one.consumers === undefined && found.size === 0) tally.lost(`${shown} was kept by nobody`);
    for (const consumer of one.consumers ?? []) {
      if (!found.has(consumer)) tally.lost(`${shown} was not kept by ${consumer}`);
    }
  }
}

/**
 * RabbitMQ's dead letters are queues of its own, so they go with its data: of poison that was there before, nobody can say
 * what became of it. Nothing of the shop is in them only; Kafka's are rows in the consumers' databases.
 */
function wipedWithRabbit({ faults }: Pick<History, 'faults'>): ReadonlySet<Poison> {
  const lastWipeMs = Math.max(...faults.flatMap(({ name, healedMs }) => (name === 'rabbit-wipe' ? [healedMs] : [])));
  const before = faults.filter(({ struckMs }) => struckMs < lastWipeMs);
  return new Set(poisonOf({ faults: before }).filter(({ kind }) => kind === 'rabbit'));
}

function kafkaLetter({ consumer, eventId, topic, reason, text }: DeadLetterRow): Letter {
  return {
    consumer,
    shown: `${topic} ${eventId} of ${consumer} (${reason.slice(0, 120)})`,
    matches: (poison) => poison.kind === 'kafka' && poison.topicOrQueue === topic && isThis(poison, eventId, text),
  };
}

/** The queue of the dead letters is told by the queue that the message was in, or by its own name. */
function rabbitLetter({ queue, id, reason, text }: RabbitDeadLetter): Letter {
  const source = queue === 'mail.jobs.dead' ? 'mail.jobs' : 'order.timers.due';
  const consumer = queue === 'mail.jobs.dead' ? 'mail' : 'order-timers';
  return {
    consumer,
    shown: `${id} in ${queue} (${reason.slice(0, 120)})`,
    matches: (poison) =>
      poison.kind === 'rabbit' && [source, queue].includes(poison.topicOrQueue) && isThis(poison, id, text),
  };
}

/** Poison of one strike may share its marker, so that tells only where an id is missing. */
function isThis({ id, marker }: Poison, foundId: string | null, text: string): boolean {
  if (id !== undefined && foundId !== null) return id === foundId;
  return marker !== undefined && text.includes(marker);
}
