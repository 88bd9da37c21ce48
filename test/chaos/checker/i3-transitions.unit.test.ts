import { invariant } from './breaking.ts';
import { changed, rowOf, without } from './healthy.ts';
import { checkTransitions } from './i3-transitions.ts';

describe('I3, the steps of orders', () => {
  const { holds, caught } = invariant(checkTransitions);

  holds('when timelines, states and events agree', undefined, { attempted: 5, acknowledged: 11 });
  holds('when the same event was delivered three times', ({ evidence }) => {
    const event = rowOf(evidence.events, { id: 'order.paid/1' });
    const again = [1_001, 1_002].map((offset) => ({ ...event, offset }));
    return { evidence: { events: [...evidence.events, ...again] } };
  });

  holds('when a fault held order.created back', ({ evidence }) => {
    const created = rowOf(evidence.events, { id: 'order.created/2' });
    const notes = { reordered: ['order.created'] };
    const fault = {
      name: 'cancelled-before-created',
      target: 'order',
      struckMs: 0,
      healedMs: 1,
      recoveredMs: 1,
      notes,
    };
    return {
      history: { faults: [fault] },
      evidence: { events: [...without(evidence.events, { id: 'order.created/2' }), created] },
    };
  });

  caught(
    'a step out of an end',
    ({ evidence }) => {
      const paid = {
        ...rowOf(evidence.timeline, { orderId: 1, type: 'order.paid' }),
        id: 299,
        orderId: 2,
        from: 'CANCELLED',
      };
      const event = { ...rowOf(evidence.events, { id: 'order.paid/1' }), id: 'order.paid/2', offset: 99 };
      return {
        evidence: {
          timeline: [...evidence.timeline, paid],
          events: [...evidence.events, { ...event, data: { ...event.data, order_id: 2 } }],
          orders: changed(evidence.orders, { id: 2 }, { status: 'PAID' }),
          timers: changed(evidence.timers, { orderId: 2, kind: 'expiry' }, { state: 'waiting' }),
        },
      };
    },
    { unexpected: 1 },
    /order 2: entry 299 goes from CANCELLED to PAID, it was CANCELLED/,
  );
  caught(
    'a state that the timeline does not explain',
    ({ evidence }) => ({ evidence: { orders: changed(evidence.orders, { id: 2 }, { status: 'COMPLETED' }) } }),
    { unexpected: 1 },
    /order 2 is COMPLETED, its timeline ends with CANCELLED/,
  );
  caught(
    'a step that was never told',
    ({ evidence }) => ({ evidence: { events: without(evidence.events, { id: 'order.completed/1' }) } }),
    { lost: 1 },
    /order 1: order.completed happened and was never told/,
  );
  caught(
    'a step that was told twice, as two events',
    ({ evidence }) => {
      const event = rowOf(evidence.events, { id: 'order.cancelled/2' });
      return { evidence: { events: [...evidence.events, { ...event, id: 'another', offset: 99 }] } };
    },
    { duplicated: 1 },
    /order 2: order.cancelled happened once and was told as .*order.cancelled another/,
  );
  caught(
    'an event of something that never happened',
    ({ evidence }) => {
      const event = { ...rowOf(evidence.events, { id: 'order.cancelled/2' }), id: 'invented', offset: 99 };
      return { evidence: { events: [...evidence.events, { ...event, data: { ...event.data, order_id: 5 } }] } };
    },
    { unexpected: 1 },
    /order 5: told what never happened: .*order.cancelled invented/,
  );
  caught(
    'events of an order that was rolled back',
    ({ evidence }) => {
      const event = { ...rowOf(evidence.events, { id: 'order.created/1' }), id: 'ghost', offset: 99 };
      return { evidence: { events: [...evidence.events, { ...event, data: { ...event.data, order_id: 6 } }] } };
    },
    { unexpected: 1 },
    /order 6, which does not exist: order.created ghost/,
  );
  caught(
    'events in the wrong order',
    ({ evidence }) => {
      const paid = rowOf(evidence.events, { id: 'order.paid/1' });
      return { evidence: { events: [paid, ...without(evidence.events, { id: 'order.paid/1' })] } };
    },
    { unexpected: 1 },
    /order 1: events out of order/,
  );
  caught(
    'an order that nothing will ever end',
    ({ evidence }) => ({ evidence: { timers: without(evidence.timers, { orderId: 5, kind: 'expiry' }) } }),
    { lost: 1 },
    /order 5 is PENDING and no timer will end it/,
  );
  caught(
    'an order that never hears of its stock',
    ({ evidence }) => ({ evidence: { orders: changed(evidence.orders, { id: 5 }, { stock: 'pending' }) } }),
    { lost: 1 },
    /order 5 is PENDING and still knows nothing of its stock/,
  );
});
