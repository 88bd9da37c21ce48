import { leavesOpen, type Reply, untilKnown } from './attempts.ts';
import { conclude } from './recorder.ts';
import type { Session } from './sessions.ts';
import { type KnownOrder, RUSH_PIECES, remember, type Shop } from './shop.ts';

type Item = { product_id: number; quantity: number };
type OrderBody = { request_id: string; shipping_address: string; items: Item[] };

const HOT_SHARE = 0.2;
const SCARCE_SHARE = 0.06;
const MOST_PIECES = 3;
const RUSH_BUYERS = 30;

/** Places one order, and repeats it under its request id until the outcome is known. */
export async function placeOrder(shop: Shop): Promise<KnownOrder | undefined> {
  const by = shop.random.pick(shop.customers);
  return await placeAs(shop, by, orderBody(shop));
}

/** An order of an eager customer, who asks again at once: true when the shop has taken it. */
export async function placeEagerly(shop: Shop, longestWaitMs: number): Promise<boolean> {
  const [by] = shop.customers;
  if (by === undefined) return false;
  const body = bodyOf(shop, [{ product_id: shop.products.hot, quantity: 1 }]);
  return (
    (await placeAs({ ...shop, patience: { ...shop.patience, longestWaitMs, crowdWaitMs: undefined } }, by, body)) !==
    undefined
  );
}

/** Two at the same moment, as a double click or an impatient client sends them. */
export async function placeTwins(shop: Shop): Promise<void> {
  const by = shop.random.pick(shop.customers);
  const body = orderBody(shop);
  await Promise.all([placeAs(shop, by, body), placeAs(shop, by, body)]);
}

/** Many customers want the last pieces of one product in the same moment. */
export async function rush(shop: Shop): Promise<void> {
  const productId = shop.products.rushes.shift();
  if (productId === undefined) return;
  const bodies = Array.from({ length: RUSH_BUYERS }, () => bodyOf(shop, [{ product_id: productId, quantity: 1 }]));
  await Promise.all(bodies.map((body) => placeAs(shop, shop.random.pick(shop.customers), body)));
  shop.products.rushes.push(await shop.newProduct('rush', RUSH_PIECES));
}

/** An order that is long known, once more: as a client does whose own memory was lost. */
export async function repeatOrder(shop: Shop): Promise<void> {
  if (shop.open.length === 0) return;
  const { by, body } = shop.random.pick(shop.open);
  await placeAs(shop, by, body as OrderBody);
}

async function placeAs(shop: Shop, by: Session, body: OrderBody): Promise<KnownOrder | undefined> {
  const about = { kind: 'order', by, requestId: body.request_id, asked: askedOf(body) } as const;
  const operation = await shop.recorder.record(about, async () =>
    conclude(
      await untilKnown<Reply>(shop.patience, async () => {
        const reply = await by.request('POST', '/orders', { body });
        return reply === null || leavesOpen(reply) ? { open: reply } : { result: reply, reply };
      }),
      ({ status, data, details }) =>
        status === 201
          ? { ok: true, answer: orderAnswer(data), orderId: (data as { id: number }).id }
          : { ok: false, answer: { details } },
    ),
  );
  if (operation.outcome !== 'ok' || operation.orderId === null) return undefined;
  const known = shop.open.find(({ id }) => id === operation.orderId);
  if (known !== undefined) return known;
  const order = {
    id: operation.orderId,
    by,
    requestId: body.request_id,
    body,
    placedMs: operation.endedMs,
    paymentId: null,
  };
  remember(shop.open, order);
  return order;
}

/** One to three different products: any, the one that everybody wants, or one of which there are few. */
function orderBody(shop: Shop): OrderBody {
  const { random, products } = shop;
  const draw = random.fraction();
  const first =
    draw < HOT_SHARE
      ? products.hot
      : draw < HOT_SHARE + SCARCE_SHARE
        ? random.pick(products.scarce)
        : random.pick(products.plenty);
  const chosen = new Set([first]);
  const count = random.between(1, 3);
  while (chosen.size < count) chosen.add(random.pick(products.plenty));
  const pieces = () => random.between(1, MOST_PIECES);
  return bodyOf(
    shop,
    [...chosen].map((product_id) => ({ product_id, quantity: pieces() })),
  );
}

function bodyOf(shop: Shop, items: Item[]): OrderBody {
  return { request_id: shop.nextRequestId(), shipping_address: '1 Main Street, Springfield', items };
}

function askedOf({ items, shipping_address }: OrderBody): Record<string, unknown> {
  return { items, shipping_address, description: '', notes: '' };
}

const ORDER_FIELDS = [
  'id',
  'request_id',
  'status',
  'reason',
  'stock',
  'total_amount',
  'created_at',
  'updated_at',
  'expires_at',
] as const;

/** What the checker needs of an order's view. */
export function orderAnswer(data: unknown): Record<string, unknown> {
  const view = data as Record<string, unknown>;
  const answer: Record<string, unknown> = {};
  for (const field of ORDER_FIELDS) if (field in view) answer[field] = view[field];
  if (Array.isArray(view.items)) {
    answer.items = (view.items as Record<string, unknown>[]).map(({ product_id, quantity, unit_price }) => ({
      product_id,
      quantity,
      unit_price,
    }));
  }
  return answer;
}
