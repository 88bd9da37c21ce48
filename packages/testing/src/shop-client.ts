import { randomUUID } from 'node:crypto';
import type { authApi, ErrorBody, orderApi, Paging, paymentApi, productApi } from '@punctual/contracts';
import type { InboxClient } from './inbox-client.ts';

/** What the gateway answered. `body` is undefined for an answer without content. */
export type Answer<T> = { status: number; headers: Headers; body: { data: T; paging?: Paging } & Partial<ErrorBody> };

export type RequestOptions = { token?: string; body?: unknown; headers?: Record<string, string> };
export type OrderRequest = Partial<orderApi.PlaceOrderBody> & { items: { product_id: number; quantity: number }[] };

/** A verified, logged-in customer. */
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

/** The shop as a client sees it: through the gateway's public address, and the inbox for codes. */
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
    const tokens = expectStatus(
      await request<authApi.Tokens>('POST', '/auth/login', { body: { email, password } }),
      200,
    );
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
      order: async (id) => expectStatus(await own<orderApi.OrderView>('GET', `/orders/${id}`), 200),
      timeline: async (id) => expectStatus(await own<orderApi.TimelineEntry[]>('GET', `/orders/${id}/timeline`), 200),
      pay: (id, method) => own('POST', `/orders/${id}/pay`, method === undefined ? {} : { body: { method } }),
      cancel: (id) => own('POST', `/orders/${id}/cancel`),
    };
  }

  return {
    request,
    login,
    async newCustomer(email = `customer-${randomUUID()}@example.com`) {
      const body = { email, password: CUSTOMER_PASSWORD };
      expectStatus(await request('POST', '/auth/register', { body }), 201);
      const mail = await inbox.waitForMail(email, (received) => /verification code/.test(received.subject), {
        timeoutMs: CODE_TIMEOUT_MS,
        intervalMs: INBOX_POLL_MS,
      });
      const code = /\b\d{6}\b/.exec(mail.text)?.[0];
      expectStatus(await request('POST', '/auth/verify', { body: { email, verification_token: code } }), 200);
      return await login(email, CUSTOMER_PASSWORD);
    },
    product: async (id) => expectStatus(await request<productApi.ProductView>('GET', `/products/${id}`), 200),
  };
}

/** The data of an answer that must have this status; otherwise an error that shows the whole answer. */
export function expectStatus<T>(answer: Answer<T>, status: number): T {
  if (answer.status !== status) {
    throw new Error(`expected status ${status}, got ${answer.status}: ${JSON.stringify(answer.body)}`);
  }
  return answer.body?.data;
}
