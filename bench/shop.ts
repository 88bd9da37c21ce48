import type { productApi } from '@punctual/contracts';
import {
  CUSTOMER_PASSWORD,
  type Customer,
  createShopClient,
  eventually,
  expectStatus,
  inboxClient,
} from '@punctual/testing';
import type { Settings } from './stack.ts';

const PRODUCTS = 50;
const CUSTOMERS = 8;
export const ENDLESS_PIECES = 1_000_000_000;
/** Until the order service's copy of the catalog knows a new product; long on a busy machine. */
const KNOWN_TIMEOUT_MS = 60_000;

export type Shop = {
  readonly productIds: readonly number[];
  /** Their tokens end: see `freshTokens`. */
  customers: readonly Customer[];
  newProduct(pieces: number): Promise<number>;
  /** Everybody logs in again. */
  freshTokens(): Promise<void>;
};

/** Products that never run out, and customers with tokens. */
export async function prepareShop(settings: Settings): Promise<Shop> {
  const client = createShopClient({ gatewayUrl: settings.GATEWAY_URL, inbox: inboxClient(settings.INBOX_URL) });
  const customers: Customer[] = [];
  for (let number = 0; number < CUSTOMERS; number += 1) customers.push(await client.newCustomer());
  const shop: Shop = {
    productIds: [],
    customers,
    async newProduct(pieces) {
      const id = await createProduct(pieces);
      await orderable([id]);
      return id;
    },
    async freshTokens() {
      const again: Customer[] = [];
      for (const { email } of shop.customers) again.push(await client.login(email, CUSTOMER_PASSWORD));
      shop.customers = again;
    },
  };

  async function createProduct(quantity: number): Promise<number> {
    const admin = await client.login('admin@punctual.test', 'punctual-admin');
    const body = { name: `Bench product ${Date.now().toString(36)}`, price: '10.00', quantity };
    return expectStatus(await admin.request<productApi.ProductView>('POST', '/products', { body }), 201).id;
  }

  /** Asks without taking a piece: an order that is refused for its price was refused by the copy's price. */
  async function orderable(productIds: readonly number[]): Promise<void> {
    const [first] = shop.customers;
    if (first === undefined) throw new Error('no customer could be registered');
    await eventually(
      async () => {
        const items = productIds.map((product_id) => ({ product_id, quantity: 1 }));
        const order = expectStatus(await first.placeOrder({ items }), 201);
        expectStatus(await first.cancel(order.id), 200);
      },
      { timeoutMs: KNOWN_TIMEOUT_MS, intervalMs: 200 },
    );
  }

  const admin = await client.login('admin@punctual.test', 'punctual-admin');
  const ids: number[] = [];
  for (let number = 1; number <= PRODUCTS; number += 1) {
    const body = { name: `Bench product ${number}`, price: '10.00', quantity: ENDLESS_PIECES };
    ids.push(expectStatus(await admin.request<productApi.ProductView>('POST', '/products', { body }), 201).id);
  }
  await orderable(ids);
  return Object.assign(shop, { productIds: ids });
}
