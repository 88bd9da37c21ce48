import { openLoop } from '../load/open-loop.ts';
import { inDatabase, queryAll } from '../postgres.ts';
import { type Bench, shareOfErrors } from '../step.ts';
import type { Finding } from './workload.ts';

/** Products that searches are measured over. */
export const CATALOG_SIZE = 100_000;
const RATE = 50;
const REPLICA_DEADLINE_MS = 120_000;
const POLL_MS = 200;

/** Queries by kind. The words are those of `seedCatalog`. */
const KINDS: Readonly<Record<string, string>> = {
  'no words': '/products?limit=20',
  'word in half the catalog': '/products?q=steel&limit=20',
  'word in 1 %': '/products?q=series42&limit=20',
  'word in one product': '/products?q=unique4242x&limit=20',
  'word that nothing has': '/products?q=quetzalcoatl&limit=20',
  'two letters': '/products?q=st&limit=20',
  'two letters that nothing has': '/products?q=qq&limit=20',
  'common word, by price falling': '/products?q=steel&sort=-price&limit=20',
  'by name': '/products?sort=name&limit=20',
  'by quantity falling': '/products?sort=-quantity&limit=20',
  'name filter': '/products?name=lamp&limit=20',
  'price range, in stock': '/products?min_price=100.00&max_price=200.00&in_stock=true&limit=20',
  'deep page': '/products?q=steel&sort=name&page=1000&limit=20',
};

/** Latency of each kind of search at a modest rate, when nothing else is asked for. */
export async function productSearch(bench: Bench): Promise<Finding> {
  const { stack, say } = bench;
  await seedCatalog(bench, Math.ceil(CATALOG_SIZE * bench.size));
  const kinds = Object.keys(KINDS);
  const result = await openLoop({
    url: stack.settings.GATEWAY_URL,
    pace: { ratePerSecond: RATE, seconds: bench.seconds },
    connections: bench.connections,
    signal: bench.signal,
    next(n) {
      const kind = kinds[n % kinds.length] ?? '';
      return { kind, text: `GET ${KINDS[kind]} HTTP/1.1\r\nhost: bench\r\n\r\n` };
    },
  });
  const facts = [
    { name: 'searches per second', value: RATE },
    { name: 'all kinds: p50', value: result.accepted.p50Ms, unit: 'ms' },
    { name: 'all kinds: p99', value: result.accepted.p99Ms, unit: 'ms' },
    ...kinds.flatMap((kind) => {
      const found = result.byKind[kind]?.accepted;
      return [{ name: kind, value: `p50 ${found?.p50Ms.toFixed(1)} ms, p99 ${found?.p99Ms.toFixed(1)} ms` }];
    }),
  ];
  say(`${RATE} searches/s: p50 ${result.accepted.p50Ms.toFixed(1)} ms, p99 ${result.accepted.p99Ms.toFixed(1)} ms`);
  const errors = shareOfErrors(result);
  return { facts, problems: errors === 0 ? [] : [`searches failed: ${JSON.stringify(result.byStatus)}`] };
}

/** Products by SQL, as the service writes them: the event, the projection and the stock. Those of an earlier workload are enough. */
export async function seedCatalog({ state, stack, say, signal }: Bench, count: number): Promise<void> {
  const [there] = await state.products<{ count: number }>('SELECT count(*)::int AS count FROM products');
  if (there !== undefined && there.count >= count) return;
  await state.products(
    `WITH drawn AS MATERIALIZED (
       SELECT nextval('product_ids') AS id, n,
              (ARRAY['lamp', 'desk', 'chair', 'shelf', 'stool'])[1 + n % 5] || ' series' || n % 100 || ' model ' || n AS name,
              CASE WHEN n % 2 = 0 THEN 'brushed steel, ' ELSE 'oiled oak, ' END || 'unique' || n || 'x, for every room' AS description,
              100 + (n::bigint * 7919) % 100000 AS price_minor, (n::bigint * 104729) % 500 AS pieces
       FROM generate_series(1, $1::int) n
     ), written_events AS (
       INSERT INTO product_events (product_id, version, type, data, actor, at)
       SELECT id, 1, 'product.created', jsonb_build_object('name', name, 'description', description, 'price_minor', price_minor,
                                                          'currency', 'USD', 'quantity', pieces), 'bench', now() FROM drawn
     ), written_stock AS (
       INSERT INTO stock (product_id, available, reserved, sold, stock_version) SELECT id, pieces, 0, 0, 1 FROM drawn
     )
     INSERT INTO products (id, name, description, price_minor, currency, stocked, version, created_at, updated_at)
     SELECT id, name, description, price_minor, 'USD', pieces, 1, now(), now() FROM drawn`,
    [count],
  );
  await state.products('VACUUM ANALYZE products, stock');
  say(`${count} products written`);
  const [newest] = await state.products<{ lsn: string }>('SELECT pg_current_wal_lsn()::text AS lsn');
  const { POSTGRES_REPLICA_ADMIN_URL, DATABASE_PREFIX } = stack.settings;
  const replica = inDatabase(POSTGRES_REPLICA_ADMIN_URL, `${DATABASE_PREFIX}_product`);
  const deadlineMs = performance.now() + REPLICA_DEADLINE_MS;
  for (;;) {
    signal.throwIfAborted();
    const [row] = await queryAll<{ caught_up: boolean }>(
      replica,
      'SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn AS caught_up',
      [newest?.lsn],
    );
    if (row?.caught_up) return;
    if (performance.now() > deadlineMs) throw new Error('the replica does not catch up with the new products');
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
