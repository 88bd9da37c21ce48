import type { User } from '@punctual/contracts/grpc/auth';
import type { TimelineEntry } from '@punctual/contracts/grpc/order';
import type { Payment } from '@punctual/contracts/grpc/payment';
import type { Product } from '@punctual/contracts/grpc/product';
import type { CallerOptions } from '@punctual/grpc';
import DataLoader from 'dataloader';
import type { Services } from './services.ts';

/** What the services take at once. */
const MAX_BATCH = 1_000;
const MAX_TIMELINES = 100;

/** What many nodes of one answer ask for, fetched with one call for them all. One set for each request: a cache is somebody's view. */
export type Loaders = {
  readonly user: DataLoader<number, User | undefined>;
  readonly product: DataLoader<number, Product | undefined>;
  /** The latest payment of an order. */
  readonly payment: DataLoader<number, Payment | undefined>;
  readonly timeline: DataLoader<number, TimelineEntry[] | undefined>;
  /** Makes the next load of anything a new call. */
  forget(): void;
};

export function createLoaders(services: Services, caller: CallerOptions): Loaders {
  const user = batched(MAX_BATCH, async (ids) => {
    const { users } = await services.users.batchGetUsers({ ids }, caller);
    return users.map((one) => [one.id, one]);
  });
  const product = batched(MAX_BATCH, async (ids) => {
    const { products } = await services.products.batchGetProducts({ ids }, caller);
    return products.map((one) => [one.id, one]);
  });
  const payment = batched(MAX_BATCH, async (orderIds) => {
    const { payments } = await services.payments.batchGetPaymentsOfOrders({ orderIds }, caller);
    return payments.map((one) => [one.orderId, one]);
  });
  const timeline = batched(MAX_TIMELINES, async (ids) => {
    const { timelines } = await services.orders.batchGetTimelines({ ids }, caller);
    return timelines.map(({ orderId, entries }) => [orderId, entries]);
  });
  return {
    user,
    product,
    payment,
    timeline,
    forget() {
      for (const loader of [user, product, payment, timeline]) loader.clearAll();
    },
  };
}

/** Answers come in no order, and may lack what the caller may not see: they are matched by id. */
function batched<Value>(
  maxBatchSize: number,
  fetch: (ids: number[]) => Promise<(readonly [number, Value])[]>,
): DataLoader<number, Value | undefined> {
  return new DataLoader<number, Value | undefined>(
    async (ids) => {
      const found = new Map(await fetch([...ids]));
      return ids.map((id) => found.get(id));
    },
    { maxBatchSize },
  );
}
