import assert from 'node:assert/strict';
import { AmountRefused } from './provider.ts';
import { createStripe } from './stripe.ts';
import { stripeAmount } from './stripe-amount.ts';

describe('an amount as Stripe counts it', () => {
  for (const [amountMinor, currency, expected] of [
    [2_550, 'USD', 2_550],
    [2_550, 'EUR', 2_550],
    [250_000, 'JPY', 2_500],
    [0, 'KRW', 0],
    [2_550, 'KWD', 25_500],
    [1, 'BHD', 10],
    [250_000, 'ISK', 250_000],
    [9_999_999_900, 'JPY', 99_999_999],
  ] as const) {
    it(`is ${expected} for ${amountMinor} hundredths of ${currency}`, () => {
      assert.equal(stripeAmount(amountMinor, currency), expected);
    });
  }

  for (const currency of ['JPY', 'VND', 'ISK', 'UGX']) {
    it(`is refused for parts of a ${currency}`, () => {
      assert.throws(() => stripeAmount(2_550, currency), new AmountRefused(`${currency} has no hundredths`));
    });
  }

  it('is judged before anything is sent', () => {
    const stripe = createStripe({
      secretKey: 'sk_test_1',
      webhookSecret: 'whsec_1',
      protocol: 'http',
      host: '127.0.0.1',
      port: 1,
      timeoutMs: 1,
    });
    assert.doesNotThrow(() => stripe.assertTakes({ amountMinor: 2_500, currency: 'JPY' }));
    assert.throws(() => stripe.assertTakes({ amountMinor: 2_550, currency: 'JPY' }), AmountRefused);
  });
});
