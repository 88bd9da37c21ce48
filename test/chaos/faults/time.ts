import type { Fault, World } from '../types.ts';
import { queryService } from './databases.ts';
import { start, stop } from './programs.ts';
import { withRabbit } from './rabbit.ts';

/** A day of the run's calendar lasts a minute, so this is the outage of 25 hours: everything placed before it is overdue after it. */
const LONGER_THAN_A_DAY_MS = [63_000, 68_000] as const;
const TIMERS_QUEUE = 'order.timers.due';
const EXPIRY = 'order.expiry';
const DEFAULT_WAKE_UPS = 5_000;
const CHUNK = 1_000;

export const longOutage: Fault = {
  name: 'long-outage',
  about:
    'The order and mail services are away for 25 hours of the shop: when they are back, orders expire before anybody is reminded.',
  row: '25 h outage of order and mail',
  targets: ['order and mail'],
  lastsMs: LONGER_THAN_A_DAY_MS,
  async strike(world) {
    await Promise.all([stop(world, 'order'), stop(world, 'mail')]);
    return { heal: () => start(world, 'order', 'mail') };
  },
};

/**
 * Orders cannot be made up, since each one is accounted for. So every timer that fell due while the order service was away
 * fires at once, and on top of them wake-up calls for the orders there are: `CHAOS_TIMERS` of them, 100,000 if wanted.
 */
export const timersAtOnce: Fault = {
  name: 'timers-at-once',
  about: 'Thousands of timers are due in one moment (CHAOS_TIMERS says how many more than there are orders).',
  row: '100,000 timers due at once',
  targets: ['order'],
  lastsMs: LONGER_THAN_A_DAY_MS,
  async strike(world) {
    await stop(world, 'order');
    return {
      async heal() {
        const wakeUps = await sendWakeUps(world, Number(process.env.CHAOS_TIMERS || DEFAULT_WAKE_UPS));
        const due = await queryService(
          world,
          'order',
          "SELECT count(*) FROM order_timers WHERE state = 'waiting' AND due_at <= now()",
        );
        await start(world, 'order');
        return { due: Number(due), wakeUps };
      },
    };
  },
};

/** A wake-up says whom to look at and not what to do, so one too many finds nothing to do. */
async function sendWakeUps(world: World, count: number): Promise<number> {
  const text = await queryService(world, 'order', `SELECT id FROM orders ORDER BY id DESC LIMIT ${count}`);
  const ids = text.split('\n').filter((line) => line !== '');
  if (ids.length === 0) return 0;
  return await withRabbit(world, async (channel) => {
    const source = { 'cloudEvents:specversion': '1.0', 'cloudEvents:source': '/chaos', 'cloudEvents:type': EXPIRY };
    for (let sent = 0; sent < count; sent += 1) {
      const subject = ids[sent % ids.length] ?? '';
      const id = `wake-up-${Date.now()}-${sent}`;
      const headers = {
        ...source,
        'cloudEvents:id': id,
        'cloudEvents:subject': subject,
        'cloudEvents:time': new Date().toISOString(),
      };
      channel.sendToQueue(TIMERS_QUEUE, Buffer.from(JSON.stringify({ order_ids: [Number(subject)] })), {
        persistent: true,
        contentType: 'application/json',
        messageId: id,
        type: EXPIRY,
        headers,
      });
      if (sent % CHUNK === CHUNK - 1) await channel.waitForConfirms();
    }
    await channel.waitForConfirms();
    return count;
  });
}
