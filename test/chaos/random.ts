import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** Random numbers that are the same for the same seed. */
export type Random = {
  /** A whole number, both ends included. */
  between(minimum: number, maximum: number): number;
  /** From 0 up to, but not, 1. */
  fraction(): number;
  pick<T>(items: readonly T[]): T;
  shuffled<T>(items: readonly T[]): T[];
};

/** Streams with different names are independent, so that drawing from one does not move another. */
export function createRandom(seed: number, stream: string): Random {
  let mixed = seed | 0;
  for (const letter of stream) mixed = (Math.imul(mixed, 31) + letter.charCodeAt(0)) | 0;
  const generator = xoroshiro128plus(mixed);
  const between = (minimum: number, maximum: number) => uniformInt(generator, minimum, maximum);
  const pick = <T>(items: readonly T[]): T => {
    const item = items[between(0, items.length - 1)];
    if (item === undefined) throw new Error('there is nothing to pick from');
    return item;
  };
  return {
    between,
    fraction: () => uniformFloat64(generator),
    pick,
    shuffled<T>(items: readonly T[]): T[] {
      const left = [...items];
      const result: T[] = [];
      while (left.length > 0) result.push(...left.splice(between(0, left.length - 1), 1));
      return result;
    },
  };
}
