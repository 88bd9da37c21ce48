/**
 * The rule of the saga in small, without clocks, servers and storage: what an order and all that it tells must be after any sequence of
 * events. It is written anew here, and shares nothing with the code that it judges.
 */

export type Step = 'confirmed' | 'shipped' | 'delivered';
/** Which of the payments that a test knows of: the one it tells of, one that was made by a request, or yet another. */
export type Payer = 'told' | 'requested' | 'another';
export type Timer = 'reminder-1' | 'reminder-2' | 'reminder-3' | 'expiry';

export type ModelOrder = {
  /** As SagaDrive.stateOf() names it. */
  state: string;
  stock: 'pending' | 'reserved';
  payer: Payer | undefined;
  waiting: Timer[];
  events: string[];
  mails: string[];
  timeline: string[];
};

export const REFUSED = '409 ILLEGAL_TRANSITION';
const STEPS: readonly string[] = ['PAID, unfulfilled', 'confirmed', 'shipped', 'delivered'];

export function placed(): ModelOrder {
  return {
    state: 'PENDING, stock pending',
    stock: 'pending',
    payer: undefined,
    waiting: ['reminder-1', 'reminder-2', 'reminder-3', 'expiry'],
    events: ['order.created'],
    mails: [],
    timeline: ['order.created'],
  };
}

export const isPending = ({ state }: ModelOrder): boolean => state.startsWith('PENDING');
export const isPaid = ({ state }: ModelOrder): boolean => state.startsWith('PAID');
export const isPayable = (order: ModelOrder): boolean => isPending(order) && order.stock === 'reserved';

export function reserve(order: ModelOrder): void {
  if (order.state !== 'PENDING, stock pending') return;
  order.stock = 'reserved';
  order.state = 'PENDING, stock reserved';
  order.timeline.push('stock.reserved');
  order.mails.push('mail.order-confirmation');
}

export function reject(order: ModelOrder): void {
  if (order.state === 'PENDING, stock pending') end(order, 'OUT_OF_STOCK');
}

export function capture(order: ModelOrder, payer: Payer, isLate = false): void {
  if (!isPending(order)) return;
  if (isLate) end(order, 'PAYMENT_EXPIRED');
  else if (order.stock === 'reserved') {
    order.payer = payer;
    order.waiting = order.waiting.filter((timer) => timer === 'expiry');
    become(order, 'PAID, unfulfilled', 'order.paid');
    order.mails.push('mail.order-paid');
  }
}

export function fail(order: ModelOrder): void {
  order.timeline.push('payment.failed');
}

export function giveBack(order: ModelOrder, payer: Payer): void {
  order.timeline.push('payment.refunded');
  const isEnded = order.state.startsWith('CANCELLED') || order.state === 'REFUNDED';
  if (isEnded || order.payer !== payer) order.mails.push('mail.refund');
}

export function cancel(order: ModelOrder): string {
  if (!isPending(order)) return REFUSED;
  end(order, 'CUSTOMER_CANCELLED');
  return '200';
}

export function refund(order: ModelOrder): string {
  if (!isPaid(order)) return REFUSED;
  order.waiting = [];
  become(order, 'REFUNDED', 'order.refunded');
  return '200';
}

export function move(order: ModelOrder, step: Step): string {
  const before = STEPS[STEPS.indexOf(step) - 1] ?? '';
  if (!isPaid(order) || !order.state.endsWith(before)) return REFUSED;
  become(order, `PAID, ${step}`, 'order.status_changed');
  order.mails.push(`mail.order-${step}`);
  if (step === 'delivered') complete(order);
  return '200';
}

export function due(order: ModelOrder, timer: Timer): void {
  if (!order.waiting.includes(timer)) return;
  order.waiting = order.waiting.filter((other) => other !== timer);
  order.timeline.push('timer.fired');
  if (timer !== 'expiry') order.mails.push('mail.payment-reminder');
  else if (isPaid(order)) complete(order);
  else {
    order.timeline.push(...order.waiting.map(() => 'timer.skipped'));
    end(order, 'PAYMENT_EXPIRED');
  }
}

function complete(order: ModelOrder): void {
  order.waiting = [];
  become(order, 'COMPLETED', 'order.completed');
}

function end(order: ModelOrder, reason: string): void {
  order.waiting = [];
  become(order, `CANCELLED ${reason}`, 'order.cancelled');
  order.mails.push('mail.order-cancelled');
}

function become(order: ModelOrder, state: string, event: string): void {
  order.state = state;
  order.events.push(event);
  order.timeline.push(event);
}
