import type { Migration } from '@punctual/postgres';

/**
 * place_orders: everything that accepting orders takes, for a whole batch, in one round trip and one commit.
 *
 * Input rows: {i, user_id, email, request_id, hash, description, shipping_address, notes, traceparent,
 *              items: [{product_id, quantity, unit_price_minor | null}]}
 * Output: at least one row per input; when there are two, the later one counts. Outcomes:
 *   created | replayed   facts of the order: what it was when it was created
 *   reused               the request id belongs to an order with another body
 *   unknown_product | product_deleted | mixed_currency | price_changed | out_of_stock | unresolved   details
 *
 * Two statements, each with its own snapshot. The first prices and checks every row from the projection and inserts what
 * passes; of rows with one (user, request id) the first that passes. The second looks up whatever was not inserted: an
 * order stored under its request id, be it years old or committed an instant ago by a twin, is its answer, before any
 * complaint about prices or stock. Orders are inserted by (user_id, request_id), so that two batches with the same keys
 * wait for each other in one direction only.
 *
 * The settings belong to plans that are kept for a connection's life: made while the tables were still empty, they would
 * scan them. Lookups are written as LATERAL … LIMIT 1, which the planner cannot turn into a join of whole tables.
 */
const UP = `
CREATE FUNCTION place_orders(batch json, reminders_ms bigint[], expiry_ms bigint)
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
    accepted AS MATERIALIZED (
      SELECT nextval('orders_id_seq') AS id, chosen.*
      FROM (
        SELECT DISTINCT ON (r.user_id, r.request_id) r.*, v.total_minor, v.currency
        FROM request r JOIN verdict v USING (i)
        WHERE v.outcome = 'accepted'
        ORDER BY r.user_id, r.request_id, r.i
      ) chosen
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
      SELECT 'rabbit', kind, 'order.timers', kind, p.id::text, json_build_object('order_id', p.id),
             created + first_ms * interval '1 millisecond', p.traceparent
      FROM placed p
      CROSS JOIN (SELECT CASE WHEN cardinality(reminders_ms) > 0 THEN 'order.reminder' ELSE 'order.expiry' END) k (kind)
    )
    SELECT v.i,
           CASE
             WHEN p.id IS NOT NULL THEN 'created'
             WHEN v.outcome = 'accepted' THEN 'unresolved'
             ELSE v.outcome
           END AS outcome,
           CASE
             WHEN p.id IS NOT NULL THEN
               json_build_object('id', p.id, 'items', c.items, 'totalMinor', p.total_minor, 'currency', p.currency,
                                 'createdAt', created_text, 'expiresAt', expires_text)
             ELSE (
               SELECT json_agg(json_build_object('product_id', l.product_id, 'requested', l.quantity,
                                                 'available', l.available, 'seen_minor', l.seen_minor,
                                                 'price_minor', l.price_minor) ORDER BY l.position)
               FROM line l WHERE l.i = v.i AND l.problem = v.outcome)
           END AS result
    FROM verdict v
    LEFT JOIN placed p ON p.i = v.i
    LEFT JOIN content c ON c.order_id = p.id
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

export const placeOrdersMigration: Migration = {
  name: 'order-0002-place-orders',
  async up(tx) {
    await tx.raw(UP);
  },
  async down(tx) {
    await tx.raw('DROP FUNCTION place_orders(json, bigint[], bigint)');
  },
};
