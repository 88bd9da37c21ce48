import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { createPolicies } from '@punctual/resilience';
import { createMetrics, silentLogger } from '@punctual/telemetry';
import { type ProtectedProvider, protect } from '../src/providers/protect.ts';
import { CardRefused, OutcomeUnknown, type PaymentProvider, ProviderUnavailable } from '../src/providers/provider.ts';
import { createStripe } from '../src/providers/stripe.ts';

const TOKENIZE = 'POST /v1/payment_methods';
const SEARCH = 'GET /v1/payment_intents/search';
const CREATE = 'POST /v1/payment_intents';
const CONFIRM = 'POST /v1/payment_intents/pi_1/confirm';
const CARD = { number: '4242424242424242', expMonth: 12, expYear: 2_090, cvc: '123' };
const CAPTURE = { token: 'pm_1', amountMinor: 1, currency: 'USD', idempotencyKey: 'key', reference: 'payment:1' };
const NOT_CAPTURED = { outcome: 'declined', code: 'NOT_CAPTURED' };
const signal = new AbortController().signal;

type Refusal = { status: number; type: string; code?: string; decline_code?: string };

describe('what Stripe refuses', () => {
  const refusals = new Map<string, Refusal>();
  const bodies = new Map<string, string>();
  let server: Server;
  let stripe: PaymentProvider;
  let provider: ProtectedProvider;

  before(async () => {
    server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(Buffer.from(chunk));
      const call = `${request.method} ${new URL(request.url ?? '', 'http://stripe').pathname}`;
      bodies.set(call, decodeURIComponent(Buffer.concat(chunks).toString()));
      const { status, ...error } = refusals.get(call) ?? { status: 200 };
      const sample =
        call === SEARCH ? { data: [] } : { id: 'pi_1', status: 'succeeded', latest_charge: null, created: 0 };
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(status === 200 ? sample : { error }));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    assert.ok(address !== null && typeof address !== 'string');
    stripe = createStripe({
      secretKey: 'sk_test_1',
      webhookSecret: 'whsec_1',
      protocol: 'http',
      host: '127.0.0.1',
      port: address.port,
      timeoutMs: 5_000,
    });
  });
  after(() => {
    server.close();
    server.closeAllConnections();
  });
  beforeEach(() => {
    refusals.clear();
    bodies.clear();
    const breaker = {
      CIRCUIT_BREAKER_MAX_REQUESTS: 1,
      CIRCUIT_BREAKER_INTERVAL: 60_000,
      CIRCUIT_BREAKER_TIMEOUT: 60_000,
    };
    const policies = createPolicies(breaker, { logger: silentLogger(), metrics: createMetrics('test') });
    provider = protect(stripe, { timeoutMs: 5_000, breakAfter: 1, concurrency: 1 }, policies);
  });

  const isOpen = () => provider.retryAfterSeconds() > 0;

  for (const code of ['amount_too_small', 'amount_too_large', 'parameter_invalid_integer']) {
    it(`of the request itself is a capture that failed, and no outage: ${code}`, async () => {
      for (const call of [CONFIRM, CREATE]) {
        refusals.set(call, { status: 400, type: 'invalid_request_error', code });
        assert.deepEqual(await provider.capture(CAPTURE), NOT_CAPTURED);
      }
      assert.deepEqual(await provider.lookup(CAPTURE), NOT_CAPTURED);
      refusals.set(TOKENIZE, { status: 400, type: 'invalid_request_error', code });
      await assert.rejects(provider.tokenize(CARD), CardRefused);
      assert.equal(isOpen(), false);
    });
  }

  it('of a card is a decline, whichever step it is told at', async () => {
    for (const call of [CONFIRM, CREATE]) {
      refusals.set(call, {
        status: 402,
        type: 'card_error',
        code: 'card_declined',
        decline_code: 'insufficient_funds',
      });
      assert.deepEqual(await provider.capture(CAPTURE), { outcome: 'declined', code: 'INSUFFICIENT_FUNDS' });
    }
    assert.equal(isOpen(), false);
  });

  it('is asked to be a decline where the customer would have to confirm in a browser', async () => {
    refusals.set(CONFIRM, { status: 402, type: 'card_error', code: 'authentication_required' });
    assert.deepEqual(await provider.capture(CAPTURE), { outcome: 'declined', code: 'CARD_DECLINED' });
    assert.match(bodies.get(CONFIRM) ?? '', /error_on_requires_action=true/);
    assert.equal(isOpen(), false);
  });

  it('for another reason says nothing of the money, and is an outage', async () => {
    refusals.set(CONFIRM, { status: 400, type: 'invalid_request_error', code: 'payment_intent_unexpected_state' });
    await assert.rejects(stripe.capture(CAPTURE, signal), OutcomeUnknown);
    refusals.set(CREATE, { status: 400, type: 'invalid_request_error' });
    await assert.rejects(stripe.capture(CAPTURE, signal), ProviderUnavailable);
    // What is refused here is the search, not the capture.
    refusals.set(SEARCH, { status: 400, type: 'invalid_request_error', code: 'parameter_invalid_empty' });
    await assert.rejects(stripe.lookup(CAPTURE, signal), OutcomeUnknown);
    await assert.rejects(provider.capture(CAPTURE), ProviderUnavailable);
    assert.equal(isOpen(), true);
  });
});
