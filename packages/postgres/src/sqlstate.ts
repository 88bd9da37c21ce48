import { DatabaseError } from 'pg';
import { DatabaseUnavailable } from './database-unavailable.ts';

/** The SQLSTATEs that code decides by. Source: PostgreSQL, Appendix A. */
export const SQLSTATE = {
  notNullViolation: '23502',
  foreignKeyViolation: '23503',
  uniqueViolation: '23505',
  checkViolation: '23514',
  exclusionViolation: '23P01',
  readOnlyTransaction: '25006',
  idleInTransactionTimeout: '25P03',
  serializationFailure: '40001',
  deadlockDetected: '40P01',
  invalidDatabase: '3D000',
  lockNotAvailable: '55P03',
  queryCanceled: '57014',
  adminShutdown: '57P01',
  crashShutdown: '57P02',
  cannotConnectNow: '57P03',
  undefinedTable: '42P01',
} as const;

const RETRYABLE_STATES: ReadonlySet<string> = new Set([
  SQLSTATE.readOnlyTransaction,
  SQLSTATE.serializationFailure,
  SQLSTATE.deadlockDetected,
  SQLSTATE.lockNotAvailable,
  SQLSTATE.queryCanceled,
]);
/** Connection exceptions, insufficient resources, system errors: about the server, never about the statement. */
const SERVER_CLASSES: ReadonlySet<string> = new Set(['08', '53', '58']);
const SERVER_STATES: ReadonlySet<string> = new Set([
  SQLSTATE.idleInTransactionTimeout,
  SQLSTATE.adminShutdown,
  SQLSTATE.crashShutdown,
  SQLSTATE.cannotConnectNow,
]);
const NETWORK_CODES: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);
/** What pg and knex say, without a code, when the connection or the pool is gone; knex puts the statement and a dash before it. */
const LOST_CONNECTION =
  /(?:^| - )(?:Connection (?:terminated|ended)|Client has encountered a connection error|timeout expired|Unable to acquire a connection|aborted$)|Timeout acquiring a connection|not queryable/;
const INTERNAL_ERROR = 'XX000';
const BAD_CREDENTIALS_CLASS = '28';

/** The SQLSTATE of an error that the server sent. */
export function sqlState(error: unknown): string | undefined {
  const code = codeOf(error);
  return code !== undefined && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

/** True when the server or the way to it failed, rather than the statement. */
export function isUnavailable(error: unknown): boolean {
  if (error instanceof DatabaseUnavailable) return true;
  const code = codeOf(error);
  if (code !== undefined && NETWORK_CODES.has(code)) return true;
  const state = sqlState(error);
  if (state !== undefined)
    return SERVER_STATES.has(state) || SERVER_CLASSES.has(state.slice(0, 2)) || endedSession(error);
  return error instanceof Error && LOST_CONNECTION.test(error.message);
}

/** True when the same work may succeed if it is tried again: nothing is wrong with the statement or its data. */
export function isRetryable(error: unknown): boolean {
  const state = sqlState(error);
  return isUnavailable(error) || (state !== undefined && RETRYABLE_STATES.has(state));
}

/** True for a violated unique constraint; of the given name, when one is given. */
export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  if (sqlState(error) !== SQLSTATE.uniqueViolation) return false;
  return (
    constraint === undefined || (error instanceof Error && 'constraint' in error && error.constraint === constraint)
  );
}

/**
 * FATAL ends the session: of what does, only wrong credentials are a mistake of the client. The second case is an error of pgpool's
 * own, for a backend that it lost.
 */
function endedSession(error: unknown): boolean {
  if (!(error instanceof DatabaseError)) return false;
  const { severity, code = '', file = '' } = error;
  const isFatal = (severity === 'FATAL' || severity === 'PANIC') && !code.startsWith(BAD_CREDENTIALS_CLASS);
  return isFatal || (code === INTERNAL_ERROR && file.startsWith('pool_'));
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
