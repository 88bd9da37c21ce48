/** A random number in [0, 1), the same sequence for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Ranks from 0 to size - 1, of which rank k is chosen in proportion to 1 / (k + 1)^exponent. */
export function createZipf({
  size,
  exponent,
  random,
}: {
  size: number;
  exponent: number;
  random: () => number;
}): () => number {
  const upTo: number[] = [];
  let sum = 0;
  for (let rank = 0; rank < size; rank += 1) {
    sum += 1 / (rank + 1) ** exponent;
    upTo.push(sum);
  }
  return () => {
    const aim = random() * sum;
    let low = 0;
    let high = size - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((upTo[middle] ?? sum) > aim) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}
