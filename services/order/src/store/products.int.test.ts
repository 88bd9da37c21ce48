import assert from 'node:assert/strict';
import { migrateDown, migrateUp } from '@punctual/postgres';
import { LAMP_ID, type OrderDatabase, openOrderDatabase } from '../../test/order-database.ts';
import type { ProductCopy } from '../domain/product-copy.ts';
import { orderMigrations } from './migrations/index.ts';
import { saveProductCopies } from './products.ts';

/** The most that the product service lets a product have. */
const MOST = 1_000_000_000_000;
const MOST_OF_AN_INTEGER = 2_147_483_647;

describe('copies of products', () => {
  let data: OrderDatabase;
  before(async () => {
    data = await openOrderDatabase('product-copies');
  });
  after(() => data.close());

  const lamp: ProductCopy = {
    productId: LAMP_ID,
    version: 2,
    name: 'Lamp',
    priceMinor: 2_500,
    currency: 'USD',
    deleted: false,
    available: MOST,
    stockVersion: 2,
  };
  const available = async () => {
    const [row] = await data.query<{ available: number }>('SELECT available FROM products WHERE product_id = :id', {
      id: LAMP_ID,
    });
    return row?.available;
  };

  it('have as much stock as a product may have, and orders are placed from it', async () => {
    await saveProductCopies(data.db.primary, [lamp]);
    assert.equal(await available(), MOST);
    await data.place();
  });

  it('go down to what an integer can hold, which is still more than can be ordered, and up again', async () => {
    await migrateDown(data.db, orderMigrations);
    assert.equal(await available(), MOST_OF_AN_INTEGER);
    await data.place();
    await migrateUp(data.db, orderMigrations);
    await saveProductCopies(data.db.primary, [{ ...lamp, available: MOST - 1, stockVersion: 3 }]);
    assert.equal(await available(), MOST - 1);
  });
});
