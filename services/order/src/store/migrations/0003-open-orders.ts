import type { Migration } from '@punctual/postgres';

/**
 * place_orders with a cap on the orders that a user has open at once. What it does is in the migration before; of a batch
 * and in parallel the cap holds exactly:
 *
 *   too_many_open   {open, limit}: the user's PENDING orders, those that the batch places before this one included
 *
 * max_open NULL is no cap, and costs nothing. Else the users of a batch are locked first, by ascending id, until the commit:
 * a statement of its own, so that the next one's snapshot has what the lock was waited for. A user's orders are counted from
 * an index of open orders only, as many entries as the cap at most. Orders that are stored already take no place, so that
 * a replay is answered, and pushes nobody out. The function without a cap stays for processes of the version before, which
 * still run while a new one is rolled out.
 *
 * `wakeUps` is the SELECT of the outbox rows that wake the placed orders' first timers.
 */
export const placeOrdersFunction = (wakeUps: string): string => `
CREATE OR REPLACE FUNCTION place_orders(batch json, reminders_ms bigint[], expiry_ms bigint, max_open integer)
RETURNS TABLE (i integer, outcome text, result json)
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
  created timestamptz := date_trunc('milliseconds', now());
  created_text text := to_char(created AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');
  expires timestamptz := created + expiry_ms * interval '1 millisecond';
  expires_text text := to_char(expires AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');
  first_ms bigint := coalesce(reminders_ms[1], expiry_ms);
  open integer[] := '{}';
  answer record;
BEGIN
  IF max_open IS NOT NULL THEN
    PERFORM pg_advisory_xact_lock(hashtextextended('open-orders', user_id))
    FROM (SELECT DISTINCT user_id FROM json_to_recordset(batch) AS r (user_id bigint) ORDER BY user_id) u;
  END IF;

  FOR answer IN
    WITH request AS MATERIALIZED (
      SELECT * FROM json_to_recordset(batch) AS r (
        i integer, user_id bigint, email text, request_id text, hash text, description text, shipping_address text,
        notes text, traceparent text, items json)
    ),
    line AS MATERIALIZED (
      SELECT r.i, l.position, l.product_id, l.quantity, l.seen_minor, p.name, p.price_minor, p.currency, p.available,
             CASE
               WHEN p.version IS NULL THEN 'unknown_product'
               WHEN p.deleted THEN 'product_deleted'
               WHEN l.seen_minor <> p.price_minor THEN 'price_changed'
               WHEN p.available < l.quantity THEN 'out_of_stock'
             END AS problem
      FROM request r
      CROSS JOIN LATERAL ROWS FROM (
        json_to_recordset(r.items) AS (product_id bigint, quantity integer, unit_price_minor bigint)
      ) WITH ORDINALITY AS l (product_id, quantity, seen_minor, position)
      LEFT JOIN LATERAL (
        SELECT * FROM products WHERE products.product_id = l.product_id AND products.version > 0 LIMIT 1
      ) p ON true
    ),
    verdict AS MATERIALIZED (
      SELECT i, min(currency) AS currency, sum(price_minor * quantity)::bigint AS total_minor,
             CASE
               WHEN bool_or(problem = 'unknown_product') THEN 'unknown_product'
               WHEN bool_or(problem = 'product_deleted') THEN 'product_deleted'
               WHEN min(currency) <> max(currency) THEN 'mixed_currency'
               WHEN bool_or(problem = 'price_changed') THEN 'price_changed'
               WHEN bool_or(problem = 'out_of_stock') THEN 'out_of_stock'
               ELSE 'accepted'
             END AS outcome
      FROM line GROUP BY i
    ),
    chosen AS MATERIALIZED (
      SELECT DISTINCT ON (r.user_id, r.request_id) r.*, v.total_minor, v.currency
      FROM request r JOIN verdict v USING (i)
      WHERE v.outcome = 'accepted'
      ORDER BY r.user_id, r.request_id, r.i
    ),
    open_count AS MATERIALIZED (
      SELECT u.user_id, (
               SELECT count(*) FROM orders WHERE orders.user_id = u.user_id AND orders.status = 'PENDING'
             ) AS already
      FROM (SELECT DISTINCT user_id FROM chosen WHERE max_open IS NOT NULL) u
    ),
    too_many AS MATERIALIZED (
      SELECT c.user_id, c.request_id, greatest(o.already, max_open) AS open
      FROM (
        SELECT user_id, request_id, row_number() OVER (PARTITION BY user_id ORDER BY i) AS position
        FROM chosen
        WHERE max_open IS NOT NULL AND (
          SELECT 1 FROM orders
          WHERE orders.user_id = chosen.user_id AND orders.request_id = chosen.request_id LIMIT 1
        ) IS NULL
      ) c
      JOIN open_count o USING (user_id)
      WHERE o.already + c.position > max_open
    ),
    accepted AS MATERIALIZED (
      SELECT nextval('orders_id_seq') AS id, c.*
      FROM chosen c LEFT JOIN too_many t USING (user_id, request_id)
      WHERE t.open IS NULL
    ),
    inserted AS (
      INSERT INTO orders (id, user_id, customer_email, request_id, request_hash, status, stock, fulfillment, description,
                          shipping_address, notes, total_minor, currency, created_at, updated_at, expires_at)
      SELECT id, user_id, email, request_id, decode(hash, 'hex'), 'PENDING', 'pending', 'unfulfilled', description,
             shipping_address, notes, total_minor, currency, created, created, expires
      FROM accepted ORDER BY user_id, request_id
      ON CONFLICT (user_id, request_id) DO NOTHING
      RETURNING orders.id
    ),
    placed AS MATERIALIZED (SELECT a.* FROM accepted a JOIN inserted USING (id)),
    item AS MATERIALIZED (
      SELECT nextval('order_items_id_seq') AS id, sorted.*
      FROM (
        SELECT a.id AS order_id, l.product_id, l.name, l.quantity, l.price_minor
        FROM placed a JOIN line l USING (i) ORDER BY a.id, l.position
      ) sorted
    ),
    written_items AS (
      INSERT INTO order_items (id, order_id, product_id, name, quantity, unit_price_minor)
      SELECT id, order_id, product_id, name, quantity, price_minor FROM item
    ),
    written_timers AS (
      INSERT INTO order_timers (order_id, kind, due_at, state)
      SELECT a.id, t.kind, created + t.delay_ms * interval '1 millisecond', 'waiting'
      FROM placed a CROSS JOIN (
        SELECT 'reminder-' || number, delay_ms FROM unnest(reminders_ms) WITH ORDINALITY AS u (delay_ms, number)
        UNION ALL SELECT 'expiry', expiry_ms
      ) t (kind, delay_ms)
    ),
    written_history AS (
      INSERT INTO order_events (order_id, at, type, actor, to_status, detail)
      SELECT id, created, 'order.created', 'user:' || user_id, 'PENDING', '{}' FROM placed
    ),
    content AS MATERIALIZED (
      SELECT order_id,
             json_agg(json_build_object('product_id', product_id, 'quantity', quantity, 'unit_price_minor', price_minor)
                      ORDER BY id) AS ordered,
             json_agg(json_build_object('id', id, 'productId', product_id, 'name', name, 'quantity', quantity,
                                        'unitPriceMinor', price_minor) ORDER BY id) AS items
      FROM item GROUP BY order_id
    ),
    written_outbox AS (
      INSERT INTO outbox (transport, type, destination, routing_key, subject, payload, due_at, traceparent)
      SELECT 'kafka', 'order.created', 'order', p.id::text, p.id::text,
             json_build_object('order_id', p.id, 'user_id', p.user_id, 'items', c.ordered, 'total_minor', p.total_minor,
                               'currency', p.currency, 'created_at', created_text, 'expires_at', expires_text),
             NULL, p.traceparent
      FROM placed p JOIN content c ON c.order_id = p.id
      UNION ALL
      ${wakeUps}
    )
    SELECT v.i,
           CASE
             WHEN p.id IS NOT NULL THEN 'created'
             WHEN t.open IS NOT NULL THEN 'too_many_open'
             WHEN v.outcome = 'accepted' THEN 'unresolved'
             ELSE v.outcome
           END AS outcome,
           CASE
             WHEN p.id IS NOT NULL THEN
               json_build_object('id', p.id, 'items', c.items, 'totalMinor', p.total_minor, 'currency', p.currency,
                                 'createdAt', created_text, 'expiresAt', expires_text)
             WHEN t.open IS NOT NULL THEN json_build_object('open', t.open, 'limit', max_open)
             ELSE (
               SELECT json_agg(json_build_object('product_id', l.product_id, 'requested', l.quantity,
                                                 'available', l.available, 'seen_minor', l.seen_minor,
                                                 'price_minor', l.price_minor) ORDER BY l.position)
               FROM line l WHERE l.i = v.i AND l.problem = v.outcome)
           END AS result
    FROM verdict v
    JOIN request r USING (i)
    LEFT JOIN placed p ON p.i = v.i
    LEFT JOIN content c ON c.order_id = p.id
    LEFT JOIN too_many t ON t.user_id = r.user_id AND t.request_id = r.request_id AND v.outcome = 'accepted'
  LOOP
    IF answer.outcome <> 'created' THEN
      open := open || answer.i;
    END IF;
    i := answer.i;
    outcome := answer.outcome;
    result := answer.result;
    RETURN NEXT;
  END LOOP;

  IF cardinality(open) > 0 THEN
    RETURN QUERY
      SELECT r.i, CASE WHEN o.request_hash = decode(r.hash, 'hex') THEN 'replayed' ELSE 'reused' END,
             json_build_object('id', o.id, 'items', items.list, 'totalMinor', o.total_minor, 'currency', o.currency,
                               'createdAt', to_char(o.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
                               'expiresAt', to_char(o.expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
      FROM json_to_recordset(batch) AS r (i integer, user_id bigint, request_id text, hash text)
      CROSS JOIN LATERAL (
        SELECT * FROM orders WHERE orders.user_id = r.user_id AND orders.request_id = r.request_id LIMIT 1
      ) o
      CROSS JOIN LATERAL (
        SELECT json_agg(json_build_object('id', id, 'productId', product_id, 'name', name, 'quantity', quantity,
                                          'unitPriceMinor', unit_price_minor) ORDER BY id) AS list
        FROM order_items WHERE order_items.order_id = o.id LIMIT 1
      ) items
      WHERE r.i = ANY (open);
  END IF;
END $$`;

/** One for each order. */
export const WAKE_UP_OF_EACH_ORDER = `SELECT 'rabbit', kind, 'order.timers', kind, p.id::text, json_build_object('order_id', p.id),
             created + first_ms * interval '1 millisecond', p.traceparent
      FROM placed p
      CROSS JOIN (SELECT CASE WHEN cardinality(reminders_ms) > 0 THEN 'order.reminder' ELSE 'order.expiry' END) k (kind)`;

export const openOrdersMigration: Migration = {
  name: 'order-0003-open-orders',
  async up(tx) {
    await tx.raw(`CREATE INDEX orders_open ON orders (user_id) WHERE status = 'PENDING'`);
    await tx.raw(placeOrdersFunction(WAKE_UP_OF_EACH_ORDER));
  },
  async down(tx) {
    await tx.raw('DROP FUNCTION place_orders(json, bigint[], bigint, integer)');
    await tx.raw('DROP INDEX orders_open');
  },
};
