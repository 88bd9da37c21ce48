const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** From here on whole hours say enough. */
const HOURS_FROM_MS = 1.5 * HOUR_MS;

/** What is left of a time to pay, as a person says it: "20 hours", "45 minutes", "less than a minute". */
export function timeLeftText(leftMs: number): string {
  if (leftMs < MINUTE_MS) return 'less than a minute';
  if (leftMs >= HOURS_FROM_MS) return count(Math.round(leftMs / HOUR_MS), 'hour');
  return count(Math.floor(leftMs / MINUTE_MS), 'minute');
}

function count(amount: number, unit: string): string {
  return `${amount} ${unit}${amount === 1 ? '' : 's'}`;
}
