import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { eventually } from '@punctual/testing';
import type { CrashPoint } from '../src/commands/change-payment.ts';
import type { PlayedOrder } from './play-order-service.ts';
import { CARDS, clientOf, surroundings } from './running-payment.ts';

const CHILD = join(import.meta.dirname, 'dying-payment.ts');
const SETTLED_MS = 60_000;

/** What is true of an order's money once all has come to rest. */
type Books = { status: string; charges: string[]; refunds: number; events: string[] };

describe('a payment service that is killed', () => {
  let around: Awaited<ReturnType<typeof surroundings>>;
  const children = new Set<ChildProcess>();

  before(async function () {
    this.timeout(60_000);
    around = await surroundings('crash-points');
  });
  after(async () => {
    for (const child of children) child.kill('SIGKILL');
    await around.stop();
  });

  async function start(...deadlyPoint: CrashPoint[]) {
    const child = spawn(process.execPath, [CHILD, JSON.stringify(around.env), ...deadlyPoint], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.add(child);
    const gone = once(child, 'exit').finally(() => children.delete(child));
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    return { url: String(line).trim(), child, gone };
  }

  async function books(id: number, orderId: number): Promise<Books> {
    const [row] = await around.query<{ status: string; charges: string[] | null; refunds: number }>(
      `SELECT p.status,
         (SELECT json_agg(c.outcome) FROM sandbox_charges c WHERE c.idempotency_key = CAST(p.idempotency_key AS text)) AS charges,
         (SELECT count(*) FROM sandbox_refunds r WHERE r.charge_id = p.provider_reference) AS refunds
       FROM payments p WHERE p.id = :id`,
      { id },
    );
    assert.ok(row);
    return { ...row, charges: row.charges ?? [], events: around.eventsOf(orderId) };
  }

  /** The request that meets the crash has no answer. */
  async function unanswered(request: Promise<unknown>): Promise<void> {
    await assert.rejects(request, /fetch failed/);
  }

  const paid: Books = { status: 'succeeded', charges: ['captured'], refunds: 0, events: ['payment.success'] };
  const refunded: Books = {
    status: 'refunded',
    charges: ['captured'],
    refunds: 1,
    events: ['payment.success', 'payment.refunded'],
  };
  const outcomes: Readonly<Record<CrashPoint, Books>> = {
    'before-capture': { status: 'failed', charges: ['closed'], refunds: 0, events: ['payment.failed'] },
    'after-capture': paid,
    'before-capture-commit': paid,
    'after-capture-commit': paid,
    'before-refund': refunded,
    'after-refund': refunded,
    'before-refund-commit': refunded,
    'after-refund-commit': refunded,
  };
  const points = Object.keys(outcomes) as CrashPoint[];
  const casualties: { point: CrashPoint; id: number; order: PlayedOrder }[] = [];

  for (const point of points) {
    it(`${point} answers nothing more`, async function () {
      this.timeout(30_000);
      const { url, gone } = await start(point);
      const ann = await clientOf(url, around.tokens, {});
      const admin = await clientOf(url, around.tokens, { role: 'admin' });
      const order = around.orderService.place(ann.userId);
      const { data } = await ann.create(order.id, CARDS.approve);
      if (point.includes('refund')) {
        assert.equal((await ann.process(data.id)).data.status, 'succeeded');
        order.status = 'PAID';
        await unanswered(admin.request('POST', `/payments/${data.id}/refund`, {}));
        assert.equal(order.status, 'REFUNDED');
      } else {
        await unanswered(ann.process(data.id));
      }
      assert.equal((await gone)[1], 'SIGKILL');
      casualties.push({ point, id: data.id, order });
    });
  }

  it('has, once it runs again, charged each order once or not at all, refunded once, and told exactly that', async function () {
    this.timeout(SETTLED_MS + 20_000);
    assert.deepEqual(
      casualties.map(({ point }) => point),
      points,
    );
    const { child, gone } = await start();
    for (const { point, id, order } of casualties) {
      await eventually(async () => assert.deepEqual(await books(id, order.id), outcomes[point], point), {
        timeoutMs: SETTLED_MS,
        intervalMs: 100,
      });
    }
    child.kill('SIGTERM');
    await gone;
  });
});
