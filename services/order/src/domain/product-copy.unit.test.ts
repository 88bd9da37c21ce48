import assert from 'node:assert/strict';
import fc from 'fast-check';
import { latestByProduct, type ProductCopy } from './product-copy.ts';

/** What a version says is the same whoever says it. */
const copy = fc
  .record({
    productId: fc.integer({ min: 1, max: 3 }),
    version: fc.nat(5),
    stockVersion: fc.integer({ min: -1, max: 5 }),
  })
  .map(
    ({ productId, version, stockVersion }): ProductCopy => ({
      productId,
      version,
      stockVersion,
      name: `${productId} at ${version}`,
      priceMinor: version * 100,
      currency: 'USD',
      deleted: false,
      available: stockVersion * 10,
    }),
  );

describe('what is known of a product', () => {
  it('is the highest version of each part, in whatever order and however often the news came', () => {
    fc.assert(
      fc.property(fc.array(copy), fc.infiniteStream(fc.nat()), (copies, order) => {
        const random = [...order.take(copies.length)];
        const shuffled = copies.map((item, i) => ({ item, key: random[i] ?? 0 })).sort((a, b) => a.key - b.key);
        const latest = latestByProduct(copies);
        assert.deepEqual(latestByProduct([...shuffled.map(({ item }) => item), ...copies]), latest);
        for (const known of latest) {
          const same = copies.filter((item) => item.productId === known.productId);
          assert.equal(known.version, Math.max(...same.map((item) => item.version)));
          assert.equal(known.name, `${known.productId} at ${known.version}`);
          assert.equal(known.stockVersion, Math.max(...same.map((item) => item.stockVersion)));
          assert.equal(known.available, known.stockVersion * 10);
        }
      }),
    );
  });

  it('comes by ascending id, so that two writers never wait for each other', () => {
    fc.assert(
      fc.property(fc.array(copy), (copies) => {
        const ids = latestByProduct(copies).map((known) => known.productId);
        assert.deepEqual(
          ids,
          [...new Set(ids)].sort((a, b) => a - b),
        );
      }),
    );
  });
});
