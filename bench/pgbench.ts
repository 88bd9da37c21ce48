import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createDatabase, migrateUp } from '@punctual/postgres';
import { silentLogger } from '@punctual/telemetry';
import { orderMigrations } from '../services/order/src/store/migrations/index.ts';
import { inDatabase, queryAll } from './postgres.ts';
import type { Shop } from './shop.ts';
import type { Settings } from './stack.ts';

const DATABASE = 'bench_p2';
const HOUR_MS = 3_600_000;

/**
 * One order of two items, as the order service writes it, with reminders at 4, 12 and 22 hours, expiry at 24, and the cap
 * on open orders, which as many customers as a shop has do not reach.
 */
const SCRIPT = `
\\set customer random(1, 1000000)
\\set first random(1, 50)
\\set second random(1, 49)
SELECT outcome FROM place_orders(
  json_build_array(json_build_object(
    'i', 0, 'user_id', :customer::int, 'email', 'customer@example.com', 'request_id', gen_random_uuid()::text,
    'hash', repeat('ab', 32), 'description', '', 'shipping_address', '1 Main Street, Springfield', 'notes', '',
    'items', json_build_array(
      json_build_object('product_id', :first::int, 'quantity', 1),
      json_build_object('product_id', :first::int % 50 + 1, 'quantity', 2)))),
  ARRAY[${4 * HOUR_MS}, ${12 * HOUR_MS}, ${22 * HOUR_MS}]::bigint[], ${24 * HOUR_MS}, 50);
`;

export type P2Database = { readonly primaryUrl: string; readonly pgpoolUrl: string; drop(): Promise<void> };

/** A database with the order service's schema and the same number of products, which no service works on. */
export async function createP2Database(settings: Settings, shop: Shop): Promise<P2Database> {
  const drop = async () => {
    // As superuser: autovacuum may be at work in it, and only a superuser may end that.
    await queryAll(settings.POSTGRES_ADMIN_URL, `DROP DATABASE IF EXISTS ${DATABASE} WITH (FORCE)`);
  };
  await drop();
  await queryAll(settings.POSTGRES_PRIMARY_URL, `CREATE DATABASE ${DATABASE}`);
  const primaryUrl = inDatabase(settings.POSTGRES_PRIMARY_URL, DATABASE);
  const db = createDatabase({ primaryUrl, applicationName: 'bench', logger: silentLogger() });
  try {
    await migrateUp(db, orderMigrations);
  } finally {
    await db.close();
  }
  await queryAll(
    primaryUrl,
    `INSERT INTO products (product_id, version, name, price_minor, currency, available, stock_version, deleted)
     SELECT id, 1, 'Bench product ' || id, 1000, 'USD', 1000000000, 0, false FROM generate_series(1, $1::int) id`,
    [shop.productIds.length],
  );
  await queryAll(primaryUrl, 'ANALYZE');
  return { primaryUrl, pgpoolUrl: inDatabase(settings.PGPOOL_URL, DATABASE), drop };
}

/** Transactions per second, each one order and one commit. */
export async function runPgbench(
  database: P2Database,
  { seconds, clients, through }: { seconds: number; clients: number; through: 'primary' | 'pgpool' },
): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'punctual-bench-'));
  const script = join(folder, 'p2.sql');
  writeFileSync(script, SCRIPT);
  const url = new URL(through === 'primary' ? database.primaryUrl : database.pgpoolUrl);
  try {
    const { stdout } = await promisify(execFile)(
      '/usr/lib/postgresql/15/bin/pgbench',
      [
        '--no-vacuum',
        '--protocol=prepared',
        `--client=${clients}`,
        '--jobs=2',
        `--time=${seconds}`,
        `--file=${script}`,
      ],
      {
        env: {
          PGHOST: url.hostname,
          PGPORT: url.port,
          PGUSER: decodeURIComponent(url.username),
          PGPASSWORD: decodeURIComponent(url.password),
          PGDATABASE: url.pathname.slice(1),
          // pgpool keeps what is named so on the primary.
          PGAPPNAME: 'bench-write',
        },
      },
    );
    const tps = /^tps = ([\d.]+)/m.exec(stdout)?.[1];
    if (tps === undefined) throw new Error(`pgbench told no rate:\n${stdout}`);
    return Number(tps);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
