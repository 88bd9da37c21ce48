import type { FaultRecord, Poison } from '../types.ts';
import { invariant } from './breaking.ts';
import { changed, rowOf, without } from './healthy.ts';
import { checkMessages } from './i6-messages.ts';

function poisoned(...poison: Poison[]): { faults: FaultRecord[] } {
  return { faults: [{ name: 'poison', target: '', struckMs: 10, healedMs: 11, recoveredMs: 1, notes: { poison } }] };
}

function rabbitWiped(struckMs: number): FaultRecord {
  return { name: 'rabbit-wipe', target: 'rabbitmq', struckMs, healedMs: struckMs + 1, recoveredMs: 1, notes: {} };
}

const BAD_JSON: Poison = {
  kind: 'kafka',
  topicOrQueue: 'order',
  id: 'bad',
  consumers: ['product', 'payment-order'],
  reason: 'not JSON',
};
const ONE_MEGABYTE: Poison = { kind: 'rabbit', topicOrQueue: 'mail.jobs', marker: 'mark-7', reason: '1 MB' };

const letter = (consumer: string) => ({ consumer, eventId: 'bad', topic: 'order', reason: 'not JSON', text: '' });
const LETTERS = ['product', 'payment-order'].map(letter);
const RABBIT_LETTER = { queue: 'mail.jobs.dead', id: null, reason: 'too large', text: 'aaa mark-7 aaa' };

describe('I6, messages', () => {
  const { holds, caught } = invariant(checkMessages);

  holds('when each event was taken once by each consumer', undefined, { attempted: 33, acknowledged: 33 });
  holds('when records came again', ({ evidence }) => ({
    evidence: { events: [...evidence.events, ...evidence.events] },
  }));
  holds('when the dead letters are the poison', () => ({
    history: poisoned(BAD_JSON, ONE_MEGABYTE),
    evidence: { deadLetters: LETTERS, rabbitDeadLetters: [RABBIT_LETTER] },
  }));

  holds(
    'when dead letters of RabbitMQ went with its data, which are counted as unknown',
    () => ({
      history: { faults: [...poisoned(ONE_MEGABYTE).faults, rabbitWiped(20)] },
    }),
    { unknown: 1 },
  );

  holds('when several poisons share their marker', () => ({
    history: poisoned({ ...BAD_JSON, marker: 'mark-7' }, { ...BAD_JSON, id: 'worse', marker: 'mark-7' }),
    evidence: {
      deadLetters: ['bad', 'worse'].flatMap((eventId) => LETTERS.map((one) => ({ ...one, eventId, text: 'mark-7' }))),
    },
  }));

  caught(
    'a second effect of an event that came again',
    ({ evidence }) => {
      const entry = rowOf(evidence.timeline, { type: 'payment.failed' });
      return { evidence: { timeline: [...evidence.timeline, { ...entry, id: 901 }, { ...entry, id: 902 }] } };
    },
    { duplicated: 2 },
    /payment.failed of payment 3 \(event payment.failed\/5\) had an effect more than once: entries 502, 901, 902/,
  );
  caught(
    'an effect that never came, although the inbox remembers the event',
    ({ evidence }) => ({ evidence: { timeline: without(evidence.timeline, { type: 'payment.refunded' }) } }),
    { lost: 1 },
    /payment.refunded of payment 2 .* is not in the timeline/,
  );
  caught(
    'an event that a consumer never took',
    ({ evidence }) => ({
      evidence: { inbox: without(evidence.inbox, { consumer: 'product', eventId: 'order.cancelled/2' }) },
    }),
    { lost: 1 },
    /consumer product never took order.cancelled order.cancelled\/2/,
  );
  caught(
    'an effect of an event that is not on Kafka',
    ({ evidence }) => ({ evidence: { inbox: [...evidence.inbox, { consumer: 'product', eventId: 'ghost' }] } }),
    { unexpected: 1 },
    /consumer product acted on event ghost/,
  );
  caught(
    'a message left in an outbox',
    () => {
      const row = { service: 'order', transport: 'kafka', messageId: 'm-1', type: 'order.paid', subject: '1' };
      return { evidence: { outbox: [row] } };
    },
    { lost: 1 },
    /order.paid m-1 of 1 was left in order's outbox/,
  );
  caught(
    'poison that one of its consumers did not keep',
    () => ({ history: poisoned(BAD_JSON), evidence: { deadLetters: [letter('product')] } }),
    { lost: 1 },
    /poison bad \(not JSON\) in order was not kept by payment-order/,
  );
  caught(
    'poison that nobody kept',
    () => ({ history: poisoned(ONE_MEGABYTE) }),
    { lost: 1 },
    /poison mark-7 \(1 MB\) in mail.jobs was kept by nobody/,
  );
  caught(
    'poison that nobody kept, of RabbitMQ after its data went',
    () => ({ history: { faults: [rabbitWiped(1), ...poisoned(ONE_MEGABYTE).faults] } }),
    { lost: 1 },
    /kept by nobody/,
  );
  caught(
    "poison of Kafka that nobody kept, although RabbitMQ's data went",
    () => ({ history: { faults: [...poisoned(BAD_JSON).faults, rabbitWiped(20)] } }),
    { lost: 2 },
    /was not kept by product/,
  );
  caught(
    'poison that was kept twice',
    () => ({ history: poisoned(BAD_JSON), evidence: { deadLetters: [...LETTERS, letter('product')] } }),
    { duplicated: 1 },
    /was kept 2 times by product/,
  );
  caught(
    'dead letters that are no poison',
    ({ evidence }) => ({
      evidence: {
        deadLetters: [{ ...letter('product'), eventId: 'order.created/1' }],
        rabbitDeadLetters: [RABBIT_LETTER],
        inbox: changed(evidence.inbox, { consumer: 'product', eventId: 'order.created/1' }, {}),
      },
    }),
    { unexpected: 2 },
    /order.created\/1 of product[\s\S]*null in mail.jobs.dead/,
  );
});
