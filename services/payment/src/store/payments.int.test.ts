import assert from 'node:assert/strict';
import { createDatabase, type Database, migrateDown, migrateUp } from '@punctual/postgres';
import { silentLogger } from '@punctual/telemetry';
import { testDatabase } from '@punctual/testing';
import { paymentMigrations } from './migrations.ts';
import { insertPayment } from './payments.ts';

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
