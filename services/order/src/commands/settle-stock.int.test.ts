import assert from 'node:assert/strict';
import { LAMP_ID, type OrderDatabase, openOrderDatabase } from '../../test/order-database.ts';
import { type StockAnswer, settleStock } from './settle-stock.ts';

const AT = '2026-01-31T09:00:00.000Z';
const reserved = (orderId: number, levels: StockAnswer['data']['levels'] = []): StockAnswer => ({
  type: 'stock.reserved',
  data: { order_id: orderId, levels, reserved_at: AT },
});
const rejected = (orderId: number): StockAnswer => ({
  type: 'stock.rejected',
  data: { order_id: orderId, missing: [], levels: [], rejected_at: AT },
});

describe("settling product's answers", () => {
  let data: OrderDatabase;
  before(async () => {
    data = await openOrderDatabase('settle-stock');
  });
  after(() => data.close());

  const settle = (answers: readonly StockAnswer[]) => data.db.transaction((tx) => settleStock(tx, answers));

  it('takes a burst of 500 with a handful of statements', async () => {
    const ids = [];
    for (let index = 0; index < 500; index += 1) ids.push(await data.place());
    let statements = 0;
    data.db.primary.on('query', () => {
      statements += 1;
    });
    await settle(ids.map((id) => reserved(id)));
    data.db.primary.removeAllListeners('query');
    assert.ok(statements <= 8, `${statements} statements`);
    const states = await data.query<{ stock: string; total: number }>(
      'SELECT stock, count(*) AS total FROM orders GROUP BY stock',
    );
    assert.deepEqual(states, [{ stock: 'reserved', total: 500 }]);
    const mails = await data.query(`SELECT 1 FROM outbox WHERE type = 'mail.order-confirmation'`);
    assert.equal(mails.length, 500);
  });

  it('lets the first answer count, in whatever batch the second comes', async () => {
    const [kept, lost] = [await data.place(), await data.place()];
    await settle([reserved(kept), rejected(kept), rejected(lost), reserved(lost), reserved(999_999)]);
    await settle([rejected(kept), reserved(lost)]);
    const states = await data.query<{ id: number; status: string; stock: string }>(
      'SELECT id, status, stock FROM orders WHERE id IN (:kept, :lost) ORDER BY id',
      { kept, lost },
    );
    assert.deepEqual(states, [
      { id: kept, status: 'PENDING', stock: 'reserved' },
      { id: lost, status: 'CANCELLED', stock: 'rejected' },
    ]);
    const waiting = await data.query(`SELECT 1 FROM order_timers WHERE order_id = :lost AND state = 'waiting'`, {
      lost,
    });
    assert.equal(waiting.length, 0);
  });

  it('keeps the newest stock level of a product', async () => {
    const level = (available: number, stock_version: number) => ({ product_id: LAMP_ID, available, stock_version });
    await settle([reserved(1, [level(70, 12)]), reserved(2, [level(90, 10)])]);
    await settle([reserved(3, [level(80, 11)])]);
    const [lamp] = await data.query('SELECT name, available, stock_version FROM products WHERE product_id = :id', {
      id: LAMP_ID,
    });
    assert.deepEqual(lamp, { name: 'Lamp', available: 70, stock_version: 12 });
  });
});
