import type { productApi } from '@punctual/contracts';
import { type Customer, createShopClient, eventually, expectStatus, inboxClient } from '@punctual/testing';
import type { Settings } from './stack.ts';

const PRODUCTS = 50;
const CUSTOMERS = 8;
const PIECES = 1_000_000_000;

export type Shop = { readonly productIds: readonly number[]; readonly customers: readonly Customer[] };

/** Products that never run out, and customers with tokens. */
export async function prepareShop(settings: Settings): Promise<Shop> {
  const client = createShopClient({ gatewayUrl: settings.GATEWAY_URL, inbox: inboxClient(settings.INBOX_URL) });
  const admin = await client.login('admin@punctual.test', 'punctual-admin');
  const productIds: number[] = [];
  for (let number = 1; number <= PRODUCTS; number += 1) {
    const body = { name: `Bench product ${number}`, price: '10.00', quantity: PIECES };
    productIds.push(expectStatus(await admin.request<productApi.ProductView>('POST', '/products', { body }), 201).id);
  }
  const customers = await Promise.all(Array.from({ length: CUSTOMERS }, () => client.newCustomer()));
  const [first] = customers;
  if (first === undefined) throw new Error('no customer could be registered');
  await eventually(async () => {
    const items = productIds.map((product_id) => ({ product_id, quantity: 1 }));
    const order = expectStatus(await first.placeOrder({ items }), 201);
    expectStatus(await first.cancel(order.id), 200);
  });
  return { productIds, customers };
}
