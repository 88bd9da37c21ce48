const SECOND_MS = 1_000;

/** A constant rate from instant 0: request n (from 0) is due at n / rate. */
export type Pace = { readonly ratePerSecond: number; readonly seconds: number };

/** All requests of the load. */
export function requestsOf({ ratePerSecond, seconds }: Pace): number {
  return Math.round(ratePerSecond * seconds);
}

/** How many requests are due until this instant, those before included. */
export function dueCount(pace: Pace, elapsedMs: number): number {
  if (elapsedMs < 0) return 0;
  return Math.min(requestsOf(pace), Math.floor((elapsedMs * pace.ratePerSecond) / SECOND_MS) + 1);
}

/** When request n is due, in ms from the start. Its latency counts from here, whenever it could really be sent. */
export function dueAtMs({ ratePerSecond }: Pace, n: number): number {
  return (n * SECOND_MS) / ratePerSecond;
}
