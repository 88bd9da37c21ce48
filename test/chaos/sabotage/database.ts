import { Client } from 'pg';
import { replaceOnce } from './replace.ts';
import type { Replacement, SabotageWorld } from './sabotage.ts';

/**
 * How orders are placed without the unique constraint: a look whether the order is there already, and then an insert. Only the
 * Redis lock keeps twins from looking at the same time.
 */
export const PLACE_ORDERS: readonly Replacement[] = [
  {
    file: 'services/order/src/store/migrations/0003-open-orders.ts',
    find: '      SELECT DISTINCT ON (r.user_id, r.request_id) r.*, v.total_minor, v.currency',
    replace: '      SELECT r.*, v.total_minor, v.currency',
  },
  {
    file: 'services/order/src/store/migrations/0003-open-orders.ts',
    find: '      FROM chosen c LEFT JOIN too_many t USING (user_id, request_id)\n      WHERE t.open IS NULL',
    replace: `      FROM chosen c LEFT JOIN too_many t USING (user_id, request_id)
      WHERE t.open IS NULL AND NOT EXISTS (
        SELECT 1 FROM orders WHERE orders.user_id = c.user_id AND orders.request_id = c.request_id)`,
  },
  {
    file: 'services/order/src/store/migrations/0003-open-orders.ts',
    find: '      ON CONFLICT (user_id, request_id) DO NOTHING\n',
    replace: '',
  },
];

export function placeOrdersWithoutConstraint({ settings }: SabotageWorld): Promise<void> {
  return inDatabase(settings, 'order', async (client) => {
    const { rows } = await client.query<{ definition: string }>(
      `SELECT pg_get_functiondef('place_orders(json, bigint[], bigint, integer)'::regprocedure) AS definition`,
    );
    const definition = rows[0]?.definition ?? '';
    await client.query('ALTER TABLE orders DROP CONSTRAINT orders_user_request');
    // What the constraint's index was also for: finding the orders of one request.
    await client.query('CREATE INDEX orders_user_request ON orders (user_id, request_id)');
    await client.query(PLACE_ORDERS.reduce(replaceOnce, definition));
  });
}

export function letStockFallBelowZero({ settings }: SabotageWorld): Promise<void> {
  return inDatabase(settings, 'product', async (client) => {
    await client.query('ALTER TABLE stock DROP CONSTRAINT stock_available_check');
  });
}

async function inDatabase(
  settings: SabotageWorld['settings'],
  service: string,
  work: (client: Client) => Promise<void>,
): Promise<void> {
  const url = new URL(settings.POSTGRES_ADMIN_URL);
  url.pathname = `/${settings.DATABASE_PREFIX}_${service}`;
  const client = new Client({ connectionString: url.href, application_name: 'chaos-sabotage' });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
