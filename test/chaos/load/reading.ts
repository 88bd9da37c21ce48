import type { ReadOf } from '../types.ts';
import { leavesOpen, type Reply, untilKnown } from './attempts.ts';
import { orderAnswer } from './ordering.ts';
import { conclude } from './recorder.ts';
import type { KnownOrder, Shop } from './shop.ts';

const KINDS = ['order', 'list', 'timeline', 'product'] as const;

type View = Readonly<Record<string, unknown>>;

/** Reads what somebody has just written, one way or another. What it should have seen is for the checker to say. */
export async function readAfter(shop: Shop, order: KnownOrder): Promise<void> {
  const of = shop.random.pick(KINDS);
  const productId = shop.random.fraction() < 0.5 ? shop.products.hot : shop.random.pick(shop.products.plenty);
  const path = {
    order: `/orders/${order.id}`,
    list: '/orders/my-orders?limit=20',
    timeline: `/orders/${order.id}/timeline`,
    product: `/products/${productId}`,
  }[of];
  const isOfOrder = of === 'order' || of === 'timeline';
  const about = { kind: 'read', by: order.by, ...(isOfOrder ? { orderId: order.id } : {}) } as const;
  await shop.recorder.record(about, async () =>
    conclude(
      await untilKnown<Reply>(shop.patience, async () => {
        const reply = await order.by.request('GET', path);
        return reply === null || leavesOpen(reply) ? { open: reply } : { result: reply, reply };
      }),
      (reply) => ({ ok: reply.status === 200, answer: reply.status === 200 ? seen(of, reply) : null }),
    ),
  );
}

function seen(of: ReadOf, { data, totalItems }: Reply): View {
  switch (of) {
    case 'order':
      return { of, ...orderAnswer(data) };
    case 'list':
      return {
        of,
        list: true,
        total: totalItems ?? 0,
        orders: (data as View[]).map(({ id, status }) => ({ id: Number(id), status: String(status) })),
      };
    case 'timeline':
      return {
        of,
        types: (data as View[]).map(({ type }) => String(type)),
        statuses: (data as View[]).flatMap(({ to }) => (to === null ? [] : [String(to)])),
      };
    case 'product': {
      const view = data as View;
      return {
        of,
        product_id: Number(view.id),
        quantity: Number(view.quantity),
        version: Number(view.version),
      };
    }
    default:
      return of satisfies never;
  }
}
