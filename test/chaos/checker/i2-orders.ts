import type { History, Operation, Verdict } from '../types.ts';
import type { Evidence, OrderRow } from './evidence.ts';
import { createTally, type Tally } from './tally.ts';

const CLAIM =
  'Every user and order that was answered 201 exists, orders with what was asked for; there is one user per address and one ' +
  'order per user and request id.';

/** attempted, acknowledged, unknown: register and order operations; twins and repetitions of one request each count. */
export function checkOrders(history: Pick<History, 'operations'>, evidence: Evidence): Verdict {
  const tally = createTally('I2', CLAIM);
  const userIds = new Map(evidence.users.map(({ email, id }) => [email, id]));
  const keyOf = ({ userId, email, requestId }: Operation): string => `${userId ?? userIds.get(email)}/${requestId}`;
  const operations = Map.groupBy(
    history.operations.filter(({ kind }) => kind === 'order'),
    keyOf,
  );
  const orders = Map.groupBy(evidence.orders, ({ userId, requestId }) => `${userId}/${requestId}`);
  const byId = new Map(evidence.orders.map((order) => [order.id, order]));

  for (const [key, twins] of operations) checkRequest(tally, twins, orders.get(key) ?? [], byId);
  for (const [key, found] of orders) {
    const ids = found.map(({ id }) => id).join(', ');
    if (found.length > 1) tally.duplicated(`request ${key} has orders ${ids}`, found.length - 1);
    if (!operations.has(key)) tally.unexpected(`order ${ids} of request ${key} was never asked for`);
  }
  checkUsers(tally, history, evidence);
  return tally.verdict();
}

function checkUsers(tally: Tally, { operations }: Pick<History, 'operations'>, { users }: Evidence): void {
  const byEmail = Map.groupBy(users, ({ email }) => email);
  for (const { id, kind, email, outcome } of operations) {
    if (kind !== 'register') continue;
    const isThere = byEmail.has(email.toLowerCase());
    tally.attempted();
    if (outcome === 'ok') tally.acknowledged();
    if (outcome === 'unknown') tally.unknown();
    if (outcome === 'unknown' && isThere) tally.recovered();
    if (outcome === 'ok' && !isThere) tally.lost(`user ${email} was answered to operation ${id} and does not exist`);
  }
  for (const [email, found] of byEmail) {
    const ids = found.map(({ id }) => id).join(', ');
    if (found.length > 1) tally.duplicated(`address ${email} has users ${ids}`, found.length - 1);
  }
}

function checkRequest(
  tally: Tally,
  twins: readonly Operation[],
  found: readonly OrderRow[],
  byId: ReadonlyMap<number, OrderRow>,
): void {
  tally.attempted(twins.length);
  let mayExist = false;
  for (const operation of twins) {
    if (operation.outcome === 'ok') {
      tally.acknowledged();
      mayExist = true;
      checkAcknowledged(tally, operation, found, byId);
    } else if (operation.outcome === 'unknown') {
      tally.unknown();
      mayExist = true;
      if (found.length > 0) tally.recovered();
    }
  }
  const [first] = twins;
  if (!mayExist && found.length > 0) {
    tally.unexpected(`order ${found[0]?.id} exists, operation ${first?.id} was refused with ${first?.code}`);
  }
}

function checkAcknowledged(
  tally: Tally,
  operation: Operation,
  found: readonly OrderRow[],
  byId: ReadonlyMap<number, OrderRow>,
): void {
  const { id, orderId, requestId, asked } = operation;
  const order = orderId === null ? found[0] : byId.get(orderId);
  if (order === undefined) {
    tally.lost(`order ${orderId} was answered to operation ${id} (request ${requestId}) and does not exist`);
  } else if (!found.includes(order)) {
    tally.unexpected(`operation ${id} was answered order ${order.id}, which belongs to request ${order.requestId}`);
  } else if (asked) {
    const difference = differenceOf(asked, order);
    if (difference !== undefined) tally.unexpected(`order ${order.id} of operation ${id}: ${difference}`);
  }
}

type AskedItem = { readonly product_id: number; readonly quantity: number };

/** Items by product, never by position. */
function differenceOf(asked: Readonly<Record<string, unknown>>, order: OrderRow): string | undefined {
  const texts = { description: order.description, shipping_address: order.shippingAddress, notes: order.notes };
  for (const [name, stored] of Object.entries(texts)) {
    const wanted = asked[name];
    if (typeof wanted === 'string' && wanted.trim() !== stored.trim()) return `${name} is not what was asked for`;
  }
  if (!Array.isArray(asked.items)) return undefined;
  const wanted = linesOf((asked.items as AskedItem[]).map((item) => [item.product_id, item.quantity]));
  const stored = linesOf(order.items.map((item) => [item.productId, item.quantity]));
  if (wanted !== stored) return `asked for ${wanted}, has ${stored}`;
  const total = order.items.reduce((sum, item) => sum + item.quantity * item.unitPriceMinor, 0);
  return total === order.totalMinor ? undefined : `its total is ${order.totalMinor}, its items come to ${total}`;
}

function linesOf(items: readonly (readonly [productId: number, quantity: number])[]): string {
  return items
    .map(([productId, quantity]) => `${quantity} of ${productId}`)
    .sort()
    .join(' + ');
}
