const UNIT_MS = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };
const DURATION = /^(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/;

/** `1d`, `4h`, `1m30s`, `250ms` → milliseconds, positive; undefined for any other text. */
export function parseDuration(text: string): number | undefined {
  const [, days, hours, minutes, seconds, milliseconds] = DURATION.exec(text) ?? [];
  const totalMs =
    Number(days ?? 0) * UNIT_MS.d +
    Number(hours ?? 0) * UNIT_MS.h +
    Number(minutes ?? 0) * UNIT_MS.m +
    Number(seconds ?? 0) * UNIT_MS.s +
    Number(milliseconds ?? 0);
  return totalMs > 0 && Number.isSafeInteger(totalMs) ? totalMs : undefined;
}

/** Milliseconds → the shortest text that `parseDuration` reads back, such as `1m30s`. */
export function formatDuration(durationMs: number): string {
  let restMs = durationMs;
  let text = '';
  for (const [unit, unitMs] of Object.entries(UNIT_MS)) {
    const count = Math.floor(restMs / unitMs);
    if (count > 0) text += `${count}${unit}`;
    restMs -= count * unitMs;
  }
  return text === '' ? '0ms' : text;
}

/**
 * A duration of the shop's calendar on a clock that runs `timeScale` times faster: whole milliseconds, at least 1.
 * Durations that wait for a person, such as reading a mail, are not scaled.
 */
export function scaleTime(durationMs: number, timeScale: number): number {
  return Math.max(1, Math.round(durationMs / timeScale));
}
