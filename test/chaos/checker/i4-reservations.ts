import type { History, Verdict } from '../types.ts';
import { orderIdOf, type ShopEvent, shopEvents } from './event-stream.ts';
import type { Evidence, OrderRow, ReservationRow, ReservationState } from './evidence.ts';
import { createTally, type Tally } from './tally.ts';

const CLAIM =
  'Pieces are reserved for exactly the orders that are PENDING or PAID, and what was reserved is released or sold exactly once.';

/** attempted: orders; acknowledged: reservations. */
export function checkReservations(history: Pick<History, 'faults'>, evidence: Evidence): Verdict {
  const tally = createTally('I4', CLAIM);
  const reservations = new Map(evidence.reservations.map((reservation) => [reservation.orderId, reservation]));
  const told = Map.groupBy(
    shopEvents(history, evidence).filter(({ topic }) => topic === 'stock'),
    orderIdOf,
  );
  const orders = new Set(evidence.orders.map(({ id }) => id));
  tally.attempted(evidence.orders.length);
  tally.acknowledged(evidence.reservations.length);
  for (const order of evidence.orders) {
    const reservation = reservations.get(order.id);
    if (reservation === undefined) {
      tally.lost(`order ${order.id} is ${order.status} and product never decided its stock`);
      continue;
    }
    checkState(tally, order, reservation);
    checkLines(tally, order, reservation);
    checkTold(tally, reservation, told.get(order.id) ?? []);
  }
  for (const { orderId, state } of evidence.reservations) {
    if (!orders.has(orderId)) tally.unexpected(`stock is ${state} for order ${orderId}, which does not exist`);
  }
  return tally.verdict();
}

function expectedStates({ status, reason }: OrderRow): readonly ReservationState[] {
  switch (status) {
    case 'PENDING':
    case 'PAID':
      return ['reserved'];
    case 'COMPLETED':
      return ['sold'];
    case 'REFUNDED':
      return ['released'];
    case 'CANCELLED':
      // Cancelled before product's answer came, an order may have been rejected, or never have reserved anything.
      return reason === 'OUT_OF_STOCK' ? ['rejected'] : ['released', 'rejected', 'cancelled_before_created'];
    default:
      return status satisfies never;
  }
}

function checkState(tally: Tally, order: OrderRow, { state }: ReservationRow): void {
  if (expectedStates(order).includes(state)) return;
  const finding = `order ${order.id} is ${order.status}${order.reason ? ` (${order.reason})` : ''}, its stock is ${state}`;
  if (state === 'reserved') tally.unexpected(`${finding}: the pieces are held by nobody`);
  else tally.lost(finding);
}

function checkLines(tally: Tally, order: OrderRow, { state, lines }: ReservationRow): void {
  if (state === 'cancelled_before_created') return;
  const wanted = new Map<number, number>();
  for (const { productId, quantity } of order.items) wanted.set(productId, (wanted.get(productId) ?? 0) + quantity);
  const isSame = lines.length === wanted.size && lines.every((line) => wanted.get(line.productId) === line.quantity);
  if (!isSame) tally.unexpected(`order ${order.id}: its reservation is for other pieces than it has`);
}

/** The events that each end of a reservation has left behind. */
const TOLD: Readonly<Record<ReservationState, readonly string[]>> = {
  reserved: ['stock.reserved'],
  sold: ['stock.reserved'],
  released: ['stock.reserved', 'stock.released'],
  rejected: ['stock.rejected'],
  cancelled_before_created: [],
};

function checkTold(tally: Tally, { orderId, state }: ReservationRow, events: readonly ShopEvent[]): void {
  for (const type of ['stock.reserved', 'stock.rejected', 'stock.released']) {
    const told = events.filter((event) => event.type === type);
    const ids = told.map(({ id }) => id).join(', ');
    const isExpected = TOLD[state].includes(type);
    if (isExpected && told.length === 0) tally.lost(`order ${orderId}: its stock is ${state}, no ${type} was told`);
    if (!isExpected && told.length > 0)
      tally.unexpected(`order ${orderId}: its stock is ${state}, told ${type} ${ids}`);
    if (isExpected && told.length > 1) tally.duplicated(`order ${orderId}: ${type} as ${ids}`, told.length - 1);
  }
}
