import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type Customer, eventually, type Mail } from '@punctual/testing';
import {
  inbox,
  mapWithLimit,
  newCustomers,
  newProduct,
  placeUntilKnown,
  platformAt,
  platformReady,
  quantityBecomes,
  stack,
} from './platform.ts';

const ORDERS = 200;
const CUSTOMERS = 10;
const IN_PARALLEL = 20;
/** The kill strikes when so many orders have been answered. */
const STRIKE_AT = 60;
/** Mails that may be in the hands of the mail server when `mail` is killed: its SMTP connections. */
const IN_DOUBT_AT_MOST = 10;

const PROGRAMS = [
  'gateway',
  'auth',
  'product',
  'order',
  'payment',
  'mail',
  'kafka',
  'rabbitmq',
  'redis-1',
  'postgres-primary',
  'pgpool',
];

describe(`kill -9 during ${ORDERS} orders`, function () {
  this.timeout(180_000);
  let customers: Customer[];

  before(async () => {
    await platformAt(1);
    await inbox.clear();
    customers = await newCustomers(CUSTOMERS);
  });
  afterEach(platformReady);

  for (const program of PROGRAMS) {
    it(`of ${program}: every accepted order is reserved once and every mail is sent once`, async () => {
      const product = await newProduct(ORDERS);
      let answered = 0;
      let struck: Promise<void> | undefined;
      const requests = Array.from({ length: ORDERS }, (_, index) => ({ index, request_id: randomUUID() }));
      const ids = await mapWithLimit(requests, IN_PARALLEL, async ({ index, request_id }) => {
        const customer = ownerOf(index);
        const answer = await placeUntilKnown(customer, {
          request_id,
          items: [{ product_id: product.id, quantity: 1 }],
        });
        assert.equal(answer.status, 201, JSON.stringify(answer.body));
        answered += 1;
        if (answered === STRIKE_AT) struck = stack('kill', program);
        return answer.body.data.id;
      });
      await struck;
      assert.equal(new Set(ids).size, ORDERS, 'two requests were answered with one order');

      await quantityBecomesWithin(product.id, 0);
      await mapWithLimit(ids, IN_PARALLEL, (id, index) =>
        eventually(async () => assert.equal((await ownerOf(index).order(id)).stock, 'reserved'), {
          timeoutMs: 60_000,
          intervalMs: 250,
        }),
      );
      await quantityBecomes(product.id, 0);

      const wanted = new Set(ids.map((id) => `Order ${id} is reserved for you`));
      const confirmations = await eventually(
        async () => {
          const mails = (await Promise.all(customers.map(({ email }) => inbox.mailsTo(email)))).flat();
          const found = mails.filter(({ subject }) => wanted.has(subject));
          assert.equal(new Set(found.map(({ subject }) => subject)).size, ORDERS);
          return found;
        },
        { timeoutMs: 90_000, intervalMs: 500 },
      );
      const repeated = repeatedMails(confirmations);
      assert.ok(repeated.length <= (program === 'mail' ? IN_DOUBT_AT_MOST : 0), `mailed twice: ${repeated.join('; ')}`);
    });
  }

  function ownerOf(index: number): Customer {
    const customer = customers[index % customers.length];
    assert.ok(customer);
    return customer;
  }
});

async function quantityBecomesWithin(productId: number, quantity: number): Promise<void> {
  await eventually(() => quantityBecomes(productId, quantity), { timeoutMs: 60_000 });
}

/** Subjects of mails that came more often than once; a repeated mail must carry the same Message-ID. */
function repeatedMails(mails: Mail[]): string[] {
  const bySubject = Map.groupBy(mails, ({ subject }) => subject);
  return [...bySubject].flatMap(([subject, same]) => {
    const messageIds = new Set(same.map(({ headers }) => headers['message-id']));
    assert.equal(messageIds.size, 1, `one intent, several Message-IDs: ${subject}`);
    return same.length > 1 ? [subject] : [];
  });
}
