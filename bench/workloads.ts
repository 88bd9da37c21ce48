import { CUSTOMER_PASSWORD } from '@punctual/testing';
import type { LoadRequest } from './load/open-loop.ts';
import { createZipf, seededRandom } from './load/zipf.ts';
import type { Shop } from './shop.ts';

const SEED = 20_240_229;
const ZIPF_EXPONENT = 1;
const DUPLICATE_SHARE = 0.3;
/** A duplicate repeats one of so many requests before it. */
const DUPLICATE_REACH = 1_000;
const LOGIN_SHARE = 0.1;

/** Makes request n of a load. Request ids begin with `run`, so that two loads never share one. */
export type RequestSource = (n: number) => LoadRequest;
export type Lines = readonly (readonly [productId: number, quantity: number])[];

/** Requests as ready text: all that differs from one to the next is the body. */
function orderWriter(shop: Shop): (customer: number, requestId: string, lines: Lines) => string {
  const heads = shop.customers.map(
    ({ token }) =>
      `POST /orders HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\ncontent-length: `,
  );
  return (customer, requestId, lines) => {
    const items = lines.map(([id, quantity]) => `{"product_id":${id},"quantity":${quantity}}`).join(',');
    const body = `{"request_id":"${requestId}","shipping_address":"1 Main Street, Springfield","items":[${items}]}`;
    return `${heads[customer % heads.length]}${body.length}\r\n\r\n${body}`;
  };
}

/** W1: two products, each as likely as any other. */
export function uniform(shop: Shop, run: string): RequestSource {
  const write = orderWriter(shop);
  return (n) => ({ kind: 'order', text: write(n, `${run}-${n}`, evenLines(shop, n)) });
}

/** W2: few products are in most orders. */
export function zipf(shop: Shop, run: string): RequestSource {
  const write = orderWriter(shop);
  const rank = createZipf({ size: shop.productIds.length, exponent: ZIPF_EXPONENT, random: seededRandom(SEED) });
  return (n) => {
    const first = rank();
    let second = rank();
    while (second === first) second = rank();
    const lines: Lines = [
      [shop.productIds[first] ?? 0, 1],
      [shop.productIds[second] ?? 0, 2],
    ];
    return { kind: 'order', text: write(n, `${run}-${n}`, lines) };
  };
}

/** W3: every order is for one piece of one product. */
export function hotSku(shop: Shop, run: string, productId: number): RequestSource {
  const write = orderWriter(shop);
  return (n) => ({ kind: 'order', text: write(n, `${run}-${n}`, [[productId, 1]]) });
}

/** W4: nearly a third of the requests are sent a second time, some of them while the first is still under way. */
export function duplicates(shop: Shop, run: string): RequestSource {
  const write = orderWriter(shop);
  const random = seededRandom(SEED);
  const recent: string[] = [];
  let made = 0;
  return (n) => {
    if (recent.length > 0 && random() < DUPLICATE_SHARE) {
      return { kind: 'duplicate', text: recent[Math.floor(random() * recent.length)] ?? '' };
    }
    const text = write(n, `${run}-${n}`, evenLines(shop, n));
    recent[made % DUPLICATE_REACH] = text;
    made += 1;
    return { kind: 'order', text };
  };
}

/** W9: one request in ten is a login, which costs a password hash. */
export function withLogins(shop: Shop, run: string): RequestSource {
  const order = uniform(shop, run);
  const logins = shop.customers.map(({ email }) => {
    const body = JSON.stringify({ email, password: CUSTOMER_PASSWORD });
    return `POST /auth/login HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
  });
  const every = Math.round(1 / LOGIN_SHARE);
  return (n) => {
    if (n % every !== every - 1) return order(n);
    return { kind: 'login', text: logins[Math.floor(n / every) % logins.length] ?? '' };
  };
}

function evenLines({ productIds }: Shop, n: number): Lines {
  const first = n % productIds.length;
  const second = (first + 1 + (n % (productIds.length - 1))) % productIds.length;
  return [
    [productIds[first] ?? 0, 1],
    [productIds[second] ?? 0, 2],
  ];
}
