import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MailJob, MailJobType } from '@punctual/contracts';
import Handlebars from 'handlebars';

const TEMPLATES = join(import.meta.dirname, 'templates');

const SUBJECTS: Record<MailJobType, string> = {
  'mail.verification': '{{code}} is your {{shop.name}} verification code',
  'mail.order-confirmation': 'Order {{order.order_id}} is reserved for you',
  'mail.payment-reminder': 'Order {{order.order_id}} awaits your payment: {{time_left}} left',
  'mail.order-paid': 'Order {{order.order_id}} is paid, thank you',
  'mail.order-cancelled': 'Order {{order.order_id}} was cancelled',
  'mail.order-confirmed': 'Order {{order.order_id}} is being prepared',
  'mail.order-shipped': 'Order {{order.order_id}} is on its way',
  'mail.order-delivered': 'Order {{order.order_id}} was delivered',
  'mail.refund':
    '{{#if is_second_payment}}A second payment for order {{order.order_id}}{{else}}Order {{order.order_id}}{{/if}} was refunded',
};

const REASONS: Record<MailJob<'mail.order-cancelled'>['reason'], string> = {
  CUSTOMER_CANCELLED: 'You cancelled it.',
  PAYMENT_EXPIRED: 'It was not paid in time.',
  OUT_OF_STOCK: 'Something in it was sold out before we could reserve it.',
};

export type RenderedMail = { subject: string; html: string; text: string };
export type MailRenderer = { render(type: MailJobType, job: MailJob<MailJobType>): RenderedMail };

/** Compiles every template once. HTML escapes what it is given; text and subject are plain. Throws when a template is missing. */
export function createRenderer(shop: { name: string; url: string }): MailRenderer {
  const engine = Handlebars.create();
  engine.registerHelper('reason', (reason: keyof typeof REASONS) => REASONS[reason]);
  engine.registerHelper('when', formatInstant);
  const compile = (file: string, noEscape: boolean) =>
    engine.compile(readFileSync(join(TEMPLATES, file), 'utf8'), { noEscape, strict: true });
  for (const format of ['html', 'text']) {
    const partial = readFileSync(join(TEMPLATES, `order.${format}.hbs`), 'utf8');
    engine.registerPartial(`order.${format}`, partial);
  }
  const layout = { html: compile('layout.html.hbs', false), text: compile('layout.text.hbs', true) };
  const templates = new Map(
    Object.entries(SUBJECTS).map(([type, subject]) => {
      const name = type.replace('mail.', '');
      return [
        type,
        {
          subject: engine.compile(subject, { noEscape: true, strict: true }),
          html: compile(`${name}.html.hbs`, false),
          text: compile(`${name}.text.hbs`, true),
        },
      ];
    }),
  );

  return {
    render(type, job) {
      const template = templates.get(type);
      if (!template) throw new Error(`no template for ${type}`);
      const context = { ...job, shop };
      const subject = oneLine(template.subject(context));
      return {
        subject,
        html: layout.html({ shop, subject, body: new engine.SafeString(template.html(context)) }),
        text: layout.text({ shop, body: template.text(context).trim() }),
      };
    },
  };
}

/** A line break in a subject would start a header of the sender's choice. */
function oneLine(value: string): string {
  return value.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();
}

// Making one takes a hundred times as long as using it.
const instantFormat = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'medium', timeZone: 'UTC' });

/** `2026-01-31T09:30:00.000Z` → `31 January 2026, 09:30:00 UTC`. */
function formatInstant(instant: string): string {
  return `${instantFormat.format(new Date(instant)).replace(' at ', ', ')} UTC`;
}
