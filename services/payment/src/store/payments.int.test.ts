import assert from 'node:assert/strict';
import { createDatabase, type Database, execute, migrateDown, migrateUp, one } from '@punctual/postgres';
import { silentLogger } from '@punctual/telemetry';
import { testDatabase } from '@punctual/testing';
import { paymentMigrations } from './migrations.ts';
import { findLatestOfOrders, findPaymentOfProvider, insertPayment } from './payments.ts';

const SETTLED = 5_000;
/** Rows of `payments` that finding one may read, by index or not. */
const READ_AT_MOST = 5;

describe('a new payment in the database', () => {
  let database: Awaited<ReturnType<typeof testDatabase>>;
  let db: Database;

  before(async () => {
    database = await testDatabase('payment_store');
    db = createDatabase({
      primaryUrl: database.primaryUrl,
      applicationName: 'payment-store-test',
      logger: silentLogger(),
    });
    await migrateUp(db, paymentMigrations);
  });
  after(async () => {
    await db.close();
    await database.drop();
  });

  function insert(orderId: number) {
    const payment = { orderId, userId: 1, amountMinor: 1_990, currency: 'USD', last4: '4242' };
    return db.transaction((tx) => insertPayment(tx, { ...payment, provider: 'sandbox', providerToken: 'token' }));
  }

  it('is the only live one of its order, however many ask at a time', async () => {
    const inserted = await Promise.all(Array.from({ length: 8 }, () => insert(1)));
    assert.equal(inserted.filter((payment) => payment !== undefined).length, 1);
  });

  it('is the one that is shown of its order, to whom it belongs, whatever failed before', async () => {
    for (const orderId of [11, 12]) {
      await insert(orderId);
      await execute(
        db.primary,
        `UPDATE payments SET status = 'failed', failure = 'CARD_DECLINED' WHERE order_id = :orderId`,
        {
          orderId,
        },
      );
    }
    const latest = await insert(11);
    const shown = async (userId: number | 'any') =>
      (await findLatestOfOrders(db.primary, [11, 12, 11, 13], { userId })).map(
        ({ orderId, status }) => `${orderId} ${status}`,
      );
    assert.deepEqual((await shown('any')).sort(), ['11 pending', '12 failed']);
    assert.deepEqual(
      (await findLatestOfOrders(db.primary, [11], { userId: 1 })).map(({ id }) => id),
      [latest?.id],
    );
    assert.deepEqual(await shown(2), []);
    assert.deepEqual(await findLatestOfOrders(db.primary, [], { userId: 'any' }), []);
  });

  it('is so as well before the migration that changed what is live', async () => {
    await migrateDown(db, paymentMigrations, { steps: 2 });
    try {
      assert.equal((await insert(2))?.orderId, 2);
      assert.equal(await insert(2), undefined);
    } finally {
      await migrateUp(db, paymentMigrations);
    }
  });

  it("is found for a provider's event by two indexes, however many others there are", async () => {
    await execute(
      db.primary,
      `INSERT INTO payments (order_id, user_id, amount_minor, currency, status, last4, provider, provider_token,
                             provider_reference, captured_at, created_at, updated_at)
       SELECT 1000 + n, 1, 1990, 'USD', 'succeeded', '4242', 'sandbox', 'token', 'ch_' || n, now(), now(), now()
       FROM generate_series(1, ${SETTLED}) n`,
    );
    await execute(db.primary, 'ANALYZE payments');
    const known = await findPaymentOfProvider(db.primary, 'sandbox', { providerReference: 'ch_42' });
    assert.ok(known);
    const read = await db.transaction(async (tx) => {
      const rowsRead = async () => {
        const row = await one<{ total: number }>(
          tx,
          `SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) AS total FROM pg_stat_xact_user_tables WHERE relname = 'payments'`,
        );
        return row?.total ?? 0;
      };
      const before = await rowsRead();
      for (const about of [{ providerReference: 'ch_42' }, { idempotencyKey: known.idempotencyKey }]) {
        assert.deepEqual(await findPaymentOfProvider(tx, 'sandbox', about), known);
        assert.equal(await findPaymentOfProvider(tx, 'another', about), undefined);
      }
      assert.equal(await findPaymentOfProvider(tx, 'sandbox', { idempotencyKey: 'no UUID' }), undefined);
      assert.equal(await findPaymentOfProvider(tx, 'sandbox', { providerReference: 'ch_0' }), undefined);
      return (await rowsRead()) - before;
    });
    assert.ok(read <= READ_AT_MOST, `${read} rows read`);
  });
});
