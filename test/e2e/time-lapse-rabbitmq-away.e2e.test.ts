import assert from 'node:assert/strict';
import { type Customer, eventually } from '@punctual/testing';
import {
  hourMs,
  inbox,
  newProduct,
  orderBecomes,
  placedOrder,
  platformAt,
  platformReady,
  quantityBecomes,
  shop,
  stack,
} from './platform.ts';

/** A day lasts eighty seconds, so that RabbitMQ's own start takes few hours of it. */
const SCALE = 1_080;
const HOUR_MS = hourMs(SCALE);
/** It takes a while to stop, and has to be away before hour 4. */
const STOPPED_FROM_HOUR = 1;
const AWAY_TO_HOUR = 13;

describe('RabbitMQ away from hour 3 to hour 13', function () {
  this.timeout(200_000);
  before(() => platformAt(SCALE));
  afterEach(async () => {
    await stack('start', 'rabbitmq');
    await platformReady();
  });

  it('makes the reminder late but single, and the expiry comes on time', async () => {
    await playOutage({ stop: () => stack('stop', 'rabbitmq'), start: () => stack('start', 'rabbitmq') });
  });

  it('changes nothing more when all its queues and data are lost too', async () => {
    await playOutage({ stop: () => stack('stop', 'rabbitmq'), start: () => stack('wipe-rabbitmq') });
  });
});

async function playOutage({ stop, start }: { stop(): Promise<void>; start(): Promise<void> }): Promise<void> {
  const product = await newProduct(5);
  const customer = await shop.newCustomer();
  const order = await placedOrder(customer, [{ product_id: product.id, quantity: 2 }]);
  await orderBecomes(customer, order.id, { stock: 'reserved' });
  await mailArrives(customer, /is reserved for you/);
  const createdMs = Date.parse(order.created_at);
  const hourIs = (hour: number) =>
    eventually(() => assert.ok(Date.now() >= createdMs + hour * HOUR_MS), { timeoutMs: 60_000, intervalMs: 20 });

  await hourIs(STOPPED_FROM_HOUR);
  await stop();
  await hourIs(AWAY_TO_HOUR);
  await start();

  await orderBecomes(customer, order.id, { status: 'CANCELLED', reason: 'PAYMENT_EXPIRED' }, { timeoutMs: 60_000 });
  await mailArrives(customer, /was cancelled/);
  await quantityBecomes(product.id, 5);

  const mails = await inbox.mailsTo(customer.email);
  const subjects = mails.map(({ subject }) => subject);
  assert.equal(new Set(subjects).size, subjects.length, `a mail came twice: ${subjects.join('; ')}`);
  const reminders = mails.flatMap(({ text }) => /Reminder \d of \d/.exec(text) ?? []);
  assert.deepEqual([...reminders], ['Reminder 2 of 3', 'Reminder 3 of 3'], subjects.join('; '));
  const timeline = await customer.timeline(order.id);
  const expiry = timeline.find((entry) => entry.type === 'timer.fired' && entry.detail.kind === 'expiry');
  const latenessMs = Date.parse(expiry?.at ?? '') - Date.parse(order.expires_at);
  assert.ok(latenessMs >= 0 && latenessMs < 5_000, `the expiry came ${latenessMs} ms after it was due`);
}

async function mailArrives(customer: Customer, subject: RegExp): Promise<void> {
  await inbox.waitForMail(customer.email, (mail) => subject.test(mail.subject), { timeoutMs: 60_000, intervalMs: 200 });
}
