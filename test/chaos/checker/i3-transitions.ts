import type { History, Verdict } from '../types.ts';
import { orderIdOf, type ShopEvent, shopEvents } from './event-stream.ts';
import type { Evidence, OrderRow, OrderStatus, TimelineRow } from './evidence.ts';
import { createTally, type Tally } from './tally.ts';

const CLAIM =
  'Orders take legal steps only and never leave their end; timeline, state and events on Kafka tell the same steps, each once.';

const LEGAL: Readonly<Record<OrderStatus, readonly string[]>> = {
  PENDING: ['PAID', 'CANCELLED'],
  PAID: ['COMPLETED', 'REFUNDED'],
  COMPLETED: [],
  CANCELLED: [],
  REFUNDED: [],
};

/** The events that tell a status, and which. */
const STATUS_TOLD: Readonly<Record<string, OrderStatus>> = {
  'order.created': 'PENDING',
  'order.paid': 'PAID',
  'order.completed': 'COMPLETED',
  'order.cancelled': 'CANCELLED',
  'order.refunded': 'REFUNDED',
};

/** attempted: orders; acknowledged: steps in the timelines. */
export function checkTransitions(history: Pick<History, 'faults'>, evidence: Evidence): Verdict {
  const tally = createTally('I3', CLAIM);
  const steps = Map.groupBy(
    evidence.timeline.filter(({ type }) => type in STATUS_TOLD),
    ({ orderId }) => orderId,
  );
  const told = Map.groupBy(
    shopEvents(history, evidence).filter(({ type }) => type in STATUS_TOLD),
    orderIdOf,
  );
  const orders = new Set(evidence.orders.map(({ id }) => id));
  const reordered = reorderedTypes(history);
  tally.attempted(evidence.orders.length);
  for (const order of evidence.orders) {
    const own = steps.get(order.id) ?? [];
    tally.acknowledged(own.length);
    checkSteps(tally, order, own);
    checkTold(tally, order, own, told.get(order.id) ?? [], reordered);
    checkRest(tally, order, evidence);
  }
  for (const [orderId, events] of told) {
    const ids = events.map(({ id, type }) => `${type} ${id}`).join(', ');
    if (!orders.has(orderId)) tally.unexpected(`Kafka tells of order ${orderId}, which does not exist: ${ids}`);
  }
  return tally.verdict();
}

/** Types of events that a fault held back on purpose: where they stand says nothing. */
function reorderedTypes({ faults }: Pick<History, 'faults'>): Set<unknown> {
  return new Set(faults.flatMap(({ notes }) => (Array.isArray(notes.reordered) ? (notes.reordered as unknown[]) : [])));
}

/** From creation to the state that is stored, each step from where the one before led. */
function checkSteps(tally: Tally, { id, status }: OrderRow, steps: readonly TimelineRow[]): void {
  const [first, ...rest] = steps;
  if (first?.to !== 'PENDING') {
    tally.lost(`order ${id}: its timeline does not begin with its creation`);
    return;
  }
  let current: OrderStatus = 'PENDING';
  for (const step of rest) {
    const to: OrderStatus = STATUS_TOLD[step.type] ?? current;
    const shown = `order ${id}: entry ${step.id} goes from ${step.from} to ${step.to}`;
    if (step.from !== current || step.to !== to || !LEGAL[current].includes(to)) {
      tally.unexpected(`${shown}, it was ${current}`);
    }
    current = to;
  }
  if (current !== status) tally.unexpected(`order ${id} is ${status}, its timeline ends with ${current}`);
}

/** Each step of the timeline is one event on Kafka, and in the same order. */
function checkTold(
  tally: Tally,
  { id }: OrderRow,
  steps: readonly TimelineRow[],
  events: readonly ShopEvent[],
  reordered: ReadonlySet<unknown>,
): void {
  const shown = events.map((event) => `${event.type} ${event.id}`).join(', ');
  let isSame = true;
  for (const type of Object.keys(STATUS_TOLD)) {
    const happened = steps.filter((step) => step.type === type).length;
    const announced = events.filter((event) => event.type === type).length;
    if (happened !== announced) isSame = false;
    if (happened > announced) tally.lost(`order ${id}: ${type} happened and was never told`);
    else if (happened === 0 && announced > 0) tally.unexpected(`order ${id}: told what never happened: ${shown}`);
    else if (announced > happened) {
      tally.duplicated(`order ${id}: ${type} happened once and was told as ${shown}`, announced - happened);
    }
  }
  const order = (list: readonly { readonly type: string }[]): string =>
    list.flatMap(({ type }) => (reordered.has(type) ? [] : [type])).join(' ');
  if (isSame && order(steps) !== order(events)) tally.unexpected(`order ${id}: events out of order: ${shown}`);
}

/** What has not ended waits for its expiry, and has its pieces. */
function checkRest(tally: Tally, { id, status, stock }: OrderRow, { timers }: Evidence): void {
  if (status !== 'PENDING' && status !== 'PAID') return;
  if (stock !== 'reserved') tally.lost(`order ${id} is ${status} and still knows nothing of its stock: ${stock}`);
  const waits = timers.some((timer) => timer.orderId === id && timer.kind === 'expiry' && timer.state === 'waiting');
  if (!waits) tally.lost(`order ${id} is ${status} and no timer will end it`);
}
