/**
 * The Stripe provider against stripe-mock, Stripe's own server for tests: it checks every request against Stripe's description of the
 * API and answers with samples. It keeps no state, so a recorder in between plays what an intent has become. Run by `make test-stripe`.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { Stripe } from 'stripe';
import {
  CardRefused,
  OutcomeUnknown,
  type PaymentProvider,
  ProviderUnavailable,
  WebhookRefused,
} from '../src/providers/provider.ts';
import { createStripe } from '../src/providers/stripe.ts';

const WEBHOOK_SECRET = 'whsec_of_the_tests';
const CARD = { number: '4242424242424242', expMonth: 12, expYear: 2_090, cvc: '123' };
/** Stripe's package tells errors apart by their status. */
const STATUS: Readonly<Record<string, number>> = { card_error: 402, invalid_request_error: 400, api_error: 500 };
const signal = new AbortController().signal;

type Recorded = { call: string; key: string | undefined; body: string };
/** What becomes of the sample that the mock answers: fields replaced, or an error in its place, or no answer at all. */
type Play = { fields?: Record<string, unknown>; error?: Record<string, unknown>; lost?: boolean };

describe('the Stripe provider', () => {
  const mockUrl = process.env.STRIPE_MOCK_URL ?? '';
  const requests: Recorded[] = [];
  const plays = new Map<string, Play>();
  let recorder: Server;
  let provider: PaymentProvider;

  before(async () => {
    assert.ok(mockUrl, 'STRIPE_MOCK_URL is set by `make test-stripe`');
    recorder = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(Buffer.from(chunk));
      const body = Buffer.concat(chunks).toString();
      const url = new URL(request.url ?? '', mockUrl);
      const call = `${request.method} ${url.pathname.replace(/pi_\w+/, ':id')}`;
      const key = request.headers['idempotency-key'];
      requests.push({ call, key: typeof key === 'string' ? key : undefined, body: decodeURIComponent(body) });
      const answer = await fetch(url, {
        method: request.method ?? 'GET',
        headers: {
          authorization: String(request.headers.authorization),
          'content-type': String(request.headers['content-type'] ?? 'application/x-www-form-urlencoded'),
        },
        ...(request.method === 'GET' ? {} : { body }),
      });
      const sample = (await answer.json()) as Record<string, unknown>;
      // A request that Stripe's own description refuses fails every test.
      const play: Play = answer.ok ? (plays.get(call) ?? {}) : {};
      if (play.lost === true) {
        request.socket.destroy();
        return;
      }
      response.writeHead(play.error === undefined ? answer.status : (STATUS[String(play.error.type)] ?? 500), {
        'content-type': 'application/json',
      });
      response.end(JSON.stringify(play.error === undefined ? { ...sample, ...play.fields } : { error: play.error }));
    });
    recorder.listen(0, '127.0.0.1');
    await once(recorder, 'listening');
    const address = recorder.address();
    assert.ok(address !== null && typeof address !== 'string');
    provider = createStripe({
      secretKey: 'sk_test_123',
      webhookSecret: WEBHOOK_SECRET,
      protocol: 'http',
      host: '127.0.0.1',
      port: address.port,
      timeoutMs: 5_000,
    });
  });
  after(() => {
    recorder.close();
    recorder.closeAllConnections();
  });
  beforeEach(() => {
    requests.length = 0;
    plays.clear();
  });

  const capture = () => ({
    token: 'pm_card_visa',
    amountMinor: 2_500,
    currency: 'USD',
    idempotencyKey: randomUUID(),
    reference: 'payment:1',
  });
  const calls = () => requests.map(({ call }) => call);
  const CREATE = 'POST /v1/payment_intents';
  const CONFIRM = 'POST /v1/payment_intents/:id/confirm';
  const READ = 'GET /v1/payment_intents/:id';
  const SEARCH = 'GET /v1/payment_intents/search';
  const CANCEL = 'POST /v1/payment_intents/:id/cancel';

  it('turns a card into a token', async () => {
    const { token, last4 } = await provider.tokenize(CARD, signal);
    assert.match(token, /^pm_/);
    assert.equal(last4, '4242');
    assert.deepEqual(calls(), ['POST /v1/payment_methods']);
  });

  it('tells a card that is wrong from a provider that is away', async () => {
    plays.set('POST /v1/payment_methods', { error: { type: 'card_error', code: 'incorrect_number' } });
    await assert.rejects(provider.tokenize(CARD, signal), CardRefused);
    plays.set('POST /v1/payment_methods', { error: { type: 'api_error' } });
    await assert.rejects(provider.tokenize(CARD, signal), ProviderUnavailable);
  });

  it('captures in two steps, each with a key of its own', async () => {
    plays.set(CONFIRM, { fields: { status: 'succeeded' } });
    const request = capture();
    const outcome = await provider.capture(request, signal);
    assert.equal(outcome.outcome, 'captured');
    assert.deepEqual(
      requests.map(({ call, key }) => [call, key]),
      [
        [CREATE, `${request.idempotencyKey}:create`],
        [CONFIRM, `${request.idempotencyKey}:confirm`],
      ],
    );
    assert.ok(requests[0]?.body.includes(`metadata[idempotency_key]=${request.idempotencyKey}`));
    assert.doesNotMatch(JSON.stringify(requests), /4242/);
  });

  it('tells why a card was declined', async () => {
    for (const [declineCode, code] of [
      ['insufficient_funds', 'INSUFFICIENT_FUNDS'],
      ['generic_decline', 'CARD_DECLINED'],
    ] as const) {
      plays.set(CONFIRM, { error: { type: 'card_error', code: 'card_declined', decline_code: declineCode } });
      assert.deepEqual(await provider.capture(capture(), signal), { outcome: 'declined', code });
    }
  });

  it('knows nothing when the answer to the confirmation is lost, and that nothing happened when it came to none', async () => {
    plays.set(CONFIRM, { lost: true });
    await assert.rejects(provider.capture(capture(), signal), OutcomeUnknown);
    assert.equal(new Set(requests.filter(({ call }) => call === CONFIRM).map(({ key }) => key)).size, 1);
    plays.set(CREATE, { lost: true });
    await assert.rejects(provider.capture(capture(), signal), ProviderUnavailable);
  });

  it('looks up by repeating what takes no money, and cancels what was not confirmed', async () => {
    plays.set(READ, { fields: { status: 'requires_confirmation', last_payment_error: null } });
    const request = capture();
    assert.deepEqual(await provider.lookup(request, signal), { outcome: 'unknown' });
    assert.deepEqual(calls(), [SEARCH, CREATE, READ, CANCEL]);
    assert.equal(requests[1]?.key, `${request.idempotencyKey}:create`);
  });

  it('looks up a capture that went through, and never confirms', async () => {
    plays.set(READ, { fields: { status: 'succeeded' } });
    assert.equal((await provider.lookup(capture(), signal)).outcome, 'captured');
    assert.deepEqual(calls(), [SEARCH, CREATE, READ]);
  });

  it('does not judge an intent that is still being processed', async () => {
    plays.set(READ, { fields: { status: 'processing' } });
    await assert.rejects(provider.lookup(capture(), signal), OutcomeUnknown);
    assert.ok(!calls().includes(CANCEL));
  });

  it('refunds with the key it is given, and takes a refund that was made before as done', async () => {
    plays.set('POST /v1/refunds', { fields: { status: 'succeeded' } });
    const refund = { providerReference: 'pi_1', amountMinor: 2_500, currency: 'USD', idempotencyKey: 'refund:1' };
    assert.ok((await provider.refund(refund, signal)).refundedAt instanceof Date);
    assert.equal(requests[0]?.key, 'refund:1');
    plays.set('POST /v1/refunds', { error: { type: 'invalid_request_error', code: 'charge_already_refunded' } });
    assert.ok((await provider.refund(refund, signal)).refundedAt instanceof Date);
  });

  it('takes webhooks that Stripe signed a short while ago, and no others', async () => {
    const payload = JSON.stringify({
      id: 'evt_1',
      object: 'event',
      type: 'payment_intent.succeeded',
      created: 1_769_851_800,
      data: { object: { id: 'pi_1', object: 'payment_intent', metadata: { idempotency_key: 'key' } } },
    });
    const header = new Stripe('sk_test_123').webhooks.generateTestHeaderString({ payload, secret: WEBHOOK_SECRET });
    const verify = (body: string, signature: string | undefined, at = new Date()) =>
      provider.verifyWebhook(Buffer.from(body), signature === undefined ? {} : { 'stripe-signature': signature }, at);
    assert.deepEqual(await verify(payload, header), {
      type: 'charge.succeeded',
      idempotencyKey: 'key',
      outcome: { outcome: 'captured', providerReference: 'pi_1', capturedAt: new Date(1_769_851_800_000) },
    });
    const later = new Date(Date.now() + 310_000);
    for (const refused of [
      () => verify(payload, undefined),
      () => verify(payload.replace('pi_1', 'pi_2'), header),
      () => verify(payload, header, later),
    ]) {
      await assert.rejects(async () => refused(), WebhookRefused);
    }
  });
});
