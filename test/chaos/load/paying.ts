import { leavesOpen, type Reply, untilKnown } from './attempts.ts';
import { orderAnswer } from './ordering.ts';
import { conclude } from './recorder.ts';
import { forget, type KnownOrder, remember, type Shop } from './shop.ts';

/** The sandbox's test cards by what it does with them, and how often each is drawn. */
const CARDS = [
  { card: 'approve', number: '4242424242424242', weight: 76 },
  { card: 'declined', number: '4000000000000002', weight: 8 },
  { card: 'insufficient-funds', number: '4000000000009995', weight: 4 },
  { card: 'slow', number: '4000000000000077', weight: 2 },
  { card: 'lost-captured', number: '4000000000000119', weight: 6 },
  { card: 'lost-not-captured', number: '4000000000000127', weight: 4 },
] as const;
/** Instead of the approved, in a run with this emphasis. */
const MORE = { 'declined-cards': 'declined', 'slow-cards': 'slow' } as const;
const MORE_SHARE = 0.4;
const CARD_WEIGHT = CARDS.reduce((sum, { weight }) => sum + weight, 0);
/** Of the payments: in one go through the order; the others are created and then processed. */
const THROUGH_ORDER = 0.6;

type View = Readonly<Record<string, unknown>>;
type Paid = { readonly ok: boolean; readonly payment: View | null; readonly order: View | null };

/** Pays an order that is open as far as we know, until what became of the payment is known. */
export async function pay(shop: Shop, order: KnownOrder): Promise<void> {
  const { card, number } = drawCard(shop);
  const method = { type: 'card', number, exp_month: 12, exp_year: 2099, cvc: '123' };
  const inOneGo = shop.random.fraction() < THROUGH_ORDER;
  const about = { kind: 'pay', by: order.by, orderId: order.id } as const;
  let payment: View | null = null;
  const operation = await shop.recorder.record(about, async () =>
    conclude(
      await untilKnown<Paid>(shop.patience, async (attempt) => {
        // An attempt whose answer was lost may have done it: ask before asking again.
        if (attempt > 1) {
          const known = await outcomeOf(order);
          if (known !== undefined) return known;
        }
        return inOneGo ? await payThroughOrder(order, method) : await payInSteps(order, method);
      }),
      (paid) => {
        payment = paid.payment;
        return { ok: paid.ok, answer: { ...paid.order, card, payment: paid.payment } };
      },
    ),
  );
  if (operation.outcome !== 'ok' || payment === null) return;
  order.paymentId = Number((payment as View).id);
  forget(shop.open, order);
  remember(shop.paid, order);
}

type Attempt = { result: Paid; reply: Reply } | { open: Reply | null };

async function payThroughOrder(order: KnownOrder, method: object): Promise<Attempt> {
  const reply = await order.by.request('POST', `/orders/${order.id}/pay`, { body: { method } });
  if (reply === null || leavesOpen(reply) || staysOpen(reply)) return { open: reply };
  if (reply.status !== 200) return refusal(reply);
  const { payment, ...view } = reply.data as View & { payment: View };
  return { result: { ok: true, payment: paymentAnswer(payment), order: orderAnswer(view) }, reply };
}

async function payInSteps(order: KnownOrder, method: object): Promise<Attempt> {
  const created = await order.by.request('POST', '/payments', { body: { order_id: order.id, method } });
  if (created === null || leavesOpen(created)) return { open: created };
  let id: number;
  if (created.status === 201) id = Number((created.data as View).id);
  else if (created.code === 'PAYMENT_EXISTS') {
    const existing = await order.by.request('GET', `/payments/order/${order.id}`);
    if (existing?.status !== 200) return { open: existing };
    id = Number((existing.data as View).id);
  } else return created.code === 'STOCK_PENDING' ? { open: created } : refusal(created);

  const reply = await order.by.request('POST', `/payments/${id}/process`);
  if (reply === null || leavesOpen(reply)) return { open: reply };
  if (reply.status !== 200) return reply.status === 404 ? { open: reply } : refusal(reply);
  return settled(reply);
}

/** Undefined when nothing is known of a payment, so that it is asked for again. */
async function outcomeOf(order: KnownOrder): Promise<Attempt | undefined> {
  const reply = await order.by.request('GET', `/payments/order/${order.id}`);
  if (reply === null || leavesOpen(reply)) return { open: reply };
  if (reply.status !== 200) return undefined;
  // Prepared and not begun: the next step is to begin.
  return (reply.data as View).status === 'pending' ? undefined : settled(reply);
}

function settled(reply: Reply): Attempt {
  const payment = paymentAnswer(reply.data as View);
  if (payment.status === 'succeeded' || payment.status === 'refunded') {
    return { result: { ok: true, payment, order: null }, reply };
  }
  if (payment.status === 'failed') return { result: { ok: false, payment, order: null }, reply };
  return { open: reply };
}

function refusal(reply: Reply): Attempt {
  return { result: { ok: false, payment: null, order: null }, reply };
}

/** Answers that say to come back: the stock is not reserved yet, or another payment is still at work. */
function staysOpen({ code }: Reply): boolean {
  return code === 'STOCK_PENDING' || code === 'PAYMENT_EXISTS';
}

export async function cancel(shop: Shop, order: KnownOrder): Promise<void> {
  const about = { kind: 'cancel', by: order.by, orderId: order.id } as const;
  const operation = await shop.recorder.record(about, async () =>
    conclude(
      await untilKnown<Reply>(shop.patience, async (attempt) => {
        const reply = await order.by.request('POST', `/orders/${order.id}/cancel`);
        if (reply === null || leavesOpen(reply)) return { open: reply };
        if (reply.status === 200 || attempt === 1) return { result: reply, reply };
        // Refused after an attempt without an answer: perhaps since that one did it.
        const seen = await order.by.request('GET', `/orders/${order.id}`);
        if (seen?.status !== 200) return { open: seen };
        return (seen.data as View).reason === 'CUSTOMER_CANCELLED'
          ? { result: seen, reply: seen }
          : { result: reply, reply };
      }),
      ({ status, data, details }) =>
        status === 200 ? { ok: true, answer: orderAnswer(data) } : { ok: false, answer: { details } },
    ),
  );
  if (operation.outcome === 'ok') forget(shop.open, order);
}

/** As two windows of one customer do it: only one of them may have its way. */
export async function payAndCancel(shop: Shop, order: KnownOrder): Promise<void> {
  await Promise.all([pay(shop, order), cancel(shop, order)]);
}

/** An administrator gives the money back. */
export async function refund(shop: Shop, order: KnownOrder): Promise<void> {
  forget(shop.paid, order);
  const path = `/payments/${order.paymentId}`;
  const about = { kind: 'refund', by: shop.admin, orderId: order.id } as const;
  await shop.recorder.record(about, async () =>
    conclude(
      await untilKnown<{ ok: boolean; payment: View | null }>(shop.patience, async (attempt) => {
        const reply = await shop.admin.request('POST', `${path}/refund`, { body: {} });
        if (reply === null || leavesOpen(reply)) return { open: reply };
        if (reply.status === 200) return { result: { ok: true, payment: paymentAnswer(reply.data as View) }, reply };
        if (attempt === 1) return { result: { ok: false, payment: null }, reply };
        const seen = await shop.admin.request('GET', path);
        if (seen?.status !== 200) return { open: seen };
        const payment = paymentAnswer(seen.data as View);
        return { result: { ok: payment.status === 'refunded', payment }, reply: seen };
      }),
      ({ ok, payment }) => ({ ok, answer: { payment } }),
    ),
  );
}

function paymentAnswer({ id, order_id, status, failure, captured_at, refunded_at, amount }: View): View {
  return { id, order_id, status, failure, amount, captured_at, refunded_at };
}

function drawCard({ random, emphasis }: Shop): (typeof CARDS)[number] {
  for (const [need, more] of Object.entries(MORE)) {
    const card = CARDS.find((one) => one.card === more);
    if (card !== undefined && emphasis.has(need as keyof typeof MORE) && random.fraction() < MORE_SHARE) return card;
  }
  let draw = random.between(1, CARD_WEIGHT);
  for (const card of CARDS) {
    draw -= card.weight;
    if (draw <= 0) return card;
  }
  return CARDS[0];
}
