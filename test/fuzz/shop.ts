/** Something in the shop to ask about: a customer's orders, one of which is paid, so that requests get beyond 404. */
import { eventually } from '@punctual/testing';

const RESERVED_WITHIN_MS = 30_000;
const REQUEST_TIMEOUT_MS = 15_000;
const CARD = { type: 'card', number: '4242424242424242', exp_month: 12, exp_year: 2099, cvc: '123' };

export type Tokens = { readonly customer: string; readonly admin: string };

export async function prepareShop(gatewayUrl: string): Promise<Tokens> {
  const tokens = {
    customer: await logIn(gatewayUrl, 'customer@punctual.test', 'punctual-customer'),
    admin: await logIn(gatewayUrl, 'admin@punctual.test', 'punctual-admin'),
  };
  // Not the first one by number: a stack that was kept may have lost it to an admin.
  const productId = await orderableProduct(gatewayUrl);
  for (const name of ['paid', 'open']) {
    const { id } = await post<{ id: number }>(gatewayUrl, '/orders', {
      token: tokens.customer,
      body: {
        request_id: `fuzz-${name}-${productId}`,
        shipping_address: '1 Main Street',
        items: [{ product_id: productId, quantity: 1 }],
      },
    });
    if (name !== 'paid') continue;
    // The stock may not be reserved yet, and a kept stack has it paid already.
    await eventually(() => payOnce(gatewayUrl, id, tokens.customer), { timeoutMs: RESERVED_WITHIN_MS });
  }
  return tokens;
}

async function orderableProduct(gatewayUrl: string): Promise<number> {
  const response = await fetch(`${gatewayUrl}/products?in_stock=true&limit=1`, {
    signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
  });
  const { data } = (await response.json()) as { data: { id: number }[] };
  const [product] = data;
  if (product === undefined) throw new Error('no product is in stock; without KEEP=1 the stack begins anew');
  return product.id;
}

async function payOnce(gatewayUrl: string, id: number, token: string): Promise<void> {
  try {
    await post(gatewayUrl, `/orders/${id}/pay`, { token, body: { method: CARD } });
  } catch (error) {
    if (!(error instanceof Refused) || error.code !== 'ILLEGAL_TRANSITION') throw error;
  }
}

async function logIn(gatewayUrl: string, email: string, password: string): Promise<string> {
  const tokens = await post<{ access_token: string }>(gatewayUrl, '/auth/login', { body: { email, password } });
  return tokens.access_token;
}

class Refused extends Error {
  readonly code: string;

  constructor(path: string, status: number, code: string) {
    super(`POST ${path} was answered ${status} ${code}`);
    this.code = code;
  }
}

async function post<T>(
  gatewayUrl: string,
  path: string,
  { token, body }: { token?: string; body: object },
): Promise<T> {
  const response = await fetch(gatewayUrl + path, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
  });
  const answer = (await response.json()) as { data: T; error?: { code: string } };
  if (!response.ok) throw new Refused(path, response.status, answer.error?.code ?? '');
  return answer.data;
}
