const RAMP = 1.3;
const BISECTIONS = 3;
const LEAST_RATE = 5;

export type Tried<T> = { readonly rate: number; readonly isSustained: boolean; readonly result: T };

/**
 * The highest rate that is sustained: up by 1.3 from `start` until a step fails (down by 1.3 when the first one does), then
 * three bisections between the best and the worst. Undefined when not even the least rate is sustained. A step that fails by
 * accident only makes the answer lower, so each that fails is taken once more: a hiccup of the machine is not the limit.
 */
export async function searchRate<T>(
  { start, most = Number.POSITIVE_INFINITY }: { start: number; most?: number },
  measure: (rate: number) => Promise<{ isSustained: boolean; result: T }>,
): Promise<{ best: Tried<T> | undefined; tried: Tried<T>[] }> {
  const tried: Tried<T>[] = [];
  let best: Tried<T> | undefined;
  let failed: number | undefined;
  const measureAt = async (rate: number) => {
    const taken = { rate, ...(await measure(rate)) };
    tried.push(taken);
    return taken;
  };
  const step = async (rate: number) => {
    const first = await measureAt(rate);
    const taken = first.isSustained ? first : await measureAt(rate);
    if (taken.isSustained && rate > (best?.rate ?? 0)) best = taken;
    if (!taken.isSustained && rate < (failed ?? Number.POSITIVE_INFINITY)) failed = rate;
  };
  let rate = Math.round(start);
  while (rate >= LEAST_RATE && rate <= most && (best === undefined || failed === undefined)) {
    await step(rate);
    rate = Math.round(failed === undefined ? rate * RAMP : rate / RAMP);
  }
  for (let turn = 0; turn < BISECTIONS && best !== undefined && failed !== undefined; turn += 1) {
    await step(Math.round((best.rate + failed) / 2));
  }
  return { best, tried };
}
