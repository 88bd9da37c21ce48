import type { Migration } from '@punctual/postgres';
import { placeOrdersFunction, WAKE_UP_OF_EACH_ORDER } from './0003-open-orders.ts';

/**
 * Orders that share a commit were created at one instant, so their timers come due together: one message wakes them all.
 * At 64 orders to a commit that is a sixty-fourth of the messages in the delayed exchange.
 */
const ONE_WAKE_UP = `SELECT 'rabbit', kind, 'order.timers', kind, min(p.id)::text,
             json_build_object('order_ids', json_agg(p.id ORDER BY p.id)),
             created + first_ms * interval '1 millisecond', min(p.traceparent)
      FROM placed p
      CROSS JOIN (SELECT CASE WHEN cardinality(reminders_ms) > 0 THEN 'order.reminder' ELSE 'order.expiry' END) k (kind)
      GROUP BY kind`;

export const sharedWakeUpsMigration: Migration = {
  name: 'order-0005-shared-wake-ups',
  async up(tx) {
    await tx.raw(placeOrdersFunction(ONE_WAKE_UP));
  },
  async down(tx) {
    await tx.raw(placeOrdersFunction(WAKE_UP_OF_EACH_ORDER));
  },
};
