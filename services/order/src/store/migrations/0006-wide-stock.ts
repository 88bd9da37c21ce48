import type { Migration } from '@punctual/postgres';

const MOST_OF_AN_INTEGER = 2_147_483_647;

/** A product may have up to 10^12 pieces, beyond what an integer holds. */
export const wideStockMigration: Migration = {
  name: 'order-0006-wide-stock',
  async up(tx) {
    await tx.raw('ALTER TABLE products ALTER COLUMN available TYPE bigint');
  },
  async down(tx) {
    // No order asks for more than an integer: less is known then, and nothing decided otherwise.
    await tx.raw(
      `ALTER TABLE products ALTER COLUMN available TYPE integer USING least(available, ${MOST_OF_AN_INTEGER})::integer`,
    );
  },
};
