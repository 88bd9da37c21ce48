import assert from 'node:assert/strict';
import fc from 'fast-check';
import { createZipf, seededRandom } from './zipf.ts';

describe('zipf', () => {
  it('gives every rank its share', () => {
    const size = 20;
    const draws = 200_000;
    const next = createZipf({ size, exponent: 1, random: seededRandom(7) });
    const counts = Array.from({ length: size }, () => 0);
    for (let draw = 0; draw < draws; draw += 1) {
      const rank = next();
      counts[rank] = (counts[rank] ?? 0) + 1;
    }
    const harmonic = counts.reduce((sum, _, rank) => sum + 1 / (rank + 1), 0);
    for (const [rank, count] of counts.entries()) {
      const expected = draws / (rank + 1) / harmonic;
      assert.ok(Math.abs(count - expected) < expected * 0.06, `rank ${rank}: ${count}, expected ${expected}`);
    }
  });

  it('stays within its ranks, and is the same for the same seed', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100 }),
        fc.double({ min: 0, max: 3, noNaN: true }),
        fc.nat(),
        (size, exponent, seed) => {
          const draw = () => {
            const next = createZipf({ size, exponent, random: seededRandom(seed) });
            return Array.from({ length: 50 }, next);
          };
          const ranks = draw();
          assert.ok(ranks.every((rank) => rank >= 0 && rank < size));
          assert.deepEqual(draw(), ranks);
        },
      ),
    );
  });
});
