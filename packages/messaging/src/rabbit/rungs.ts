/**
 * Which fixed delay (rung) a delayed message waits on, when the broker only knows fixed delays.
 *
 * A queue with one TTL for all its messages releases them in order and on time; a TTL per message expires only at the
 * queue's head. So there is one queue per rung, and any delay is made of hops: wait on a rung, look at what remains,
 * hop again. The rungs are the delays that the business has declared (a reminder after 4 h is one hop on a rung of
 * exactly 4 h) and, where due times can be anything, a ladder of general ones.
 *
 *   the smallest rung that is not shorter than what remains, when it overshoots by no more than the slack;
 *   else the largest rung that is not longer than what remains, and another hop after it;
 *   else (less remains than the smallest rung) the smallest rung.
 *
 * Lateness. Only the last hop can overshoot: by at most max(slack, smallest rung), with the slack between 50 and 250 ms,
 * plus the time of one delivery. On the ladder that is 250 ms. Without it the smallest rung may be long: then a message
 * that misses its rung (it was published late) may be late by up to that rung, which suits retries and nothing else.
 * Never early: each hop ends before the due time or within that lateness, and a consumer holds or sends back what
 * arrives before its due time by the consumer's own clock.
 */
const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

export const GENERAL_LADDER_MS: readonly number[] = [
  100,
  500,
  2 * SECOND_MS,
  10 * SECOND_MS,
  MINUTE_MS,
  5 * MINUTE_MS,
  30 * MINUTE_MS,
  2 * HOUR_MS,
  12 * HOUR_MS,
];

const MIN_SLACK_MS = 50;
const MAX_SLACK_MS = 250;
const SLACK_SHARE = 0.01;

/** The rungs of a delayed exchange: whole positive milliseconds, ascending, each once. */
export function rungsOf({ stepsMs, arbitrary }: { stepsMs: readonly number[]; arbitrary: boolean }): readonly number[] {
  const all = [...stepsMs, ...(arbitrary ? GENERAL_LADDER_MS : [])].map((ms) => Math.max(1, Math.round(ms)));
  return [...new Set(all)].sort((a, b) => a - b);
}

export function slackMs(remainingMs: number): number {
  return Math.min(MAX_SLACK_MS, Math.max(MIN_SLACK_MS, remainingMs * SLACK_SHARE));
}

/** `rungs` ascending; undefined when nothing remains to wait for. Throws when there are no rungs. */
export function pickRung(remainingMs: number, rungs: readonly number[]): number | undefined {
  if (remainingMs <= 0) return undefined;
  const [smallest] = rungs;
  if (smallest === undefined) throw new RangeError('a delayed exchange needs at least one delay');
  const above = rungs.find((rung) => rung >= remainingMs);
  if (above !== undefined && above - remainingMs <= slackMs(remainingMs)) return above;
  return rungs.findLast((rung) => rung <= remainingMs) ?? smallest;
}
