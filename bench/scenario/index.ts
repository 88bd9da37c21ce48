import type { Bench } from '../step.ts';
import { duplicates, type RequestSource, uniform, withLogins, zipf } from '../workloads.ts';
import { catalogSearch } from './catalog-search.ts';
import { duplicateOrders } from './checks.ts';
import { hotSkuScenario } from './hot-sku.ts';
import { longTransaction } from './long-transaction.ts';
import { orderRate } from './order-rate.ts';
import { productSearch } from './product-search.ts';
import { relayDrain } from './relay-drain.ts';
import { waitingTimers } from './waiting-timers.ts';
import type { Finding, RateOptions, Workload } from './workload.ts';

const rateOf =
  (make: (bench: Bench) => (run: string) => RequestSource, more: { overload?: boolean } = {}) =>
  async (bench: Bench, options: RateOptions): Promise<Finding> => ({
    orders: await orderRate(bench, make(bench), { ...options, ...more }),
    facts: [],
    problems: [],
  });

/** In the order in which they run: what leaves most behind comes last. */
export const WORKLOADS: readonly Workload[] = [
  {
    id: 'W1',
    name: 'uniform',
    about: 'orders of two products, each as likely as any other',
    run: rateOf(
      ({ shop }) =>
        (run) =>
          uniform(shop, run),
      { overload: true },
    ),
  },
  {
    id: 'W2',
    name: 'zipf',
    about: 'a few products are in most orders',
    run: rateOf(
      ({ shop }) =>
        (run) =>
          zipf(shop, run),
    ),
  },
  {
    id: 'W3',
    name: 'hot SKU',
    about: 'all orders on one product; then a scarce one, of which none may be sold twice',
    run: hotSkuScenario,
  },
  {
    id: 'W4',
    name: '30 % duplicates',
    about: 'three requests in ten repeat an earlier one',
    async run(bench, options) {
      const orders = await orderRate(bench, (run) => duplicates(bench.shop, run), options);
      const twice = await duplicateOrders(bench.state);
      return {
        orders,
        facts: [{ name: 'requests with more than one order', value: twice }],
        problems: twice === 0 ? [] : [`${twice} requests have more than one order`],
      };
    },
  },
  {
    id: 'W9',
    name: '10 % logins',
    about: 'one request in ten is a login, which costs a password hash',
    async run(bench, options) {
      const orders = await orderRate(bench, (run) => withLogins(bench.shop, run), options);
      const kinds = Object.entries(orders.calm?.load.byKind ?? {});
      const facts = kinds.map(([kind, { accepted }]) => ({
        name: `p99 of ${kind}s`,
        value: accepted.p99Ms,
        unit: 'ms',
      }));
      return { orders, facts, problems: [] };
    },
  },
  {
    id: 'W5',
    name: 'relay drain',
    about: '200,000 rows in the outbox of the order service, half for Kafka and half for RabbitMQ, all at once',
    run: relayDrain,
  },
  {
    id: 'W7',
    name: 'long transaction',
    about: 'W1 while a transaction holds back the removal of dead rows for the whole of each step',
    run: longTransaction,
  },
  {
    id: 'W8',
    name: 'product search',
    about: '50 searches a second over 100,000 products',
    run: productSearch,
  },
  {
    id: 'W10',
    name: 'search by engine',
    about: '50 searches a second by OpenSearch and by Postgres, and a reindex under writes and searches',
    run: catalogSearch,
  },
  {
    id: 'W6',
    name: 'waiting timers',
    about: 'W1 while a million timers wait and some come due',
    run: waitingTimers,
  },
];
