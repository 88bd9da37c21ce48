/**
 * The database could not be reached, had no free connection in time, or was lost. Safe to try again, except that with
 * `commitUnknown` the transaction may have been committed: only idempotent work may be repeated then.
 */
export class DatabaseUnavailable extends Error {
  override readonly name = 'DatabaseUnavailable';
  readonly code = 'UNAVAILABLE';
  readonly dependency = 'postgres';
  readonly retryable = true;
  readonly commitUnknown: boolean;

  constructor(cause: unknown, { commitUnknown = false }: { commitUnknown?: boolean } = {}) {
    super(commitUnknown ? 'the database was lost during a commit' : 'the database is unavailable', { cause });
    this.commitUnknown = commitUnknown;
  }
}
