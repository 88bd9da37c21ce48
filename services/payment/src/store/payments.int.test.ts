import assert from 'node:assert/strict';
import { createDatabase, type Database, execute, migrateDown, migrateUp } from '@punctual/postgres';
import { silentLogger } from '@punctual/telemetry';
import { testDatabase } from '@punctual/testing';
import { paymentMigrations } from './migrations.ts';
import { findLatestOfOrders, insertPayment } from './payments.ts';

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
    await migrateDown(db, paymentMigrations, { steps: 1 });
    try {
      assert.equal((await insert(2))?.orderId, 2);
      assert.equal(await insert(2), undefined);
    } finally {
      await migrateUp(db, paymentMigrations);
    }
  });
});
