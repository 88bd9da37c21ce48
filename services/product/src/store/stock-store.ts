import { execute, rows, type Transaction } from '@punctual/postgres';
import type { Line, Reservation, ReservationState, StockChange, StockOnOffer } from '../domain/stock.ts';

type ReservationRow = { order_id: number; state: ReservationState; lines: { product_id: number; quantity: number }[] };

/** What is known of these orders, locked until the end of the transaction. */
export async function lockReservations(tx: Transaction, orderIds: readonly number[]): Promise<Reservation[]> {
  const found = await rows<ReservationRow>(
    tx,
    `SELECT order_id, state, lines FROM reservations WHERE order_id = ANY(CAST(:orderIds AS bigint[]))
     ORDER BY order_id FOR UPDATE`,
    { orderIds: [...orderIds] },
  );
  return found.map(({ order_id, state, lines }) => ({
    orderId: order_id,
    state,
    lines: lines.map(({ product_id, quantity }): Line => ({ productId: product_id, quantity })),
  }));
}

/**
 * The stock of these products, locked until the end of the transaction. Every transaction locks in product order, so
 * that no two can wait for each other. A product that is not in the projection counts as deleted.
 */
export async function lockStock(tx: Transaction, productIds: readonly number[]): Promise<StockOnOffer[]> {
  return await rows<StockOnOffer>(
    tx,
    `SELECT s.product_id AS "productId", s.available, s.reserved, s.sold, s.stock_version AS "stockVersion",
       (p.id IS NULL OR p.deleted_at IS NOT NULL) AS deleted
     FROM stock s LEFT JOIN products p ON p.id = s.product_id
     WHERE s.product_id = ANY(CAST(:productIds AS bigint[])) ORDER BY s.product_id FOR UPDATE OF s`,
    { productIds: [...productIds] },
  );
}

/**
 * Moves every row in one statement. The rows are locked, so the condition always holds; should it not, a decision was
 * made on stock that is not there, and nothing may come of it.
 */
export async function moveStocks(tx: Transaction, changes: readonly StockChange[]): Promise<void> {
  if (changes.length === 0) return;
  const moved = await execute(
    tx,
    `UPDATE stock s SET available = s.available + c.available, reserved = s.reserved + c.reserved, sold = s.sold + c.sold,
       stock_version = s.stock_version + c.version
     FROM jsonb_to_recordset(CAST(:changes AS jsonb))
       AS c("productId" bigint, available bigint, reserved bigint, sold bigint, version bigint)
     WHERE s.product_id = c."productId" AND s.available + c.available >= 0`,
    { changes: JSON.stringify(changes) },
  );
  if (moved !== changes.length) throw new Error(`stock of ${changes.length - moved} products would fall below zero`);
}

/** A row that is there already makes it fail: someone else has decided the same order meanwhile. */
export async function insertReservations(
  tx: Transaction,
  reservations: readonly Reservation[],
  at: Date,
): Promise<void> {
  if (reservations.length === 0) return;
  await execute(
    tx,
    `INSERT INTO reservations (order_id, state, lines, created_at, changed_at)
     SELECT r.order_id, r.state, r.lines, CAST(:at AS timestamptz), CAST(:at AS timestamptz)
     FROM jsonb_to_recordset(CAST(:list AS jsonb)) AS r(order_id bigint, state text, lines jsonb)`,
    { list: JSON.stringify(reservations.map(toRow)), at },
  );
}

export async function updateReservations(
  tx: Transaction,
  reservations: readonly Reservation[],
  at: Date,
): Promise<void> {
  if (reservations.length === 0) return;
  await execute(
    tx,
    `UPDATE reservations SET state = r.state, changed_at = CAST(:at AS timestamptz)
     FROM jsonb_to_recordset(CAST(:list AS jsonb)) AS r(order_id bigint, state text)
     WHERE reservations.order_id = r.order_id`,
    { list: JSON.stringify(reservations.map(toRow)), at },
  );
}

function toRow({ orderId, state, lines }: Reservation): ReservationRow {
  return {
    order_id: orderId,
    state,
    lines: lines.map(({ productId, quantity }) => ({ product_id: productId, quantity })),
  };
}
