import assert from 'node:assert/strict';
import { type OrderDatabase, openOrderDatabase } from '../../test/order-database.ts';
import { addHistory, historyOf } from './history.ts';

describe('the history of an order', () => {
  let data: OrderDatabase;
  before(async () => {
    data = await openOrderDatabase('history');
  });
  after(() => data.close());

  it('stands in the order of the decisions, also when the later one began earlier and waited for its turn', async () => {
    const orderId = await data.place();
    const beganMs = Date.now();
    await data.db.transaction((tx) =>
      addHistory(tx, [{ orderId, at: new Date(beganMs + 500), type: 'order.paid', actor: 'payment' }]),
    );
    await data.db.transaction((tx) =>
      addHistory(tx, [{ orderId, at: new Date(beganMs), type: 'payment.failed', actor: 'payment' }]),
    );
    const types = (await historyOf(data.db.primary, orderId)).map(({ type }) => type);
    assert.deepEqual(types, ['order.created', 'order.paid', 'payment.failed']);
  });
});
