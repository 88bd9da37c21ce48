import { setTimeout as delay } from 'node:timers/promises';
import { AppError, unavailable } from '@punctual/http';
import { asUser, type GraphqlContext, requireUser } from './context.ts';
import { isTerminal, type OrderState, progressOf, stateOf } from './order-state.ts';
import type { Watcher } from './order-watch.ts';
import { parseId } from './scalars.ts';

/** After a refresh that failed; Kafka's news are told meanwhile. */
const REFRESH_RETRY_MS = 1_000;

/**
 * One order's state, for as long as the client looks.
 *
 *   watching begins ─▶ the order is read ─▶ its state is told ─▶ news from Kafka: told when they are progress
 *                                                            └─▶ refresh: the order is read again, told when it is progress
 *   over when the order is terminal, the token expires, the client leaves or the gateway stops
 *
 * Watching begins before the first read, so that nothing falls in between; whoever may not read the order never watches it.
 */
export async function orderStatusChanged(
  args: { id: string },
  context: GraphqlContext,
): Promise<AsyncGenerator<OrderState>> {
  const { userId } = requireUser(context);
  const id = parseId(args.id, 'id');
  const over = new AbortController();
  const expiry = AbortSignal.timeout(Math.max(0, context.tokenExpiresAtMs - Date.now()));
  const watcher = context.watch.open(id, `u:${userId}`, AbortSignal.any([context.signal, expiry, over.signal]));
  try {
    return tell(await readState(id, context), { context, watcher, over });
  } catch (error) {
    over.abort();
    throw error;
  }
}

async function* tell(
  first: OrderState,
  { context, watcher, over }: { context: GraphqlContext; watcher: Watcher; over: AbortController },
): AsyncGenerator<OrderState> {
  let known = first;
  try {
    yield known;
    while (!isTerminal(known)) {
      const news = await watcher.next();
      if (news === undefined) return;
      const read = news === 'refresh' ? await readAgain(known.orderId, context, watcher) : news;
      const next = read && progressOf(known, read);
      if (next === undefined) continue;
      known = next;
      // What was loaded for the state before is out of date.
      context.loaders.forget();
      yield known;
    }
  } finally {
    over.abort();
  }
}

async function readState(id: number, context: GraphqlContext): Promise<OrderState> {
  const { order } = await context.services.orders.getOrder({ id }, asUser(context));
  if (order === undefined) throw unavailable('order');
  return stateOf(order);
}

/** Undefined when the order cannot be read at the moment; then it is tried again a little later. */
async function readAgain(id: number, context: GraphqlContext, watcher: Watcher): Promise<OrderState | undefined> {
  try {
    return await readState(id, context);
  } catch (error) {
    const isRefusal = error instanceof AppError && !error.retryable;
    if (isRefusal) throw error;
    delay(REFRESH_RETRY_MS, undefined, { signal: watcher.signal, ref: false }).then(
      () => watcher.refresh(),
      () => undefined,
    );
    return undefined;
  }
}
