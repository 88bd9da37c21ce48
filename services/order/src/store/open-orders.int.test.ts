import assert from 'node:assert/strict';
import { one } from '@punctual/postgres';
import { DAY, type OrderDatabase, openOrderDatabase, orderRequest } from '../../test/order-database.ts';
import { type OrderRequest, placeOrders } from './place-orders.ts';

const MAX_OPEN = 3;
const SETTLED = 2_000;
/** Rows of `orders` that placing one order may read, by index or not. */
const READ_AT_MOST = 5;

describe('the cap on open orders', () => {
  let data: OrderDatabase;
  let lastUserId = 0;
  before(async () => {
    data = await openOrderDatabase('open-orders');
  });
  after(() => data.close());

  const rules = { ...DAY, maxOpen: MAX_OPEN };
  const place = (requests: readonly OrderRequest[]) => placeOrders(data.db.primary, requests, rules);
  const newUser = () => ({ userId: ++lastUserId });
  const orders = (count: number, user: { userId: number }) => Array.from({ length: count }, () => orderRequest(user));
  const outcomesOf = async (requests: readonly OrderRequest[]) => (await place(requests)).map(({ outcome }) => outcome);

  it('holds within a batch, order by order, and does not touch other users', async () => {
    const [ann, bob] = [newUser(), newUser()];
    const outcomes = await place([...orders(5, ann), ...orders(1, bob)]);
    assert.deepEqual(
      outcomes.map(({ outcome }) => outcome),
      ['created', 'created', 'created', 'too_many_open', 'too_many_open', 'created'],
    );
    const [, , , refused] = outcomes;
    assert.deepEqual(refused && 'openOrders' in refused && refused.openOrders, { open: MAX_OPEN, limit: MAX_OPEN });
    const stored = await data.query('SELECT id FROM orders WHERE user_id = :userId', ann);
    assert.equal(stored.length, MAX_OPEN);
  });

  it('counts unpaid orders alone: what is paid or has ended makes room', async () => {
    const ann = newUser();
    await place(orders(MAX_OPEN, ann));
    assert.deepEqual(await outcomesOf(orders(1, ann)), ['too_many_open']);
    for (const status of ['PAID', 'CANCELLED']) {
      await data.query(
        `UPDATE orders SET status = :status
         WHERE id = (SELECT min(id) FROM orders WHERE user_id = :userId AND status = 'PENDING')`,
        { status, ...ann },
      );
    }
    assert.deepEqual(await outcomesOf(orders(3, ann)), ['created', 'created', 'too_many_open']);
  });

  it('answers a replay all the same, which takes no place from a new order', async () => {
    const ann = newUser();
    const [first, second, third, fourth] = orders(4, ann);
    assert.ok(first && second && third && fourth);
    assert.deepEqual(await outcomesOf([first, second]), ['created', 'created']);
    assert.deepEqual(await outcomesOf([first, second, third]), ['replayed', 'replayed', 'created']);
    assert.deepEqual(await outcomesOf([first, fourth, { ...second, hash: 'bb' }]), [
      'replayed',
      'too_many_open',
      'reused',
    ]);
  });

  it('refuses twins of one request alike', async () => {
    const ann = newUser();
    await place(orders(MAX_OPEN, ann));
    const twin = orderRequest(ann);
    assert.deepEqual(await outcomesOf([twin, twin, { ...twin, hash: 'bb' }]), Array(3).fill('too_many_open'));
  });

  it('tells how many there are when the cap was higher before', async () => {
    const ann = newUser();
    await placeOrders(data.db.primary, orders(5, ann), DAY);
    const [refused] = await place(orders(1, ann));
    assert.deepEqual(refused, { outcome: 'too_many_open', openOrders: { open: 5, limit: MAX_OPEN } });
  });

  it('holds exactly for batches in parallel, which never wait for each other in a circle', async () => {
    for (let round = 0; round < 5; round += 1) {
      const users = Array.from({ length: 8 }, newUser);
      const batches = Array.from({ length: 8 }, (_, index) =>
        (index % 2 === 0 ? users : users.toReversed()).flatMap((user) => orders(2, user)),
      );
      const outcomes = (await Promise.all(batches.map(outcomesOf))).flat();
      assert.equal(outcomes.filter((outcome) => outcome === 'created').length, users.length * MAX_OPEN);
    }
  });

  it('is counted from an index of open orders, however many a user has had', async () => {
    const ann = newUser();
    await data.query(
      `INSERT INTO orders (user_id, customer_email, request_id, request_hash, status, stock, fulfillment, description,
                           shipping_address, notes, total_minor, currency, created_at, updated_at, expires_at)
       SELECT :userId, '', 'old-' || n, '', 'COMPLETED', 'reserved', 'delivered', '', '', '', 1, 'USD', now(), now(), now()
       FROM generate_series(1, ${SETTLED}) n`,
      ann,
    );
    const read = await data.db.transaction(async (tx) => {
      const rowsRead = async () => {
        const row = await one<{ total: number }>(
          tx,
          `SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) AS total FROM pg_stat_xact_user_tables WHERE relname = 'orders'`,
        );
        return row?.total ?? 0;
      };
      const before = await rowsRead();
      assert.equal((await placeOrders(tx, orders(1, ann), rules))[0]?.outcome, 'created');
      return (await rowsRead()) - before;
    });
    assert.ok(read <= READ_AT_MOST, `${read} rows read`);
    const plan = await data.db.transaction(async (tx) => {
      await tx.raw('SET LOCAL enable_seqscan = off');
      const lines = await tx.raw<{ rows: Record<string, string>[] }>(
        `EXPLAIN SELECT count(*) FROM orders WHERE user_id = 1 AND status = 'PENDING'`,
      );
      return lines.rows.map((line) => line['QUERY PLAN']).join('\n');
    });
    assert.match(plan, /using orders_open/);
  });
});
