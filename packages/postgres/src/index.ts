export type { Timeouts } from './connection.ts';
export { createDatabase, type Database, type DatabaseOptions } from './database.ts';
export { DatabaseUnavailable } from './database-unavailable.ts';
export { acquireLease, type Lease, type LeaseOptions, leaseMigrations } from './lease.ts';
export { type LeasedOptions, leased } from './leased.ts';
export { type Migration, migrateDown, migrateUp } from './migrate.ts';
export { type Bindings, type BindingValue, execute, one, type Queryable, rows, type Transaction } from './query.ts';
export { isRetryable, isUnavailable, isUniqueViolation, SQLSTATE, sqlState } from './sqlstate.ts';
export type { TransactionOptions } from './transaction.ts';
