/** What an attacker has and a shop's client has not: client addresses of their own, odd requests, and the stack's database to look at. */
import { randomInt } from 'node:crypto';
import { type IncomingMessage, request } from 'node:http';
import { type Answer, eventually } from '@punctual/testing';
import { Client } from 'pg';
import { inbox, settings } from '../platform.ts';

type RequestOptions = { token?: string; body?: unknown; headers?: Record<string, string> };

type StackSettings = {
  readonly STACK_HOME: string;
  readonly DATABASE_PREFIX: string;
  readonly AUTH_URL: string;
  readonly PRODUCT_URL: string;
  readonly ORDER_URL: string;
  readonly PAYMENT_URL: string;
  readonly MAIL_URL: string;
  readonly GATEWAY_DIRECT_URL: string;
  readonly JWT_SIGNING_KEY_FILE: string;
};

export const stackSettings: StackSettings = JSON.parse(process.env.PUNCTUAL_TEST_SETTINGS ?? '{}');

/** As every customer of these tests has it. */
export const PASSWORD = 'correct horse battery';
export const WRONG_PASSWORD = 'wrong horse battery';
/** An id that nothing has. */
export const NOBODY = 999_999_999;

export const DATABASES = ['auth', 'product', 'order', 'payment', 'mail'] as const;

/**
 * A client address that nothing has come from yet, so that what is done from it empties no bucket of other tests. All of
 * 127.0.0.0/8 is this machine, and HAProxy tells the gateway which of them it was.
 */
export function freshAddress(): string {
  return `127.${randomInt(1, 250)}.${randomInt(1, 250)}.${randomInt(1, 250)}`;
}

/** Sends a request to the gateway from this client address. */
export async function askFrom<T>(
  address: string,
  method: string,
  path: string,
  { token, body, headers = {} }: RequestOptions = {},
): Promise<Answer<T>> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const sent = request(new URL(path, settings.GATEWAY_URL), {
      method,
      localAddress: address,
      agent: false,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...headers,
      },
    });
    sent.once('response', resolve).once('error', reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(Buffer.from(chunk));
  const text = Buffer.concat(chunks).toString();
  return {
    status: response.statusCode ?? 0,
    headers: new Headers(
      Object.entries(response.headers).map(([name, value]): [string, string] => [name, String(value)]),
    ),
    body: text === '' ? undefined : JSON.parse(text),
  };
}

/** Status and error code, for comparisons. */
export function refusal({ status, body }: Answer<unknown>): [number, string | undefined] {
  return [status, body?.error?.code];
}

/** The answer as an observer compares it: without what differs in any two answers. */
export function looksLike({ status, headers, body }: Answer<unknown>, email: string): string {
  const names = [...headers.keys()].sort().join();
  const text = JSON.stringify(body)
    .replaceAll(email, 'EMAIL')
    .replace(/"id":\d+/, '"id":ID')
    .replace(/"request_id":"[^"]+"/, '');
  return `${status} ${names} ${text}`;
}

/** Asks one of the services' databases on the primary, as its superuser. */
export async function query<Row>(
  database: (typeof DATABASES)[number],
  sql: string,
  values: readonly unknown[] = [],
): Promise<Row[]> {
  const url = new URL(settings.POSTGRES_ADMIN_URL);
  url.pathname = `/${stackSettings.DATABASE_PREFIX}_${database}`;
  const client = new Client({ connectionString: url.href });
  await client.connect();
  try {
    return (await client.query(sql, [...values])).rows;
  } finally {
    await client.end();
  }
}

/** Moves all codes of the address into the past, as if so much time had gone by. */
export async function letTimePass(email: string, interval: string): Promise<void> {
  await query(
    'auth',
    `UPDATE verification_codes SET sent_at = sent_at - $2::interval, expires_at = expires_at - $2::interval
     WHERE user_id = (SELECT id FROM users WHERE email = $1)`,
    [email, interval],
  );
}

/** The codes that were mailed to the address, oldest first, once there are `count` of them. */
export function mailedCodes(email: string, count: number): Promise<string[]> {
  return eventually(
    async () => {
      const codes = (await inbox.mailsTo(email)).flatMap(({ text }) => /\b\d{6}\b/.exec(text)?.[0] ?? []);
      if (codes.length !== count) throw new Error(`${codes.length} codes were mailed to ${email}, not ${count}`);
      return codes;
    },
    { timeoutMs: 20_000, intervalMs: 100 },
  );
}

/** Some code that is none of these. */
export function wrongCode(...codes: string[]): string {
  const other = ['111111', '222222', '333333', '444444', '555555', '666666', '777777'].find(
    (code) => !codes.includes(code),
  );
  return other ?? '888888';
}
