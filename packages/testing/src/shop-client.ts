import { randomUUID } from 'node:crypto';
import type { authApi, orderApi, paymentApi, productApi } from '@punctual/contracts';
import { type Answer, expectStatus } from './answer.ts';
import { definiteAnswer } from './definite-answer.ts';
import type { InboxClient } from './inbox-client.ts';

export type RequestOptions = { token?: string; body?: unknown; headers?: Record<string, string> };
export type OrderRequest = Partial<orderApi.PlaceOrderBody> & {
  items: readonly { readonly product_id: number; readonly quantity: number }[];
};

/**
 * A verified, logged-in customer. `request`, `placeOrder`, `pay` and `cancel` give whatever was answered; `order` and `timeline` ask again
 * while the platform cannot answer.
 */
export type Customer = {
  readonly email: string;
  readonly token: string;
  readonly refreshToken: string;
  request<T>(method: string, path: string, options?: RequestOptions): Promise<Answer<T>>;
  placeOrder(order: OrderRequest): Promise<Answer<orderApi.OrderView>>;
  order(id: number): Promise<orderApi.OrderView>;
  timeline(id: number): Promise<orderApi.TimelineEntry[]>;
  /** With the sandbox's approving test card when no card is given. */
  pay(id: number, method?: paymentApi.CardMethod): Promise<Answer<orderApi.PaidOrderView>>;
  cancel(id: number): Promise<Answer<orderApi.OrderView>>;
};

/**
 * The shop as a client sees it: through the gateway's public address, and the inbox for codes. `request` gives whatever was answered; the
 * others ask again while the platform cannot answer.
 */
export type ShopClient = {
  request<T>(method: string, path: string, options?: RequestOptions): Promise<Answer<T>>;
  /** Registers, reads the code from the inbox, verifies and logs in. */
  newCustomer(email?: string): Promise<Customer>;
  login(email: string, password: string): Promise<Customer>;
  product(id: number): Promise<productApi.ProductView>;
};

const CODE_TIMEOUT_MS = 30_000;
const INBOX_POLL_MS = 200;

export const CUSTOMER_PASSWORD = 'correct horse battery';

export function createShopClient({ gatewayUrl, inbox }: { gatewayUrl: string; inbox: InboxClient }): ShopClient {
  async function request<T>(method: string, path: string, options: RequestOptions = {}): Promise<Answer<T>> {
    const response = await fetch(`${gatewayUrl}${path}`, {
      method,
      headers: {
        ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
        ...options.headers,
      },
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
  }

  async function login(email: string, password: string): Promise<Customer> {
    const tokens = await sure(200, () => request<authApi.Tokens>('POST', '/auth/login', { body: { email, password } }));
    const token = tokens.access_token;
    const own = <T>(method: string, path: string, options: RequestOptions = {}) =>
      request<T>(method, path, { token, ...options });
    return {
      email,
      token,
      refreshToken: tokens.refresh_token,
      request: own,
      placeOrder: (order) =>
        own('POST', '/orders', {
          body: { request_id: randomUUID(), shipping_address: '1 Main Street, Springfield', ...order },
        }),
      order: (id) => sure(200, () => own<orderApi.OrderView>('GET', `/orders/${id}`)),
      timeline: (id) => sure(200, () => own<orderApi.TimelineEntry[]>('GET', `/orders/${id}/timeline`)),
      pay: (id, method) => own('POST', `/orders/${id}/pay`, method === undefined ? {} : { body: { method } }),
      cancel: (id) => own('POST', `/orders/${id}/cancel`),
    };
  }

  return {
    request,
    login,
    async newCustomer(email = `customer-${randomUUID()}@example.com`) {
      const body = { email, password: CUSTOMER_PASSWORD };
      await sure(201, () => request('POST', '/auth/register', { body }));
      const mail = await inbox.waitForMail(email, (received) => /verification code/.test(received.subject), {
        timeoutMs: CODE_TIMEOUT_MS,
        intervalMs: INBOX_POLL_MS,
      });
      const code = /\b\d{6}\b/.exec(mail.text)?.[0];
      await sure(200, () => request('POST', '/auth/verify', { body: { email, verification_token: code } }));
      return await login(email, CUSTOMER_PASSWORD);
    },
    product: (id) => sure(200, () => request<productApi.ProductView>('GET', `/products/${id}`)),
  };
}

async function sure<T>(status: number, ask: () => Promise<Answer<T>>): Promise<T> {
  return expectStatus(await definiteAnswer(ask), status);
}
