import type { Knex } from 'knex';

export type Transaction = Knex.Transaction;
/** A pool or a transaction: what a query runs on. */
export type Queryable = Knex | Knex.Transaction;
export type BindingValue =
  | string
  | number
  | boolean
  | null
  | Date
  | Buffer
  | readonly (string | number | boolean | Date | null)[];
/** Values for `:name` placeholders, or in order for `?`. An array is one value, for `= ANY(:ids)` or `unnest(:ids::bigint[])`. */
export type Bindings = Readonly<Record<string, BindingValue>> | readonly BindingValue[];

type Result<T> = { rows: T[]; rowCount: number | null };

/** All rows. The row type is the caller's promise about the statement. A `?` that is an operator is written `\\?`. */
export async function rows<T>(queryable: Queryable, sql: string, bindings?: Bindings): Promise<T[]> {
  return (await run<T>(queryable, sql, bindings)).rows;
}

/** The first row, or undefined when there is none. */
export async function one<T>(queryable: Queryable, sql: string, bindings?: Bindings): Promise<T | undefined> {
  return (await run<T>(queryable, sql, bindings)).rows[0];
}

/** How many rows a statement inserted, changed or removed. */
export async function execute(queryable: Queryable, sql: string, bindings?: Bindings): Promise<number> {
  return (await run(queryable, sql, bindings)).rowCount ?? 0;
}

async function run<T>(queryable: Queryable, sql: string, bindings?: Bindings): Promise<Result<T>> {
  return bindings === undefined
    ? queryable.raw<Result<T>>(sql)
    : queryable.raw<Result<T>>(sql, asKnexBindings(bindings));
}

/** Knex passes arrays on as they are, but its types know of no array that holds null. */
function asKnexBindings(bindings: Bindings): Knex.ValueDict {
  return bindings as Knex.ValueDict;
}
