import type { Migration } from '@punctual/postgres';

/** Which payment paid an order; null while none did. */
export const paymentsMigration: Migration = {
  name: 'order-0004-payments',
  async up(tx) {
    await tx.raw('ALTER TABLE orders ADD COLUMN payment_id bigint');
  },
  async down(tx) {
    await tx.raw('ALTER TABLE orders DROP COLUMN payment_id');
  },
};
