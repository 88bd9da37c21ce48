import { randomUUID } from 'node:crypto';
import { createDatabase, type Database, rows } from '@punctual/postgres';
import { silentLogger } from '@punctual/telemetry';
import { testDatabase } from '@punctual/testing';
import { orderMigrations } from '../src/store/migrations/index.ts';
import { type OrderRequest, type PlacingRules, placeOrders } from '../src/store/place-orders.ts';

const HOUR_MS = 3_600_000;

export const DAY: PlacingRules = {
  remindersMs: [4 * HOUR_MS, 12 * HOUR_MS, 22 * HOUR_MS],
  expiryMs: 24 * HOUR_MS,
  maxOpen: null,
};
export const LAMP_ID = 1;
export const RUG_ID = 2;
export const EURO_ID = 3;
export const GONE_ID = 4;

export type OrderDatabase = Awaited<ReturnType<typeof openOrderDatabase>>;

/** A migrated database with a small catalog in the projection: a lamp for 25.00, three rugs for 99.99, and odd ones. */
export async function openOrderDatabase(label: string, { poolMax = 10 }: { poolMax?: number } = {}) {
  const database = await testDatabase(label, orderMigrations);
  const db = createDatabase({
    primaryUrl: database.primaryUrl,
    applicationName: 'test',
    logger: silentLogger(),
    poolMax,
  });
  await rows(
    db.primary,
    `INSERT INTO products (product_id, version, name, price_minor, currency, deleted, available, stock_version) VALUES
       (${LAMP_ID}, 1, 'Lamp', 2500, 'USD', false, 1000000, 1), (${RUG_ID}, 1, 'Rug', 9999, 'USD', false, 3, 1),
       (${EURO_ID}, 1, 'Vase', 1000, 'EUR', false, 10, 1), (${GONE_ID}, 2, '', 0, '', true, 0, 1)`,
  );
  return {
    db,
    query: <T>(sql: string, bindings: Record<string, number | string> = {}) => rows<T>(db.primary, sql, bindings),
    /** Places an order of one lamp; returns its id. */
    async place(fields: Partial<OrderRequest> = {}, rules: PlacingRules = DAY): Promise<number> {
      const [placed] = await placeOrders(db.primary, [orderRequest(fields)], rules);
      if (placed?.outcome !== 'created') throw new Error(`the order was ${placed?.outcome}`);
      return placed.facts.id;
    },
    /** As if the orders had been placed so many hours ago. */
    async age(hours: number): Promise<void> {
      const earlier = `interval '${hours} hours'`;
      await rows(db.primary, `UPDATE order_timers SET due_at = due_at - ${earlier}`);
      await rows(
        db.primary,
        `UPDATE orders SET created_at = created_at - ${earlier}, expires_at = expires_at - ${earlier}`,
      );
    },
    async close(): Promise<void> {
      await closeAll(db, database);
    },
  };
}

export function orderRequest(fields: Partial<OrderRequest> = {}): OrderRequest {
  return {
    userId: 1,
    email: 'ann@punctual.test',
    requestId: randomUUID(),
    hash: 'aa',
    description: '',
    shippingAddress: '1 Test Street',
    notes: '',
    traceparent: undefined,
    items: [{ productId: LAMP_ID, quantity: 1, seenPriceMinor: undefined }],
    ...fields,
  };
}

async function closeAll(db: Database, database: { drop(): Promise<void> }): Promise<void> {
  await db.close();
  await database.drop();
}
