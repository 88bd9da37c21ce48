import type { InboxClient } from '@punctual/testing';
import { type Gateway, leavesOpen, type Patience, type Reply, type RequestOptions, untilKnown } from './attempts.ts';

const CUSTOMER_PASSWORD = 'correct horse battery';
/** Renewed this long before a token ends. */
const RENEW_AHEAD_MS = 30_000;
const CODE_TIMEOUT_MS = 5_000;
const INBOX_POLL_MS = 250;

/** Somebody who is logged in and stays so. */
export type Session = {
  readonly userId: number | null;
  readonly email: string;
  /** With a token that is still good; null when there was no answer, also to the renewal. */
  request(method: string, path: string, options?: RequestOptions): Promise<Reply | null>;
};

type Tokens = { access_token: string; refresh_token: string; expires_in: number };

/** Logs in at the first request; then exchanges its refresh token, and logs in again when that is no longer taken. */
export function createSession(
  gateway: Gateway,
  { userId, email, password }: { userId: number | null; email: string; password: string },
): Session {
  let tokens: Tokens | undefined;
  let renewAtMs = 0;
  let renewing: Promise<Reply | null> | undefined;

  async function renew(): Promise<Reply | null> {
    let reply: Reply | null = null;
    if (tokens !== undefined) {
      reply = await gateway.request('POST', '/auth/refresh', { body: { refresh_token: tokens.refresh_token } });
      // Whether it was exchanged is open after a lost answer, and using it twice ends the session.
      tokens = undefined;
    }
    if (reply?.status !== 200) reply = await gateway.request('POST', '/auth/login', { body: { email, password } });
    if (reply?.status !== 200) return reply;
    tokens = reply.data as Tokens;
    renewAtMs = performance.now() + tokens.expires_in * 1_000 - RENEW_AHEAD_MS;
    return reply;
  }

  return {
    userId,
    email,
    async request(method, path, options = {}) {
      if (tokens === undefined || performance.now() > renewAtMs) {
        renewing ??= renew().finally(() => {
          renewing = undefined;
        });
        const reply = await renewing;
        if (tokens === undefined) return reply === null || leavesOpen(reply) ? null : { ...reply, status: 401 };
      }
      const used = tokens;
      const reply = await gateway.request(method, path, { ...options, token: used.access_token });
      // A clock that was moved makes tokens end early; the next attempt comes with a new one.
      if (reply?.status === 401 && tokens === used) renewAtMs = 0;
      return reply;
    },
  };
}

export type Registered = { readonly session: Session; readonly answer: { id: number; email: string; verified: true } };

/** Registers, reads the code from the inbox, verifies and logs in: each step until it is known to be done. */
export async function registerCustomer(
  gateway: Gateway,
  inbox: InboxClient,
  patience: Patience,
  email: string,
): Promise<{ attempts: number; last: Reply | null; registered: Registered | null }> {
  const post = (path: string, body: object, done: number) =>
    untilKnown<{ reply: Reply }>(patience, async () => {
      const reply = await gateway.request('POST', path, { body });
      return reply === null || leavesOpen(reply) || reply.status !== done
        ? { open: reply }
        : { result: { reply }, reply };
    });

  const created = await post('/auth/register', { email, password: CUSTOMER_PASSWORD }, 201);
  let attempts = created.attempts;
  if (created.result === null) return { attempts, last: created.last, registered: null };
  // After a lost answer a second registration answers with an id that is nobody's; the first's is only known from the token.
  const id = (created.result.reply.data as { id: number }).id;

  const verified = await untilKnown<{ reply: Reply }>(patience, async () => {
    const codes = await codesTo(inbox, email);
    let open: Reply | null = null;
    for (const verification_token of codes) {
      const reply = await gateway.request('POST', '/auth/verify', { body: { email, verification_token } });
      if (reply?.status === 200) return { result: { reply }, reply };
      open = reply;
    }
    // A code that was used though its answer was lost shows in a login that works.
    const login = await gateway.request('POST', '/auth/login', { body: { email, password: CUSTOMER_PASSWORD } });
    return login?.status === 200 ? { result: { reply: login }, reply: login } : { open: open ?? login };
  });
  attempts += verified.attempts - 1;
  if (verified.result === null) return { attempts, last: verified.last, registered: null };

  const unnamed = createSession(gateway, { userId: null, email, password: CUSTOMER_PASSWORD });
  const me = await untilKnown<{ id: number }>(patience, async () => {
    const reply = await unnamed.request('GET', '/users/me');
    return reply?.status === 200 ? { result: { id: (reply.data as { id: number }).id }, reply } : { open: reply };
  });
  const userId = me.result?.id ?? id;
  return {
    attempts,
    last: me.last,
    registered:
      me.result === null
        ? null
        : { session: { ...unnamed, userId, request: unnamed.request }, answer: { id: userId, email, verified: true } },
  };
}

/** The latest first. Empty when the inbox is away or the mail has not come yet. */
async function codesTo(inbox: InboxClient, email: string): Promise<string[]> {
  try {
    await inbox.waitForMail(email, ({ subject }) => /verification code/.test(subject), {
      timeoutMs: CODE_TIMEOUT_MS,
      intervalMs: INBOX_POLL_MS,
    });
    const mails = await inbox.mailsTo(email);
    return mails.flatMap(({ text }) => /\b\d{6}\b/.exec(text)?.[0] ?? []).toReversed();
  } catch (error) {
    if (error instanceof Error) return [];
    throw error;
  }
}
