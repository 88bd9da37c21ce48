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
    assert.ok(tried.length < 60 && tried.every(({ isSustained }) => !isSustained));
  });

  it('takes a step that failed once more, and believes the second', async () => {
    const seen = new Map<number, number>();
    const { best, tried } = await searchRate({ start: 100 }, async (rate) => {
      const times = (seen.get(rate) ?? 0) + 1;
      seen.set(rate, times);
      return { isSustained: rate <= 130 && times > 1, result: rate };
    });
    assert.equal(best?.rate, 130);
    assert.deepEqual(
      tried.slice(0, 4).map(({ rate, isSustained }) => [rate, isSustained]),
      [
        [100, false],
        [100, true],
        [130, false],
        [130, true],
      ],
    );
  });

  it('asks for no more than it may', async () => {
    const { best, tried } = await search(100, 1e9, 1_000);
    assert.ok(tried.every(({ rate }) => rate <= 1_000));
    assert.ok((best?.rate ?? 0) > 700);
  });
});
