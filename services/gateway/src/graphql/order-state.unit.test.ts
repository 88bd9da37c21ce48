import assert from 'node:assert/strict';
import { Fulfillment, OrderStatus } from '@punctual/contracts/grpc/order';
import { isTerminal, newsOf, type OrderState, progressOf } from './order-state.ts';

const at = new Date(0);
const { PENDING, PAID, COMPLETED, CANCELLED, REFUNDED } = OrderStatus;

function standing(status: OrderStatus, fulfillment: Fulfillment = Fulfillment.UNFULFILLED): OrderState {
  return { orderId: 5, status, fulfillment, reason: undefined, at };
}

describe('the state of an order that somebody follows', () => {
  it('only moves forward: what came before or is known already is no news', () => {
    const ranks = [[PENDING], [PAID], [COMPLETED, CANCELLED, REFUNDED]];
    for (const [from, froms] of ranks.entries()) {
      for (const [to, tos] of ranks.entries()) {
        for (const known of froms) {
          for (const status of tos) {
            assert.equal(progressOf(standing(known), { status, at }) !== undefined, to > from, `${known} to ${status}`);
          }
        }
      }
    }
  });

  it('moves on by its fulfilment while the status stays', () => {
    const shipped = { status: PAID, fulfillment: Fulfillment.SHIPPED, at };
    assert.equal(progressOf(standing(PAID, Fulfillment.CONFIRMED), shipped)?.fulfillment, Fulfillment.SHIPPED);
    assert.equal(progressOf(standing(PAID, Fulfillment.DELIVERED), shipped), undefined);
    assert.equal(progressOf(standing(COMPLETED, Fulfillment.CONFIRMED), shipped), undefined);
    assert.equal(
      progressOf(standing(PAID, Fulfillment.SHIPPED), { status: REFUNDED, at })?.fulfillment,
      Fulfillment.SHIPPED,
    );
  });

  it('ends where no state follows', () => {
    assert.deepEqual(
      [PENDING, PAID, COMPLETED, CANCELLED, REFUNDED].map((status) => isTerminal(standing(status))),
      [false, false, true, true, true],
    );
  });

  it('is read from the events', () => {
    const when = '2026-01-31T10:00:00.000Z';
    const data = { order_id: 5, user_id: 7 };
    assert.deepEqual(
      newsOf({ type: 'order.cancelled', data: { ...data, reason: 'OUT_OF_STOCK', cancelled_at: when } }),
      { status: CANCELLED, reason: 'OUT_OF_STOCK', at: new Date(when) },
    );
    assert.deepEqual(
      newsOf({ type: 'order.status_changed', data: { ...data, from: 'confirmed', to: 'shipped', changed_at: when } }),
      { status: PAID, fulfillment: Fulfillment.SHIPPED, at: new Date(when) },
    );
  });
});
