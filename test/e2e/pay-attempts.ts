/** The ways to pay an order, as a careful client goes them: again while the outcome is unknown, until an answer is definite. */
import type { paymentApi } from '@punctual/contracts';
import { type Answer, type Customer, definiteAnswer } from '@punctual/testing';

export const CARDS = {
  approve: '4242424242424242',
  slow: '4000000000000077',
  lostCaptured: '4000000000000119',
} as const;

/** What one attempt came to: every status it was answered, the last one being definite. */
export type Attempt = {
  readonly way: string;
  readonly statuses: readonly number[];
  readonly status: number;
  readonly code: string | undefined;
  readonly answeredMs: number;
};

type Step = () => Promise<Answer<unknown>>;
type PayBody = { method: paymentApi.CardMethod };

export function cardOf(number: string): paymentApi.CardMethod {
  return { type: 'card', number, exp_month: 12, exp_year: 2_090, cvc: '123' };
}

/** `POST /payments`, then `POST /payments/:id/process`, of the payment that is there already if there is one. */
export function payThroughPayments(customer: Customer, orderId: number, number: string): Promise<Attempt> {
  return attempt('payments', async (ask) => {
    const body = { order_id: orderId, method: cardOf(number) };
    const created = await ask(() => customer.request<paymentApi.PaymentView>('POST', '/payments', { body }));
    const id = paymentIdOf(created);
    if (id === undefined) return created;
    return await ask(() => customer.request<paymentApi.PaymentView>('POST', `/payments/${id}/process`));
  });
}

/** `POST /orders/:id/pay` or `POST /orders/pay`. */
export function payThroughOrders(
  customer: Customer,
  orderId: number,
  number: string,
  way: 'orders' | 'orders by reference' = 'orders',
): Promise<Attempt> {
  const body: PayBody = { method: cardOf(number) };
  return attempt(way, (ask) =>
    ask(() =>
      way === 'orders'
        ? customer.request('POST', `/orders/${orderId}/pay`, { body })
        : customer.request('POST', '/orders/pay', { body: { order_id: orderId, ...body } }),
    ),
  );
}

/** One request, under the same rule. */
export function attempt(
  way: string,
  steps: (ask: (step: Step) => Promise<Answer<unknown>>) => Promise<Answer<unknown>>,
): Promise<Attempt> {
  const statuses: number[] = [];
  const ask = (step: Step) =>
    definiteAnswer(async () => {
      const answer = await step();
      statuses.push(answer.status);
      return answer;
    });
  return steps(ask).then(({ status, body }) => ({
    way,
    statuses,
    status,
    code: body.error?.code,
    answeredMs: Date.now(),
  }));
}

/** How many attempts were answered what, for the report of a failed test. */
export function tally(attempts: readonly Attempt[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { way, status, code = '' } of attempts) {
    const answer = `${way}: ${status} ${code}`.trim();
    counts[answer] = (counts[answer] ?? 0) + 1;
  }
  return counts;
}

function paymentIdOf(answer: Answer<unknown>): number | undefined {
  const { data, error } = answer.body;
  const found: unknown = answer.status === 201 ? data : error?.code === 'PAYMENT_EXISTS' ? error.details : undefined;
  if (typeof found !== 'object' || found === null) return undefined;
  const id: unknown = 'payment_id' in found ? found.payment_id : 'id' in found ? found.id : undefined;
  return typeof id === 'number' ? id : undefined;
}
