import assert from 'node:assert/strict';
import { createDatabase, type Database, execute, one, rows } from '@punctual/postgres';
import { silentLogger } from '@punctual/telemetry';
import { type TestDatabase, testDatabase } from '@punctual/testing';
import fc from 'fast-check';
import { type CatalogSearch, COUNTED_EXACTLY, type SortField, searchCatalog } from './catalog-search.ts';
import { migrations } from './migrations.ts';

type Item = { id: number; name: string; description: string; price: number; at: number; available: number };

const FIRST_OF_COMMON = 1_000;
const COMMON = COUNTED_EXACTLY + 300;
const MANY_PRODUCTS = 120;
const SEARCHES = 300;

/** Few letters, so that texts are found; among them every character with a meaning in LIKE, and the separator. */
const text = (maxLength: number) =>
  fc.string({ unit: fc.constantFrom('a', 'b', 'B', 'ä', 'Ä', '%', '_', '\\', ' ', '\u001f'), maxLength });
const item = fc.record({
  name: text(8),
  description: text(12),
  price: fc.nat(5),
  at: fc.nat(3),
  available: fc.oneof(fc.nat(3), fc.integer({ min: 30, max: 70 }), fc.nat(1_000_000_000)),
});
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const anySearch: fc.Arbitrary<CatalogSearch> = fc.record({
  text: maybe(text(4)),
  name: maybe(text(3)),
  description: maybe(text(3)),
  minPriceMinor: maybe(fc.nat(3)),
  maxPriceMinor: maybe(fc.integer({ min: 2, max: 5 })),
  inStock: maybe(fc.boolean()),
  sort: fc.record({
    field: fc.constantFrom<SortField[]>('id', 'name', 'price', 'created_at', 'quantity'),
    descending: fc.boolean(),
  }),
  limit: fc.integer({ min: 1, max: 30 }),
  offset: fc.nat(40),
});
const everything: CatalogSearch = { sort: { field: 'id', descending: false }, limit: 20, offset: 0 };

describe('searchCatalog', function () {
  this.timeout(120_000);
  let database: TestDatabase;
  let db: Database;

  before(async () => {
    database = await testDatabase('catalog_search', migrations);
    db = createDatabase({ primaryUrl: database.primaryUrl, applicationName: 'product', logger: silentLogger() });
    const [sample = []] = fc.sample(fc.array(item, { minLength: MANY_PRODUCTS, maxLength: MANY_PRODUCTS }), 1);
    await insert(sample.map((one, index) => ({ ...one, id: index + 1 })));
    await execute(db.primary, 'UPDATE products SET deleted_at = now() WHERE id % 10 = 0');
  });
  after(async () => {
    await db.close();
    await database.drop();
  });

  async function insert(items: readonly Item[]): Promise<void> {
    await execute(
      db.primary,
      `WITH item AS (SELECT * FROM jsonb_to_recordset(CAST(:items AS jsonb))
           AS i(id bigint, name text, description text, price bigint, at int, available bigint)),
         stocked AS (INSERT INTO stock (product_id, available, reserved, sold, stock_version)
           SELECT id, available, 0, 0, 1 FROM item)
       INSERT INTO products (id, name, description, price_minor, currency, stocked, version, created_at, updated_at)
       SELECT id, name, description, price, 'USD', available, 1, to_timestamp(at), now() FROM item`,
      { items: JSON.stringify(items) },
    );
  }

  /** The ids of all that matches, in order, by looking at every product. */
  async function naive({ sort, ...search }: CatalogSearch): Promise<number[]> {
    const column = {
      id: 'p.id',
      name: 'p.name',
      price: 'p.price_minor',
      created_at: 'p.created_at',
      quantity: 's.available',
    };
    const direction = sort.descending ? 'DESC' : 'ASC';
    const found = await rows<{ id: number }>(
      db.primary,
      `SELECT p.id FROM products p JOIN stock s ON s.product_id = p.id
       WHERE p.deleted_at IS NULL
         AND (strpos(lower(p.name), lower(:text)) > 0 OR strpos(lower(p.description), lower(:text)) > 0
           OR strpos(lower(p.name || chr(31) || p.description), lower(:text)) > 0)
         AND strpos(lower(p.name), lower(:name)) > 0 AND strpos(lower(p.description), lower(:description)) > 0
         AND p.price_minor BETWEEN :min AND :max
         AND (:stock = 'any' OR (:stock = 'true') = (s.available > 0))
       ORDER BY ${column[sort.field]} ${direction}, p.id ${direction}`,
      {
        text: search.text ?? '',
        name: search.name ?? '',
        description: search.description ?? '',
        min: search.minPriceMinor ?? 0,
        max: search.maxPriceMinor ?? Number.MAX_SAFE_INTEGER,
        stock: String(search.inStock ?? 'any'),
      },
    );
    return found.map(({ id }) => id);
  }

  async function assertSame(search: CatalogSearch): Promise<void> {
    const [expected, found] = await Promise.all([naive(search), searchCatalog(db.primary, search)]);
    const page = expected.slice(search.offset, search.offset + search.limit);
    assert.deepEqual(
      found.products.map(({ product }) => product.id),
      page,
    );
    assert.equal(found.totalIsExact, expected.length <= COUNTED_EXACTLY);
    if (found.totalIsExact) assert.equal(found.total, expected.length);
    else {
      assert.ok(found.total > COUNTED_EXACTLY && found.total <= expected.length);
      assert.ok(found.total >= Math.min(expected.length, search.offset + search.limit + 1) || page.length === 0);
    }
  }

  it('finds what looking at every product finds, whatever is looked for', async () => {
    await fc.assert(fc.asyncProperty(anySearch, assertSame), { numRuns: SEARCHES });
  });

  it('leaves an update of stock in place until the quantity reaches another level', async () => {
    await insert([{ id: 500, name: 'hot', description: '', price: 1, at: 1, available: 1_000 }]);
    await db.transaction(async (tx) => {
      const updates = async (available: number): Promise<number> => {
        await execute(tx, 'UPDATE stock SET available = :available WHERE product_id = 500', { available });
        const found = await one<{ updates: number }>(
          tx,
          `SELECT pg_stat_get_xact_tuples_hot_updated('stock'::regclass) AS updates`,
        );
        return found?.updates ?? 0;
      };
      assert.deepEqual([await updates(999), await updates(993), await updates(991)], [1, 2, 2]);
    });
  });

  it('says of more matches than it counts that there are at least so many, and pages through all of them', async () => {
    await insert(
      Array.from({ length: COMMON }, (_, index) => ({
        id: FIRST_OF_COMMON + index,
        name: `walnut ${index % 7}`,
        description: 'steel',
        price: index % 5,
        at: index % 3,
        available: index % 90,
      })),
    );
    const { total, totalIsExact } = await searchCatalog(db.primary, { ...everything, text: 'walnut' });
    assert.deepEqual({ total, totalIsExact }, { total: COUNTED_EXACTLY + 1, totalIsExact: false });
    for (const field of ['id', 'name', 'price', 'created_at', 'quantity'] as const) {
      for (const descending of [false, true]) {
        for (const offset of [0, 700, 1_080, 1_190, 1_280, 1_300, 2_000]) {
          await assertSame({ sort: { field, descending }, limit: 100, offset, text: 'walnut' });
          await assertSame({ sort: { field, descending }, limit: 100, offset, inStock: true, name: 'nut' });
        }
      }
    }
  });
});
