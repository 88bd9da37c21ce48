import assert from 'node:assert/strict';
import type { MailedOrder, MailJob, MailJobType } from '@punctual/contracts';
import fc from 'fast-check';
import { createRenderer } from './rendering.ts';

const renderer = createRenderer({ name: 'Punctual', url: 'http://localhost:8080' });

const order: MailedOrder = {
  order_id: 17,
  items: [{ name: 'Desk lamp', quantity: 2, unit_price: '19.90', total_price: '39.80' }],
  total_amount: '39.80',
  currency: 'USD',
  shipping_address: '1 Main Street\nSpringfield',
  created_at: '2026-01-31T09:30:00.000Z',
  expires_at: '2026-02-01T09:30:00.000Z',
};
const intent = { intent: 'order:17', to: 'a@example.com', not_after: null };

const jobs: { [T in MailJobType]: { job: MailJob<T>; subject: string; says: string[] } } = {
  'mail.verification': {
    job: { ...intent, code: '042917', expires_at: '2026-01-31T09:40:00.000Z' },
    subject: '042917 is your Punctual verification code',
    says: ['042917', '31 January 2026, 09:40:00 UTC'],
  },
  'mail.order-confirmation': {
    job: { ...intent, order },
    subject: 'Order 17 is reserved for you',
    says: ['Desk lamp', '39.80 USD', '1 February 2026, 09:30:00 UTC', '1 Main Street'],
  },
  'mail.payment-reminder': {
    job: { ...intent, order, reminder: { number: 2, of: 3 }, time_left: '12 hours' },
    subject: 'Order 17 awaits your payment: 12 hours left',
    says: ['12 hours', 'Reminder 2 of 3', '39.80 USD'],
  },
  'mail.order-paid': {
    job: { ...intent, order, paid_at: '2026-01-31T10:00:00.000Z' },
    subject: 'Order 17 is paid, thank you',
    says: ['31 January 2026, 10:00:00 UTC', '39.80 USD'],
  },
  'mail.order-cancelled': {
    job: { ...intent, order, reason: 'PAYMENT_EXPIRED', cancelled_at: '2026-02-01T09:30:00.000Z' },
    subject: 'Order 17 was cancelled',
    says: ['It was not paid in time.', '1 February 2026, 09:30:00 UTC'],
  },
  'mail.order-confirmed': {
    job: { ...intent, order, confirmed_at: '2026-01-31T11:00:00.000Z' },
    subject: 'Order 17 is being prepared',
    says: ['31 January 2026, 11:00:00 UTC', '39.80 USD'],
  },
  'mail.order-shipped': {
    job: { ...intent, order, shipped_at: '2026-02-01T11:00:00.000Z' },
    subject: 'Order 17 is on its way',
    says: ['1 February 2026, 11:00:00 UTC', '1 Main Street'],
  },
  'mail.order-delivered': {
    job: { ...intent, order, delivered_at: '2026-02-02T11:00:00.000Z' },
    subject: 'Order 17 was delivered',
    says: ['2 February 2026, 11:00:00 UTC', '39.80 USD'],
  },
  'mail.refund': {
    job: { ...intent, order, is_second_payment: false, refunded_at: '2026-02-03T00:00:00.000Z' },
    subject: 'Order 17 was refunded',
    says: ['3 February 2026, 00:00:00 UTC', '39.80 USD'],
  },
};

describe('rendering a mail', () => {
  for (const [type, { job, subject, says }] of Object.entries(jobs)) {
    it(`says what ${type} is about, alike in HTML and text`, () => {
      const mail = renderer.render(type as MailJobType, job);
      assert.equal(mail.subject, subject);
      for (const words of [...says, 'Punctual']) {
        assert.ok(mail.html.includes(words), `the HTML lacks "${words}"`);
        assert.ok(mail.text.includes(words), `the text lacks "${words}"`);
      }
      assert.match(mail.html, /^<!doctype html>/);
      assert.doesNotMatch(mail.text, /[<>]|&[a-z]+;/);
    });
  }

  it('does not call an order refunded when only a second payment of it was', () => {
    const mail = renderer.render('mail.refund', { ...jobs['mail.refund'].job, is_second_payment: true });
    assert.equal(mail.subject, 'A second payment for order 17 was refunded');
    for (const body of [mail.html, mail.text]) {
      assert.match(body, /We received a second payment/);
      assert.match(body, /The order itself is not affected/);
      assert.doesNotMatch(body, /your payment for order/);
    }
  });

  it('shows markup in a product name as text', () => {
    const name = '<img src=x onerror=alert(1)>';
    const items = [{ name, quantity: 1, unit_price: '1.00', total_price: '1.00' }];
    const mail = renderer.render('mail.order-confirmation', { ...intent, order: { ...order, items } });
    assert.ok(!mail.html.includes('<img'));
    assert.ok(mail.html.includes('&lt;img'));
    assert.ok(mail.text.includes(name));
  });

  it('keeps every subject on one line, whatever stands in the job', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), (timeLeft) => {
        const job = { ...jobs['mail.payment-reminder'].job, time_left: `${timeLeft}\r\nBcc: x@example.com` };
        assert.doesNotMatch(renderer.render('mail.payment-reminder', job).subject, /[\r\n\u2028\u2029]/);
      }),
    );
  });
});
