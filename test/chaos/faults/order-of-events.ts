import type { Fault } from '../types.ts';
import { changeMessages, leaveMessagesAlone, postponeEvents } from './outbox-trigger.ts';

const PRODUCERS = ['auth', 'product', 'order', 'payment'] as const;
const NEXT_VERSION = { next_version: { minor: 1, gift_wrap: 'paper', tags: ['new'] } };

export const cancelledBeforeCreated: Fault = {
  name: 'cancelled-before-created',
  about:
    'The event order.created stays behind for seconds, so that order.cancelled of the same order is delivered before it.',
  row: 'every message delivered three times; paid after expired; cancelled before created',
  targets: ['order'],
  lastsMs: [12_000, 20_000],
  async strike(world) {
    await postponeEvents(world, 'order', 'cancelled-before-created', { type: 'order.created', interval: '4 seconds' });
    return {
      async heal() {
        await leaveMessagesAlone(world, 'order', 'cancelled-before-created');
        return { reordered: ['order.created'] };
      },
    };
  },
};

export const nextVersion: Fault = {
  name: 'next-version',
  about:
    'Services of the next version write events and jobs with fields that those of this version have never heard of.',
  row: 'rolling update with the next version of an event',
  targets: PRODUCERS,
  lastsMs: [10_000, 20_000],
  async strike(world, target) {
    await changeMessages(world, target, 'next-version', {
      condition: 'true',
      change: `NEW.payload := (NEW.payload::jsonb || '${JSON.stringify(NEXT_VERSION)}'::jsonb)::json`,
    });
    return { heal: () => leaveMessagesAlone(world, target, 'next-version') };
  },
};
