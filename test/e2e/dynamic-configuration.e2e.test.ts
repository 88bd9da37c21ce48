import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { orderApi } from '@punctual/contracts';
import { CUSTOMER_PASSWORD, eventually, expectStatus } from '@punctual/testing';
import { admin, newProduct, placedOrder, platformAt, settings, shop, stack } from './platform.ts';

const HOUR_MS = 3_600_000;
const PATIENT = { timeoutMs: 40_000, intervalMs: 200 };

describe('settings that change while the platform runs', function () {
  this.timeout(90_000);
  before(() => platformAt(1));
  afterEach(async () => {
    for (const key of ['flags.registration_open', 'order.timers']) await stack('config', 'unset', key);
  });

  it('close registration over every way in, by a command, and open it again', async () => {
    const register = () =>
      shop.request('POST', '/auth/register', {
        body: { email: `${randomUUID()}@example.com`, password: CUSTOMER_PASSWORD },
      });
    await stack('config', 'set', 'flags.registration_open', 'false');
    await eventually(async () => {
      const { status, body } = await register();
      assert.deepEqual([status, body.error?.code], [403, 'FORBIDDEN']);
    }, PATIENT);
    assert.equal(await registerInGraph(), 'FORBIDDEN');

    await stack('config', 'unset', 'flags.registration_open');
    await eventually(async () => assert.equal((await register()).status, 201), PATIENT);
    assert.equal(await registerInGraph(), undefined);
  });

  it('give new orders other timers, by the admin route, and leave placed ones alone', async () => {
    const customer = await shop.newCustomer();
    const { id } = await newProduct(100);
    const place = () => placedOrder(customer, [{ product_id: id, quantity: 1 }]);
    const first = await place();
    assert.equal(timeToPay(first), 24 * HOUR_MS);

    const body = { value: { reminders: ['1h'], expiry: '2h' } };
    expectStatus(await (await admin()).request('PUT', '/admin/config/order.timers', { body }), 200);
    await eventually(async () => assert.equal(timeToPay(await place()), 2 * HOUR_MS), PATIENT);
    assert.equal(timeToPay(await customer.order(first.id)), 24 * HOUR_MS);

    const refused = await (await admin()).request('PUT', '/admin/config/order.timers', {
      body: { value: { reminders: ['3h'], expiry: '2h' } },
    });
    assert.deepEqual([refused.status, refused.body.error?.code], [400, 'VALIDATION_FAILED']);
    assert.equal(timeToPay(await place()), 2 * HOUR_MS);
  });

  it('are noted with who changed what, whichever way it was changed', async () => {
    await stack('config', 'set', 'flags.registration_open', 'true');
    const boss = await admin();
    expectStatus(await boss.request('DELETE', '/admin/config/flags.registration_open'), 200);
    const notes = expectStatus(
      await boss.request<{ who: string; key: string; from: unknown; to: unknown }[]>(
        'GET',
        '/admin/config/audit?limit=2',
      ),
      200,
    );
    assert.deepEqual(
      notes.map(({ key, from, to }) => ({ key, from, to })),
      [
        { key: 'flags.registration_open', from: true, to: null },
        { key: 'flags.registration_open', from: null, to: true },
      ],
    );
    assert.match(notes[1]?.who ?? '', /^command line of /);
    assert.match(notes[0]?.who ?? '', /admin@punctual\.test/);
  });
});

function timeToPay({ created_at: createdAt, expires_at: expiresAt }: orderApi.OrderView): number {
  return Date.parse(expiresAt) - Date.parse(createdAt);
}

/** The code of its refusal, if it is refused. */
async function registerInGraph(): Promise<string | undefined> {
  const query = 'mutation ($input: RegisterInput!) { register(input: $input) { id } }';
  const variables = { input: { email: `${randomUUID()}@example.com`, password: CUSTOMER_PASSWORD } };
  const response = await fetch(`${settings.GATEWAY_URL}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const { errors } = (await response.json()) as { errors?: { extensions: { code: string } }[] };
  return errors?.[0]?.extensions.code;
}
