import { setTimeout as delay } from 'node:timers/promises';
import type { LoadNeed } from '../sabotage/index.ts';
import { placeOrder, placeTwins, repeatOrder, rush } from './ordering.ts';
import { cancel, pay, payAndCancel, refund } from './paying.ts';
import { readAfter } from './reading.ts';
import { type Registered, registerCustomer } from './sessions.ts';
import type { KnownOrder, Shop } from './shop.ts';

/** How often each is drawn. What has nothing to work on yet places an order instead. */
const WEIGHTS = {
  order: 340,
  twins: 40,
  repeat: 40,
  pay: 250,
  cancel: 50,
  payAndCancel: 20,
  refund: 30,
  read: 220,
  register: 8,
  rush: 4,
} as const;
export type Action = keyof typeof WEIGHTS;
/** What a run with this emphasis has more of, so that what was broken on purpose is needed in it. */
const MORE: Readonly<Record<LoadNeed, Partial<Record<Action, number>>>> = {
  twins: { twins: 300 },
  'hot-product': { rush: 30 },
  'declined-cards': { pay: 250 },
  'slow-cards': { payAndCancel: 300 },
  cancels: { cancel: 150 },
  payments: { pay: 250 },
  reads: { read: 500 },
};

export type Weights = readonly (readonly [Action, number])[];

export function weightsFor(emphasis: ReadonlySet<LoadNeed>): Weights {
  return Object.entries(WEIGHTS).map(([name, weight]) => {
    const action = name as Action;
    const more = [...emphasis].map((need) => MORE[need][action] ?? 0);
    return [action, weight + Math.max(0, ...more)] as const;
  });
}

const FIRST_CUSTOMERS = 8;
/** Registering costs a password hash, which is slow on purpose. */
const REGISTER_AT_A_TIME = 4;
/** A platform that is away for long must not take the load generator with it, nor find more than it can catch up with. */
const MOST_IN_FLIGHT_SECONDS = 20;
/** After a write, the same customer reads at once. */
const READ_AFTER_WRITE = 0.35;
const POLL_MS = 100;

export type Load = {
  readonly inFlight: () => number;
  /** Operations that were due and not begun, since too many were under way. */
  readonly skipped: () => number;
  /** No new operations; resolves when all that are under way have ended. */
  stop(): Promise<void>;
};

/** The first customers, before the load begins. */
export async function firstCustomers(shop: Shop): Promise<void> {
  for (let number = 0; number < FIRST_CUSTOMERS; number += REGISTER_AT_A_TIME) {
    await Promise.all(Array.from({ length: REGISTER_AT_A_TIME }, (_, index) => register(shop, number + index + 1)));
  }
  if (shop.customers.length === 0) throw new Error('no customer could be registered');
}

/**
 * Starts operations at a constant rate whatever the platform does, since real customers do not wait for each other either.
 * A failure of the load itself, such as an answer that it cannot read, ends the run: `onError` is told.
 */
export function startLoad(shop: Shop, { rate, onError }: { rate: number; onError(error: unknown): void }): Load {
  const running = new Set<Promise<void>>();
  let skipped = 0;
  let isStopped = false;
  let customers = shop.customers.length;
  const gapMs = 1_000 / rate;
  const weights = weightsFor(shop.emphasis);

  const begin = () => {
    if (running.size >= rate * MOST_IN_FLIGHT_SECONDS) {
      skipped += 1;
      return;
    }
    const action = drawAction(shop, weights);
    if (action === 'register') customers += 1;
    const work = perform(shop, action, customers).catch(onError);
    const tracked = work.finally(() => running.delete(tracked));
    running.add(tracked);
  };

  const pacing = (async () => {
    let dueMs = performance.now();
    while (!isStopped) {
      for (const now = performance.now(); dueMs <= now; dueMs += gapMs * (0.5 + shop.random.fraction())) begin();
      await delay(Math.min(POLL_MS, Math.max(1, dueMs - performance.now())));
    }
  })();

  return {
    inFlight: () => running.size,
    skipped: () => skipped,
    async stop() {
      isStopped = true;
      await pacing;
      while (running.size > 0) await Promise.all(running);
    },
  };
}

async function perform(shop: Shop, action: Action, customers: number): Promise<void> {
  if (action === 'register') return await register(shop, customers);
  if (action === 'twins') return await placeTwins(shop);
  if (action === 'rush') return await rush(shop);
  if (action === 'repeat') return await repeatOrder(shop);
  if (action === 'order') return await placeAndRead(shop);
  const order = choose(shop, action === 'refund' ? shop.paid : shop.open);
  if (order === undefined) return await placeAndRead(shop);
  if (action === 'pay') await pay(shop, order);
  else if (action === 'cancel') await cancel(shop, order);
  else if (action === 'payAndCancel') await payAndCancel(shop, order);
  else if (action === 'refund') return await refund(shop, order);
  else return await readAfter(shop, order);
  if (shop.random.fraction() < READ_AFTER_WRITE) await readAfter(shop, order);
}

async function placeAndRead(shop: Shop): Promise<void> {
  const order = await placeOrder(shop);
  if (order !== undefined && shop.random.fraction() < READ_AFTER_WRITE) await readAfter(shop, order);
}

/** Mostly one of the latest, sometimes one that may be about to expire. */
function choose({ random }: Shop, orders: readonly KnownOrder[]): KnownOrder | undefined {
  if (orders.length === 0) return undefined;
  return random.fraction() < 0.7 ? random.pick(orders.slice(-30)) : random.pick(orders);
}

async function register(shop: Shop, number: number): Promise<void> {
  const email = `chaos-${number}@example.com`;
  let registered: Registered | null = null;
  await shop.recorder.record({ kind: 'register', by: { userId: null, email } }, async () => {
    const settled = await registerCustomer(shop.gateway, shop.inbox, shop.patience, email);
    registered = settled.registered;
    return {
      attempts: settled.attempts,
      last: settled.last,
      ok: settled.registered === null ? null : true,
      answer: settled.registered?.answer ?? null,
      userId: settled.registered?.answer.id ?? null,
    };
  });
  if (registered !== null) shop.customers.push((registered as Registered).session);
}

function drawAction({ random }: Shop, weights: Weights): Action {
  let draw = random.between(
    1,
    weights.reduce((sum, [, weight]) => sum + weight, 0),
  );
  for (const [action, weight] of weights) {
    draw -= weight;
    if (draw <= 0) return action;
  }
  return 'order';
}
