import { randomBytes } from 'node:crypto';

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const SAMPLED = '01';
const NO_TRACE = '0'.repeat(32);
const NO_SPAN = '0'.repeat(16);

export type TraceparentParts = { traceId: string; spanId: string; flags: string };

/** The parts of a valid W3C traceparent of version 00; undefined when absent or malformed. */
export function parseTraceparent(traceparent: string | undefined): TraceparentParts | undefined {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(traceparent ?? '') ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  return traceId === NO_TRACE || spanId === NO_SPAN ? undefined : { traceId, spanId, flags };
}

/** A new span in the parent's trace; a new sampled trace when the parent is absent or malformed. */
export function newTraceparent(parent?: string): string {
  const known = parseTraceparent(parent);
  const spanId = randomBytes(8).toString('hex');
  return known === undefined
    ? `00-${randomBytes(16).toString('hex')}-${spanId}-${SAMPLED}`
    : `00-${known.traceId}-${spanId}-${known.flags}`;
}
