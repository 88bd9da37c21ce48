import assert from 'node:assert/strict';
import fc from 'fast-check';
import { searchRate } from './search.ts';

const search = (start: number, capacity: number, most?: number) =>
  searchRate({ start, ...(most === undefined ? {} : { most }) }, async (rate) => ({
    isSustained: rate <= capacity,
    result: rate,
  }));

describe('the search for a rate', () => {
  it('comes within a twentieth of what is sustained, and never above', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 50, max: 3_000 }),
        fc.integer({ min: 50, max: 5_000 }),
        async (start, capacity) => {
          const { best } = await search(start, capacity);
          assert.ok(best !== undefined && best.rate <= capacity);
          assert.ok(best.rate >= capacity * 0.94, `${best.rate} of ${capacity}`);
        },
      ),
    );
  });

  it('finds nothing when nothing is sustained, and ends', async () => {
    const { best, tried } = await search(500, 0);
    assert.equal(best, undefined);
    assert.ok(tried.length < 30 && tried.every(({ isSustained }) => !isSustained));
  });

  it('asks for no more than it may', async () => {
    const { best, tried } = await search(100, 1e9, 1_000);
    assert.ok(tried.every(({ rate }) => rate <= 1_000));
    assert.ok((best?.rate ?? 0) > 700);
  });
});
