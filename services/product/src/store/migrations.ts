import { messagingMigrations } from '@punctual/messaging';
import { leaseMigrations, type Migration } from '@punctual/postgres';

/**
 * `product_events` is the truth of the catalog and `products` its projection, which `rebuild` replaces as a whole:
 * nothing may refer to it by a foreign key, and its ids come from a sequence that outlives it.
 *
 * `search_text` is in lower case already: comparing with ILIKE would turn every row into lower case in every search.
 *
 * `tx` tells a rebuild which events it may have missed: ids and times are given before the commit and so may come
 * late, while every event that a snapshot did not show has a transaction at or above that snapshot's xmin.
 */
const catalog: Migration = {
  name: '0001-product-catalog',
  async up(tx) {
    await tx.raw(`
      CREATE SEQUENCE product_ids AS bigint;

      CREATE TABLE product_events (
        product_id bigint NOT NULL,
        version integer NOT NULL,
        type text NOT NULL,
        data jsonb NOT NULL,
        actor text NOT NULL,
        at timestamptz NOT NULL,
        tx xid8 NOT NULL DEFAULT pg_current_xact_id(),
        CONSTRAINT product_events_pkey PRIMARY KEY (product_id, version),
        CONSTRAINT product_events_version_check CHECK (version > 0)
      );
      CREATE INDEX product_events_tx_idx ON product_events (tx);

      CREATE TABLE products (
        id bigint NOT NULL,
        name text NOT NULL,
        description text NOT NULL,
        price_minor bigint NOT NULL,
        currency text NOT NULL,
        stocked bigint NOT NULL,
        version integer NOT NULL,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        deleted_at timestamptz,
        search_text text GENERATED ALWAYS AS (lower(name || chr(31) || description)) STORED,
        CONSTRAINT products_pkey PRIMARY KEY (id),
        CONSTRAINT products_price_minor_check CHECK (price_minor >= 0),
        CONSTRAINT products_stocked_check CHECK (stocked >= 0)
      );

      CREATE EXTENSION IF NOT EXISTS pg_trgm;
      CREATE INDEX products_name_idx ON products (name, id) WHERE deleted_at IS NULL;
      CREATE INDEX products_price_idx ON products (price_minor, id) WHERE deleted_at IS NULL;
      CREATE INDEX products_created_idx ON products (created_at, id) WHERE deleted_at IS NULL;
      CREATE INDEX products_search_idx ON products USING gin (search_text gin_trgm_ops) WHERE deleted_at IS NULL;
    `);
  },
  async down(tx) {
    await tx.raw(`
      DROP TABLE products;
      DROP TABLE product_events;
      DROP SEQUENCE product_ids;
      DROP EXTENSION pg_trgm;
    `);
  },
};

/**
 * Stock changes with every order, so its rows are kept apart from the catalog and leave room in their page: an update
 * that touches no index then stays in place. An order's lines are one row for the same reason.
 */
const stock: Migration = {
  name: '0002-product-stock',
  async up(tx) {
    await tx.raw(`
      CREATE TABLE stock (
        product_id bigint NOT NULL,
        available bigint NOT NULL,
        reserved bigint NOT NULL,
        sold bigint NOT NULL,
        stock_version bigint NOT NULL,
        CONSTRAINT stock_pkey PRIMARY KEY (product_id),
        CONSTRAINT stock_available_check CHECK (available >= 0),
        CONSTRAINT stock_reserved_check CHECK (reserved >= 0),
        CONSTRAINT stock_sold_check CHECK (sold >= 0)
      ) WITH (fillfactor = 50);

      CREATE TABLE reservations (
        order_id bigint NOT NULL,
        state text NOT NULL,
        lines jsonb NOT NULL,
        created_at timestamptz NOT NULL,
        changed_at timestamptz NOT NULL,
        CONSTRAINT reservations_pkey PRIMARY KEY (order_id),
        CONSTRAINT reservations_state_check
          CHECK (state IN ('reserved', 'rejected', 'released', 'sold', 'cancelled_before_created'))
      ) WITH (fillfactor = 80);

      CREATE VIEW reservation_lines AS
        SELECT r.order_id, r.state, line.product_id, line.quantity
        FROM reservations r
        CROSS JOIN LATERAL jsonb_to_recordset(r.lines) AS line(product_id bigint, quantity bigint);
    `);
  },
  async down(tx) {
    await tx.raw('DROP VIEW reservation_lines; DROP TABLE reservations; DROP TABLE stock;');
  },
};

/** 32, 64, 128 and so on, up to more than any stock is. */
const LEVEL_STEPS = `CAST('{${Array.from({ length: 40 }, (_, step) => 32 * 2 ** step).join(',')}}' AS bigint[])`;

/**
 * What a list of the catalog is cut by. An index on `available` would be written with every order. `level` is the same
 * in steps: every quantity below 32 is one, and from there each doubling has 16. It is 0 when nothing is available, it
 * never falls while `available` rises, and an order changes it seldom, so that its index leaves most updates in place.
 *
 * From the default 100 samples of search_text the planner cannot tell a word in 1 % of the catalog from a rare one.
 */
const search: Migration = {
  name: '0003-product-search',
  async up(tx) {
    await tx.raw(`
      ALTER TABLE stock ADD COLUMN level bigint NOT NULL GENERATED ALWAYS AS (
        16 * width_bucket(available, ${LEVEL_STEPS})
          + (available >> width_bucket(available, ${LEVEL_STEPS}))
      ) STORED;
      CREATE INDEX stock_level_idx ON stock (level, product_id);
      ALTER TABLE products ALTER COLUMN search_text SET STATISTICS 1000;
      ANALYZE products, stock;
    `);
  },
  async down(tx) {
    await tx.raw(
      'ALTER TABLE stock DROP COLUMN level; ALTER TABLE products ALTER COLUMN search_text SET STATISTICS -1;',
    );
  },
};

/** Everything that this service's database holds, in order. Append only. */
export const migrations: readonly Migration[] = [...leaseMigrations, ...messagingMigrations, catalog, stock, search];
