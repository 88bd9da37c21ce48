import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { eventually } from '@punctual/testing';
import type { PlayedOrder } from './play-order-service.ts';
import { CARDS, clientOf, surroundings } from './running-payment.ts';

const CHILD = join(import.meta.dirname, 'dying-payment.ts');
const LOOKUP_POINTS = ['before-lookup', 'after-lookup', 'before-capture-commit', 'after-capture-commit'];
const REFUND_POINTS = ['before-refund', 'after-refund', 'before-refund-commit', 'after-refund-commit'];

/** What is left open for the follow-up, and how it ends whatever dies on the way. */
type Case = { readonly order: PlayedOrder; readonly id: number; readonly ends: Books };
type Books = { status: string; charges: string[]; refunds: number; events: string[] };

const ENDS = {
  captured: { status: 'succeeded', charges: ['captured'], refunds: 0, events: ['payment.success'] },
  notCaptured: { status: 'failed', charges: ['closed'], refunds: 0, events: ['payment.failed'] },
  givenBack: { status: 'refunded', charges: ['captured'], refunds: 1, events: ['payment.success', 'payment.refunded'] },
} as const satisfies Record<string, Books>;

describe('the follow-up of payments, killed in the middle of its work', () => {
  let around: Awaited<ReturnType<typeof surroundings>>;
  let api: Awaited<ReturnType<typeof start>>;
  const children = new Set<ChildProcess>();
  const cases: Case[] = [];

  before(async function () {
    this.timeout(60_000);
    around = await surroundings('killed-follow-up');
    // It answers requests and never gets to its point: there is no follow-up in it.
    api = await start('before-lookup', 'api');
  });
  after(async () => {
    for (const child of children) child.kill('SIGKILL');
    await around.stop();
  });

  async function start(...args: string[]) {
    const child = spawn(process.execPath, [CHILD, JSON.stringify(around.env), ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.add(child);
    const gone = once(child, 'exit').finally(() => children.delete(child));
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    return { url: String(line).trim(), child, gone };
  }

  /** A payment whose answer was lost: it is under way, and due for a look. */
  async function unknownOutcome(card: string): Promise<Pick<Case, 'order' | 'id'>> {
    const ann = await clientOf(api.url, around.tokens, {});
    const order = around.orderService.place(ann.userId);
    const { data } = await ann.pay(order, card);
    assert.equal(data.status, 'processing');
    return { order, id: data.id };
  }

  /** Money that goes back: captured, and its order cancelled. */
  async function unwantedMoney(): Promise<Pick<Case, 'order' | 'id'>> {
    const ann = await clientOf(api.url, around.tokens, {});
    const order = around.orderService.place(ann.userId);
    const { data } = await ann.pay(order);
    assert.equal(data.status, 'succeeded');
    order.status = 'CANCELLED';
    await around.tell('order.cancelled', {
      order_id: order.id,
      user_id: ann.userId,
      reason: 'PAYMENT_EXPIRED',
      cancelled_at: new Date().toISOString(),
    });
    return { order, id: data.id };
  }

  for (const point of [...LOOKUP_POINTS, ...REFUND_POINTS]) {
    it(`${point}: the process is gone`, async function () {
      this.timeout(60_000);
      if (REFUND_POINTS.includes(point)) cases.push({ ...(await unwantedMoney()), ends: ENDS.givenBack });
      else {
        const [taken, notTaken] = await Promise.all([
          unknownOutcome(CARDS.lostCaptured),
          unknownOutcome(CARDS.lostNotCaptured),
        ]);
        cases.push({ ...taken, ends: ENDS.captured }, { ...notTaken, ends: ENDS.notCaptured });
      }
      const { gone } = await start(point, 'worker');
      assert.equal((await gone)[1], 'SIGKILL');
    });
  }

  it('and the next one finishes all of it: charged once or not at all, given back once, told once', async function () {
    this.timeout(90_000);
    await start();
    for (const { order, id, ends } of cases) {
      await eventually(async () => assert.deepEqual(await books(id, order.id), ends), {
        timeoutMs: 60_000,
        intervalMs: 100,
      });
    }
  });

  async function books(id: number, orderId: number): Promise<Books> {
    const [row] = await around.query<Omit<Books, 'events'>>(
      `SELECT p.status,
         (SELECT coalesce(json_agg(c.outcome), '[]') FROM sandbox_charges c WHERE c.reference = 'payment:' || p.id) AS charges,
         (SELECT count(*) FROM sandbox_refunds r WHERE r.charge_id = p.provider_reference) AS refunds
       FROM payments p WHERE p.id = :id`,
      { id },
    );
    assert.ok(row);
    return { ...row, events: around.eventsOf(orderId) };
  }
});
