/**
 * Plays an order's whole life against the running stack, a day in about twenty seconds, and prints each step as it happens:
 * register, read the code from the inbox, order three times, pay one after a declined card, pay and refund one, let one expire. Exits 1 when the shop did not keep its word.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { orderApi, paymentApi, productApi } from '@punctual/contracts';
import { type Customer, createShopClient, eventually, expectStatus, inboxClient, type Mail } from '@punctual/testing';

const ROOT = join(import.meta.dirname, '..');
const DEMO_SCALE = 4_320;
const HOUR_MS = 3_600_000;
const DAY_HOURS = 24;
/** How late, in shop hours, the last mail may be before the demo gives up. */
const PATIENCE_HOURS = 12;
const POLL_MS = 150;
const PIECES = { paid: 2, refunded: 3, unpaid: 1 };
const card = (number: string): paymentApi.CardMethod => ({
  type: 'card',
  number,
  exp_month: 12,
  exp_year: 2099,
  cvc: '123',
});
const CARDS = { approves: card('4242424242424242'), declines: card('4000000000000002') };

type Settings = { GATEWAY_URL: string; INBOX_URL: string; TIME_SCALE: string };

const before = readSettings();
const scaledHere = Number(before.TIME_SCALE) !== DEMO_SCALE;
if (scaledHere) {
  say(`The stack runs at TIME_SCALE=${before.TIME_SCALE}; for the demo a day is to last 20 seconds.`);
  up(String(DEMO_SCALE));
}
let failures: string[];
try {
  failures = await play(readSettings());
} finally {
  if (scaledHere) {
    say(`\nBack to TIME_SCALE=${before.TIME_SCALE}.`);
    up(before.TIME_SCALE);
  }
}
if (failures.length > 0) {
  say(`\nThe shop did not keep its word:\n${failures.map((failure) => `  - ${failure}`).join('\n')}`);
  process.exit(1);
}
say('\nEvery promise was kept.');

async function play({ GATEWAY_URL, INBOX_URL }: Settings): Promise<string[]> {
  const inbox = inboxClient(INBOX_URL);
  const shop = createShopClient({ gatewayUrl: GATEWAY_URL, inbox });
  const broken: string[] = [];
  const expect = (holds: boolean, what: string) => {
    say(`  ${holds ? '✔' : '✘'} ${what}`);
    if (!holds) broken.push(what);
  };

  const product = await productInStock();
  say(`\n1. The catalog: ${product.name} at ${product.price} ${product.currency}, ${product.quantity} pieces in stock`);

  say('\n2. A customer registers, reads the code from the inbox, verifies and logs in');
  const customer = await shop.newCustomer(`demo-${Date.now()}@example.com`);
  const [welcome] = await inbox.mailsTo(customer.email);
  say(`  mail "${welcome?.subject}" to ${customer.email}`);

  say(
    `\n3. Three orders: ${PIECES.paid} pieces to be paid, ${PIECES.refunded} to be paid and refunded, ${PIECES.unpaid} to be forgotten`,
  );
  const paid = await place(customer, product, PIECES.paid);
  const refunded = await place(customer, product, PIECES.refunded);
  const unpaid = await place(customer, product, PIECES.unpaid);
  const startedMs = Date.parse(unpaid.created_at);
  const hour = () => ((Date.now() - startedMs) * DEMO_SCALE) / HOUR_MS;
  for (const order of [paid, refunded, unpaid]) await reserved(customer, order.id);
  const ordered = PIECES.paid + PIECES.refunded + PIECES.unpaid;
  say(`  all are reserved; ${await stockIs(product.id, product.quantity - ordered)} pieces are left`);

  say('\n4. Payments with test cards');
  const declined = await customer.pay(paid.id, CARDS.declines);
  expect(declined.status === 409, `order ${paid.id}: a card is declined (${declined.body.error?.code})`);
  const payment = expectStatus(await customer.pay(paid.id, CARDS.approves), 200).payment;
  say(
    `  order ${paid.id}: paid with the card ending in ${payment.method.last4}, ${payment.amount} ${payment.currency}`,
  );
  const returned = expectStatus(await customer.pay(refunded.id, CARDS.approves), 200).payment;
  const admin = await shop.login('admin@punctual.test', 'punctual-admin');
  const refund = await admin.request<paymentApi.PaymentView>('POST', `/payments/${returned.id}/refund`, { body: {} });
  expect(expectStatus(refund, 200).status === 'refunded', `order ${refunded.id}: paid, and refunded by an admin`);

  say('\n5. A day goes by');
  const seen = new Set<string>([welcome?.id ?? '']);
  const received: { atHour: number; mail: Mail }[] = [];
  for (;;) {
    for (const mail of await inbox.mailsTo(customer.email)) {
      if (seen.has(mail.id)) continue;
      seen.add(mail.id);
      received.push({ atHour: hour(), mail });
      say(`  ${clock(hour())}  mail "${mail.subject}"`);
    }
    const [a, b] = [await customer.order(paid.id), await customer.order(unpaid.id)];
    const mailsDone = [`Order ${unpaid.id} was cancelled`, `Order ${refunded.id} was refunded`].every((subject) =>
      received.some(({ mail }) => mail.subject === subject),
    );
    if (a.status === 'COMPLETED' && b.status === 'CANCELLED' && mailsDone) break;
    if (hour() > DAY_HOURS + PATIENCE_HOURS) {
      broken.push(`after ${clock(hour())} order ${a.id} is ${a.status} and order ${b.id} is ${b.status}`);
      break;
    }
    await delay(POLL_MS);
  }

  say(`\n6. The timeline of order ${unpaid.id}`);
  const timeline = await customer.timeline(unpaid.id);
  for (const entry of timeline) {
    const at = ((Date.parse(entry.at) - startedMs) * DEMO_SCALE) / HOUR_MS;
    const change = entry.to === null ? '' : ` ${entry.from ?? '–'} → ${entry.to}`;
    const kind = typeof entry.detail.kind === 'string' ? ` ${entry.detail.kind}` : '';
    say(`  ${clock(at)}  ${entry.type}${kind}${change}${entry.reason === null ? '' : ` (${entry.reason})`}`);
  }

  say('\n7. Was it punctual?');
  const subjects = (id: number) =>
    received.map(({ mail }) => mail.subject).filter((text) => text.includes(`Order ${id} `));
  const reminders = received.filter(({ mail }) => mail.subject.startsWith(`Order ${unpaid.id} awaits`));
  expect(reminders.length === 3, `three reminders for the unpaid order (${reminders.length})`);
  for (const [index, due] of [4, 12, 22].entries()) {
    const at = reminders[index]?.atHour ?? Number.NaN;
    expect(at >= due, `reminder ${index + 1} not before hour ${due} (mailed at ${clock(at)})`);
  }
  expect(!subjects(paid.id).some((text) => text.includes('awaits')), 'no reminder for the paid order');
  const cancelled = await customer.order(unpaid.id);
  expect(cancelled.reason === 'PAYMENT_EXPIRED', `the unpaid order is ${cancelled.status} (${cancelled.reason})`);
  expect((await customer.order(paid.id)).status === 'COMPLETED', 'the paid order is COMPLETED');
  expect((await customer.order(refunded.id)).status === 'REFUNDED', 'the refunded order is REFUNDED');
  expect(new Set(received.map(({ mail }) => mail.subject)).size === received.length, 'no mail came twice');
  const left = await stockIs(product.id, product.quantity - PIECES.paid);
  expect(
    left === product.quantity - PIECES.paid,
    `stock: ${product.quantity} before, ${left} after; the ${PIECES.paid} paid are sold, the others are back`,
  );
  return broken;

  async function productInStock(): Promise<productApi.ProductView> {
    const answer = await shop.request<productApi.ProductView[]>(
      'GET',
      '/products?in_stock=true&sort=-quantity&limit=1',
    );
    const [listed] = expectStatus(answer, 200);
    if (listed === undefined) throw new Error('no product is in stock: run `make seed`');
    return await shop.product(listed.id);
  }

  /** Stock follows its events; waits for the expected level, and answers what there is when it does not come. */
  async function stockIs(id: number, level: number): Promise<number> {
    for (let attempt = 0; attempt < 40; attempt += 1) {
      if ((await shop.product(id)).quantity === level) return level;
      await delay(POLL_MS);
    }
    return (await shop.product(id)).quantity;
  }
}

async function place(
  customer: Customer,
  product: productApi.ProductView,
  quantity: number,
): Promise<orderApi.OrderView> {
  const placed = expectStatus(await customer.placeOrder({ items: [{ product_id: product.id, quantity }] }), 201);
  say(`  order ${placed.id}: ${quantity} × ${product.name}, ${placed.total_amount} ${placed.currency}`);
  return placed;
}

async function reserved(customer: Customer, id: number): Promise<void> {
  await eventually(async () => {
    const { stock } = await customer.order(id);
    if (stock !== 'reserved') throw new Error(`order ${id}: stock is ${stock}`);
  });
}

function readSettings(): Settings {
  try {
    return JSON.parse(
      execFileSync(process.execPath, ['infra/stack.ts', 'env', '--json'], { cwd: ROOT, encoding: 'utf8' }),
    );
  } catch {
    say('No stack is running: `make up` starts it.');
    process.exit(1);
  }
}

function up(timeScale: string): void {
  const options = { cwd: ROOT, env: { ...process.env, TIME_SCALE: timeScale }, encoding: 'utf8' } as const;
  const result = spawnSync(process.execPath, ['infra/stack.ts', 'up'], options);
  if (result.status !== 0) {
    say(`The stack could not be set to TIME_SCALE=${timeScale}:\n${result.stdout}${result.stderr}`);
    process.exit(1);
  }
}

/** Shop hours as a clock: 4.05 → "hour 04:03". */
function clock(hours: number): string {
  const minutes = Math.floor(hours * 60);
  return `hour ${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
