import { types } from 'pg';

const KEEP_ALIVE_DELAY_MS = 10_000;
const OID = { int8: 20, date: 1082, int8Array: 1016 } as const;

/** Milliseconds; the server ends what exceeds them. */
export type Timeouts = {
  statementTimeoutMs: number;
  lockTimeoutMs: number;
  idleInTransactionTimeoutMs: number;
  connectTimeoutMs: number;
};

export type ConnectionOptions = { url: string; applicationName: string; timeouts: Timeouts };

/**
 * The settings of one pg connection. Timeouts travel as startup parameters: they cost no round trip, and pgpool reuses a backend only
 * for a client whose startup packet is the same.
 */
export function connectionSettings({ url, applicationName, timeouts }: ConnectionOptions) {
  return {
    connectionString: url,
    application_name: applicationName,
    statement_timeout: timeouts.statementTimeoutMs,
    lock_timeout: timeouts.lockTimeoutMs,
    idle_in_transaction_session_timeout: timeouts.idleInTransactionTimeoutMs,
    connectionTimeoutMillis: timeouts.connectTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_DELAY_MS,
    types: { getTypeParser },
  };
}

/** Of this connection only: bigint as a safe number, date as `YYYY-MM-DD`; numeric stays text, timestamptz becomes a Date. */
function getTypeParser(oid: number, format: string) {
  if (format === 'binary') return types.getTypeParser(oid, 'binary');
  if (oid === OID.int8) return parseSafeInteger;
  if (oid === OID.int8Array) return parseSafeIntegerArray;
  if (oid === OID.date) return String;
  return types.getTypeParser(oid, 'text');
}

function parseSafeInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`bigint ${text} is beyond a safe integer`);
  return value;
}

function parseSafeIntegerArray(text: string): (number | null)[] {
  return text
    .slice(1, -1)
    .split(',')
    .filter((item) => item !== '')
    .map((item) => (item === 'NULL' ? null : parseSafeInteger(item)));
}
