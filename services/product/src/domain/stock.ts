/**
 * What becomes of stock when orders live and end. An order holds all of its pieces or none.
 *
 *   nothing ── order.created ──▶ reserved ── order.completed ──▶ sold
 *      │             └─▶ rejected    └─ order.cancelled, order.refunded ──▶ released ◀── order.refunded ── sold
 *      └─ order.cancelled, order.refunded ──▶ cancelled_before_created: a late order.created then takes nothing
 *
 * Whatever else arrives changes nothing, so that an event that comes again has no second effect.
 * Of every product: available + reserved + sold = what was stocked, and none of the three is below zero.
 */

export type ReservationState = 'reserved' | 'rejected' | 'released' | 'sold' | 'cancelled_before_created';
export type Line = { productId: number; quantity: number };
/** Lines name each product once. */
export type Reservation = { orderId: number; state: ReservationState; lines: readonly Line[] };

export type Stock = { productId: number; available: number; reserved: number; sold: number; stockVersion: number };
/** A deleted product takes no new orders and still gets its pieces back. */
export type StockOnOffer = Stock & { deleted: boolean };

export type OrderFact =
  | { type: 'order.created'; orderId: number; lines: readonly Line[] }
  | { type: 'order.cancelled' | 'order.refunded' | 'order.completed'; orderId: number };

export type Level = { productId: number; available: number; stockVersion: number };
export type Missing = { productId: number; requested: number; available: number };

/** What became of one fact, in the order of the facts. Levels are those right after it. */
export type Outcome =
  | { kind: 'reserved'; orderId: number; levels: Level[] }
  | { kind: 'rejected'; orderId: number; levels: Level[]; missing: Missing[] }
  | { kind: 'released'; orderId: number; levels: Level[]; cause: 'order.cancelled' | 'order.refunded' }
  | { kind: 'sold'; orderId: number }
  | { kind: 'ignored'; orderId: number; state: ReservationState | undefined };

/** How far a row is to be moved; `version` counts the changes that it sums up. */
export type StockChange = { productId: number; available: number; reserved: number; sold: number; version: number };

export type Settlement = {
  outcomes: Outcome[];
  /** One for each product that changed, by ascending product. */
  stockChanges: StockChange[];
  created: Reservation[];
  changed: Reservation[];
};

export type Book = { stock: readonly StockOnOffer[]; reservations: readonly Reservation[] };

/** Decides the facts one after the other, each seeing what those before it left. Pure: the book is not touched. */
export function settleOrders(book: Book, facts: readonly OrderFact[]): Settlement {
  const stockBefore = new Map(book.stock.map((row) => [row.productId, row]));
  const reservationsBefore = new Map(book.reservations.map((reservation) => [reservation.orderId, reservation]));
  const state: State = { stock: new Map(stockBefore), reservations: new Map(reservationsBefore) };
  const outcomes = facts.map((fact) => settle(state, fact));
  const reservations = [...state.reservations.values()];
  return {
    outcomes,
    stockChanges: [...state.stock.values()]
      .flatMap((row) => changeOf(stockBefore.get(row.productId), row))
      .sort(byProduct),
    created: reservations.filter(({ orderId }) => !reservationsBefore.has(orderId)),
    changed: reservations.filter((now) => {
      const before = reservationsBefore.get(now.orderId);
      return before !== undefined && before !== now;
    }),
  };
}

type State = { stock: Map<number, StockOnOffer>; reservations: Map<number, Reservation> };

function settle(state: State, fact: OrderFact): Outcome {
  switch (fact.type) {
    case 'order.created':
      return reserve(state, fact.orderId, fact.lines);
    case 'order.cancelled':
    case 'order.refunded':
      return release(state, fact.orderId, fact.type);
    case 'order.completed':
      return sell(state, fact.orderId);
    default:
      return unknownFact(fact);
  }
}

function reserve(state: State, orderId: number, ordered: readonly Line[]): Outcome {
  const existing = state.reservations.get(orderId);
  if (existing !== undefined) return { kind: 'ignored', orderId, state: existing.state };
  const lines = mergeLines(ordered);
  const missing = lines.flatMap(({ productId, quantity }) => {
    const row = state.stock.get(productId);
    const available = row === undefined || row.deleted ? 0 : row.available;
    return available < quantity ? [{ productId, requested: quantity, available }] : [];
  });
  if (missing.length > 0) {
    state.reservations.set(orderId, { orderId, state: 'rejected', lines });
    return { kind: 'rejected', orderId, missing, levels: levelsOf(state, lines) };
  }
  for (const { productId, quantity } of lines) move(state, productId, { available: -quantity, reserved: quantity });
  state.reservations.set(orderId, { orderId, state: 'reserved', lines });
  return { kind: 'reserved', orderId, levels: levelsOf(state, lines) };
}

function release(state: State, orderId: number, cause: 'order.cancelled' | 'order.refunded'): Outcome {
  const existing = state.reservations.get(orderId);
  if (existing === undefined) {
    state.reservations.set(orderId, { orderId, state: 'cancelled_before_created', lines: [] });
    return { kind: 'ignored', orderId, state: 'cancelled_before_created' };
  }
  const isReturn = existing.state === 'sold' && cause === 'order.refunded';
  if (existing.state !== 'reserved' && !isReturn) return { kind: 'ignored', orderId, state: existing.state };
  for (const { productId, quantity } of existing.lines) {
    move(
      state,
      productId,
      isReturn ? { available: quantity, sold: -quantity } : { available: quantity, reserved: -quantity },
    );
  }
  state.reservations.set(orderId, { ...existing, state: 'released' });
  return { kind: 'released', orderId, cause, levels: levelsOf(state, existing.lines) };
}

function sell(state: State, orderId: number): Outcome {
  const existing = state.reservations.get(orderId);
  if (existing?.state !== 'reserved') return { kind: 'ignored', orderId, state: existing?.state };
  for (const { productId, quantity } of existing.lines) move(state, productId, { reserved: -quantity, sold: quantity });
  state.reservations.set(orderId, { ...existing, state: 'sold' });
  return { kind: 'sold', orderId };
}

function move(state: State, productId: number, by: { available?: number; reserved?: number; sold?: number }): void {
  const row = state.stock.get(productId);
  if (row === undefined) throw new Error(`product ${productId} is reserved but has no stock row`);
  const moved = {
    ...row,
    available: row.available + (by.available ?? 0),
    reserved: row.reserved + (by.reserved ?? 0),
    sold: row.sold + (by.sold ?? 0),
    // A sale moves pieces that nobody could order any more: what is available stays, and so does its version.
    stockVersion: row.stockVersion + (by.available === undefined ? 0 : 1),
  };
  if (moved.available < 0 || moved.reserved < 0 || moved.sold < 0) {
    throw new Error(`stock of product ${productId} would fall below zero`);
  }
  state.stock.set(productId, moved);
}

/** A product named twice is one line with both quantities; no more than a safe integer can state. */
function mergeLines(ordered: readonly Line[]): Line[] {
  const quantities = new Map<number, number>();
  for (const { productId, quantity } of ordered) {
    quantities.set(productId, Math.min((quantities.get(productId) ?? 0) + quantity, Number.MAX_SAFE_INTEGER));
  }
  return [...quantities].map(([productId, quantity]) => ({ productId, quantity })).sort(byProduct);
}

function levelsOf(state: State, lines: readonly Line[]): Level[] {
  return lines.flatMap(({ productId }) => {
    const row = state.stock.get(productId);
    if (row === undefined || row.deleted) return [];
    return [{ productId, available: row.available, stockVersion: row.stockVersion }];
  });
}

function changeOf(before: Stock | undefined, after: Stock): StockChange[] {
  if (before === undefined || before === after) return [];
  return [
    {
      productId: after.productId,
      available: after.available - before.available,
      reserved: after.reserved - before.reserved,
      sold: after.sold - before.sold,
      version: after.stockVersion - before.stockVersion,
    },
  ];
}

function byProduct(a: { productId: number }, b: { productId: number }): number {
  return a.productId - b.productId;
}

function unknownFact(fact: never): never {
  throw new Error(`unknown order fact ${JSON.stringify(fact)}`);
}
