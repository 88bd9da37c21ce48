/** The running test stack, as the end-to-end tests see it: through the gateway, and through the stack's own commands for faults. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { orderApi, productApi } from '@punctual/contracts';
import {
  type Answer,
  type Customer,
  createShopClient,
  definiteAnswer,
  eventually,
  expectStatus,
  inboxClient,
  type OrderRequest,
} from '@punctual/testing';

const ROOT = join(import.meta.dirname, '../..');
const STACK_COMMAND_TIMEOUT_MS = 120_000;

type Settings = {
  readonly STACK: string;
  readonly STACK_HOME: string;
  readonly GATEWAY_URL: string;
  readonly AUTH_URL: string;
  readonly PRODUCT_URL: string;
  readonly ORDER_URL: string;
  readonly PAYMENT_URL: string;
  readonly INBOX_URL: string;
  readonly TIME_SCALE: string;
  readonly DATABASE_PREFIX: string;
  readonly POSTGRES_ADMIN_URL: string;
  readonly POSTGRES_REPLICA_ADMIN_URL: string;
  readonly POSTGRES_REPLICA_PROGRAM: string;
  readonly REDIS_NODES: string;
  readonly GATEWAY_DIRECT_URL: string;
  readonly MAIL_URL: string;
};

const json = process.env.PUNCTUAL_TEST_SETTINGS;
if (json === undefined) throw new Error('the end-to-end tests run through `make test` or `node test/run.ts e2e`');

export const settings: Settings = JSON.parse(json);
export const inbox = inboxClient(settings.INBOX_URL);
export const shop = createShopClient({ gatewayUrl: settings.GATEWAY_URL, inbox });

/** At this scale a day of the shop's calendar lasts twenty seconds. */
export const DAY_IN_20_SECONDS = 4_320;

/** An hour of the shop's calendar, in real milliseconds. */
export function hourMs(scale: number): number {
  return 3_600_000 / scale;
}

type ServiceVariables = Readonly<Record<string, Readonly<Record<string, string>>>>;

let timeScale = Number(settings.TIME_SCALE);
let extraVariables: ServiceVariables = {};
let instances: Readonly<Record<string, number>> = {};

/** Runs a command of the stack, such as `stack('kill', 'order')`; resolves when it is done. */
export async function stack(...args: string[]): Promise<void> {
  await stackSays(...args);
}

/** The same, with what it wrote. */
async function stackSays(...args: string[]): Promise<string> {
  const environment: NodeJS.ProcessEnv = {
    ...process.env,
    STACK: settings.STACK,
    TIME_SCALE: String(timeScale),
    INSTANCES: JSON.stringify(instances),
    SERVICE_ENV: JSON.stringify({ ...JSON.parse(process.env.SERVICE_ENV || '{}'), ...extraVariables }),
  };
  delete environment.PORT_BASE;
  const { stdout } = await promisify(execFile)(process.execPath, ['infra/stack.ts', ...args], {
    cwd: ROOT,
    env: environment,
    timeout: STACK_COMMAND_TIMEOUT_MS,
  });
  return stdout;
}

/** Brings the stack to this speed of the shop's calendar, which restarts the order service when it is another one. */
export async function platformAt(scale: number): Promise<void> {
  if (scale !== timeScale) {
    timeScale = scale;
    await stack('up');
  }
  await platformReady();
}

/**
 * Gives services other variables than the stack's own, such as `{payment: {PROVIDER_TIMEOUT: '1s'}}`, which restarts them; the next call
 * without them takes them back.
 */
export async function servicesWith(variables: ServiceVariables): Promise<void> {
  extraVariables = variables;
  await stack('up');
  await platformReady();
}

/** Runs so many processes of a service, one of each that is not named; resolves with the address of each process. */
export async function servicesInNumbers(counts: Readonly<Record<string, number>>): Promise<Record<string, string[]>> {
  instances = counts;
  await stack('up');
  await platformReady();
  const { INSTANCE_URLS } = JSON.parse(await stackSays('env', '--json')) as { INSTANCE_URLS: string };
  return JSON.parse(INSTANCE_URLS) as Record<string, string[]>;
}

/** Resolves when the whole platform answers that it is ready. */
export async function platformReady(): Promise<void> {
  await eventually(
    async () => {
      const answer = await shop.request('GET', '/health/ready');
      if (answer.status !== 200)
        throw new Error(`the gateway answers ${answer.status}: ${JSON.stringify(answer.body)}`);
    },
    { timeoutMs: 60_000, intervalMs: 200 },
  );
}

/** Well within the life of an access token, which a whole run of the tests outlives. */
const LOGIN_LASTS_MS = 5 * 60_000;
let adminLogin: { since: number; customer: Promise<Customer> } | undefined;

export function admin(): Promise<Customer> {
  if (adminLogin === undefined || Date.now() - adminLogin.since > LOGIN_LASTS_MS) {
    adminLogin = { since: Date.now(), customer: shop.login('admin@punctual.test', 'punctual-admin') };
  }
  return adminLogin.customer;
}

/** A product of the test's own, so that nobody else takes its stock. */
export async function newProduct(quantity: number, price = '19.90'): Promise<productApi.ProductView> {
  const body = { name: `Test product ${randomUUID()}`, description: 'For one test', price, quantity };
  const boss = await admin();
  const created = await definiteAnswer(() => boss.request<productApi.ProductView>('POST', '/products', { body }));
  return expectStatus(created, 201);
}

/** Several customers at once; registering costs a password hash each. */
export async function newCustomers(count: number): Promise<Customer[]> {
  return await Promise.all(Array.from({ length: count }, () => shop.newCustomer()));
}

/** Asks until an order is as expected, and returns it. */
export function orderBecomes(
  customer: Customer,
  id: number,
  expected: Partial<orderApi.OrderView>,
  options: { timeoutMs?: number } = {},
): Promise<orderApi.OrderView> {
  return eventually(
    async () => {
      const order = await customer.order(id);
      for (const [field, value] of Object.entries(expected)) {
        const found = order[field as keyof orderApi.OrderView];
        if (found !== value) throw new Error(`order ${id}: ${field} is ${String(found)}, not ${String(value)}`);
      }
      return order;
    },
    { timeoutMs: 15_000, intervalMs: 100, ...options },
  );
}

/** Asks until a product has this quantity. */
export async function quantityBecomes(productId: number, quantity: number): Promise<void> {
  await eventually(
    async () => {
      const found = (await shop.product(productId)).quantity;
      if (found !== quantity) throw new Error(`product ${productId} has ${found} pieces, not ${quantity}`);
    },
    { timeoutMs: 15_000, intervalMs: 100 },
  );
}

type Items = OrderRequest['items'];

/** Places an order under one request_id until the answer is definite, and returns that. */
export function placeUntilKnown(
  customer: Customer,
  order: { request_id: string; items: Items },
  { timeoutMs = 60_000 }: { timeoutMs?: number } = {},
): Promise<Answer<orderApi.OrderView>> {
  return definiteAnswer(() => customer.placeOrder(order), { timeoutMs, intervalMs: 250 });
}

/** The order that a test is about, placed however busy the platform is. */
export async function placedOrder(customer: Customer, items: Items): Promise<orderApi.OrderView> {
  return expectStatus(await placeUntilKnown(customer, { request_id: randomUUID(), items }), 201);
}

/** Pays an order that a test goes on with, however busy the platform is. */
export async function paidOrder(customer: Customer, id: number): Promise<orderApi.PaidOrderView> {
  return expectStatus(await definiteAnswer(() => customer.pay(id)), 200);
}

/** Runs `work` over the items, `limit` at a time, and keeps the order of the results. */
export async function mapWithLimit<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const queue = items.entries();
  await Promise.all(
    Array.from({ length: Math.min(limit, items.length) }, async () => {
      for (const [index, item] of queue) results[index] = await work(item, index);
    }),
  );
  return results;
}
