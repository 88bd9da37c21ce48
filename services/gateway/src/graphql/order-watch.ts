import { rateLimited, unavailable } from '@punctual/http';
import type { KafkaConnection, KafkaFollower } from '@punctual/messaging';
import type { Metrics } from '@punctual/telemetry';
import { newsOf, type OrderNews, type StateEvent, type StateEvents, stateSchemas } from './order-state.ts';

/** `refresh` asks to read the order anew, since events may have been missed. */
export type News = OrderNews | 'refresh';

export type WatchLimits = { readonly perClient: number; readonly perProcess: number };

/** Orders that clients look at right now, and what Kafka tells of them. Nothing of it outlives the client's connection. */
export type OrderWatch = {
  /**
   * Watches an order until the signal is aborted. Throws RATE_LIMITED when this client watches too many already, and UNAVAILABLE when
   * this process does, or stops.
   */
  open(orderId: number, client: string, signal: AbortSignal): Watcher;
};

export type Watcher = {
  /** Aborted when watching is over, for whatever reason. */
  readonly signal: AbortSignal;
  /** The next news, or undefined when watching is over. */
  next(): Promise<News | undefined>;
  /** Asks for a refresh as if Kafka had been away. */
  refresh(): void;
};

type Watching = { readonly orderId: number; push(news: News): void; end(): void };

/** More than an order can have; a client that reads slower is told to look again instead. */
const MAX_QUEUED = 16;
/** How often each order is looked at again, in case an event was missed for whatever reason. */
const REFRESH_MS = 60_000;
const BUSY_RETRY_AFTER_SECONDS = 1;

export type OrderWatchOptions = {
  readonly kafka: Pick<KafkaConnection, 'follow'>;
  readonly limits: WatchLimits;
  readonly metrics: Metrics;
};

export function createOrderWatch({ kafka, limits, metrics }: OrderWatchOptions) {
  const byOrder = new Map<string, Set<Watching>>();
  const byClient = new Map<string, number>();
  let total = 0;
  let isStopping = false;

  metrics.gauge({
    name: 'graphql_subscriptions',
    help: 'Subscriptions that are open.',
    collect() {
      this.set(total);
    },
  });

  const follower: KafkaFollower = kafka.follow<StateEvents>({
    name: 'gateway-orders',
    topics: ['order'],
    schemas: stateSchemas,
    isWatched: (key) => byOrder.has(key),
    onEvent({ type, data }) {
      const news = newsOf({ type, data } as StateEvent);
      for (const watching of byOrder.get(String(data.order_id)) ?? []) watching.push(news);
    },
    onFollowing() {
      for (const watching of all()) watching.push('refresh');
    },
  });

  function all(): Watching[] {
    return [...byOrder.values()].flatMap((watchers) => [...watchers]);
  }

  function count(client: string, change: 1 | -1): void {
    total += change;
    const open = (byClient.get(client) ?? 0) + change;
    if (open === 0) byClient.delete(client);
    else byClient.set(client, open);
  }

  function open(orderId: number, client: string, signal: AbortSignal): Watcher {
    if (isStopping || total >= limits.perProcess) throw unavailable('gateway', BUSY_RETRY_AFTER_SECONDS);
    if ((byClient.get(client) ?? 0) >= limits.perClient) {
      throw rateLimited(BUSY_RETRY_AFTER_SECONDS, `At most ${limits.perClient} subscriptions at a time.`);
    }
    const ended = new AbortController();
    const queue: News[] = [];
    let wake = Promise.withResolvers<void>();
    const key = String(orderId);
    const refreshing = setInterval(() => watching.push('refresh'), REFRESH_MS).unref();
    const watching: Watching = {
      orderId,
      push(news) {
        if (queue.length >= MAX_QUEUED) queue.splice(0, queue.length, 'refresh');
        else queue.push(news);
        wake.resolve();
      },
      end() {
        if (ended.signal.aborted) return;
        ended.abort();
        clearInterval(refreshing);
        signal.removeEventListener('abort', watching.end);
        const watchers = byOrder.get(key);
        watchers?.delete(watching);
        if (watchers?.size === 0) byOrder.delete(key);
        count(client, -1);
        wake.resolve();
      },
    };
    byOrder.set(key, (byOrder.get(key) ?? new Set()).add(watching));
    count(client, 1);
    if (signal.aborted) watching.end();
    else signal.addEventListener('abort', watching.end);
    // Followed from the first subscription on, for a gateway without any need not read what the shop does. It returns at once; once it
    // follows, everybody who watches looks again.
    void follower.start();

    return {
      signal: ended.signal,
      refresh: () => watching.push('refresh'),
      async next() {
        for (;;) {
          if (ended.signal.aborted) return undefined;
          const news = queue.shift();
          if (news !== undefined) return news;
          await wake.promise;
          wake = Promise.withResolvers<void>();
        }
      },
    };
  }

  return {
    open,
    name: 'order watch',
    start: () => Promise.resolve(),
    /** Ends every subscription: each is completed towards its client, who may subscribe again elsewhere. */
    async stop(): Promise<void> {
      isStopping = true;
      for (const watching of all()) watching.end();
      await follower.stop();
    },
  };
}
