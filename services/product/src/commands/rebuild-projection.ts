/**
 * Rebuilds the projection from its events, beside the live one.
 *
 *   empty copy ─▶ fold all streams ─▶ indexes ─▶ fold what changed meanwhile ─▶ compare ─▶ lock, fold the rest, swap
 *
 * Until the last step nobody notices. There, writers wait while the few streams that changed since the last look are
 * folded, and readers while tables are renamed. A run that is killed leaves the live projection as it was, and a copy
 * that the next run drops.
 */
import { setTimeout as delay } from 'node:timers/promises';
import {
  acquireLease,
  type Database,
  type Lease,
  type Queryable,
  SQLSTATE,
  sqlState,
  type Transaction,
} from '@punctual/postgres';
import type { Logger } from '@punctual/telemetry';
import { evolve, type Product } from '../domain/product.ts';
import { upsertProducts } from '../store/product-store.ts';
import {
  changedSince,
  compareWithCopy,
  countStreams,
  createCopy,
  type Difference,
  dropCopy,
  findStockProblems,
  finishCopy,
  horizon,
  loadStreams,
  lockOutWriters,
  nextStreams,
  type StockProblem,
  swapInCopy,
} from '../store/rebuild-store.ts';

const LEASE = 'product-rebuild';
const LEASE_TTL_MS = 10_000;
const LEASE_TRIES = 15;
const LEASE_RETRY_MS = 1_000;
const STREAMS_PER_BATCH = 500;
/** More changed streams than this are folded before the lock is taken, not under it. */
const MAX_UNDER_LOCK = 200;
const MAX_CATCH_UPS = 20;
const LOCK_TIMEOUT_MS = 1_500;
const LOCK_TRIES = 30;
const LOCK_RETRY_MS = 500;
const STATEMENT_TIMEOUT_MS = 300_000;

export type RebuildOptions = {
  db: Database;
  logger: Logger;
  /** Compare only, and leave the live projection as it is. */
  checkOnly: boolean;
  report: (line: string) => void;
};

export type RebuildResult = {
  products: number;
  /** Where the live projection was not what its events say. */
  differences: Difference[];
  /** What a rebuild cannot repair: stock that does not add up. */
  stockProblems: StockProblem[];
  swapped: boolean;
};

/** Throws BrokenStream, and when another rebuild is running or writers never make way; the live projection then stands. */
export async function rebuildProjection({ db, logger, checkOnly, report }: RebuildOptions): Promise<RebuildResult> {
  const lease = await takeLease(db, logger);
  try {
    return await rebuild({ db, lease, checkOnly, report });
  } finally {
    await lease.release();
  }
}

type Run = { db: Database; lease: Lease; checkOnly: boolean; report: (line: string) => void };

async function rebuild({ db, lease, checkOnly, report }: Run): Promise<RebuildResult> {
  await long(db, createCopy);
  try {
    const start = await horizon(db.primary);
    const products = await foldAll(db, lease, report);
    report('building the indexes');
    await long(db, finishCopy);
    const caughtUpTo = await catchUp(db, lease, start, report);
    report('comparing the live projection with the rebuilt one');
    const seen = await long(db, (tx) => compareWithCopy(tx));
    const differences = await finish({ db, lease, checkOnly, report }, caughtUpTo, seen);
    const stockProblems = await long(db, findStockProblems);
    return { products, differences, stockProblems, swapped: !checkOnly };
  } finally {
    // After a swap the name stands for nothing any more; without the lease the copy may be another run's.
    if (lease.isHeld()) await dropCopy(db.primary);
  }
}

async function foldAll(db: Database, lease: Lease, report: (line: string) => void): Promise<number> {
  const total = await long(db, countStreams);
  let done = 0;
  for (let lastId = 0; ; ) {
    requireLease(lease);
    const ids = await nextStreams(db.primary, lastId, STREAMS_PER_BATCH);
    const last = ids.at(-1);
    if (last === undefined) return done;
    await foldInto(db.primary, ids);
    lastId = last;
    done += ids.length;
    report(`rebuilt ${done} of ${Math.max(total, done)} products`);
  }
}

/** Folds what changed during the last pass until little is left; returns the horizon of the last pass. */
async function catchUp(db: Database, lease: Lease, start: string, report: (line: string) => void): Promise<string> {
  let since = start;
  for (let pass = 1; pass <= MAX_CATCH_UPS; pass += 1) {
    requireLease(lease);
    const next = await horizon(db.primary);
    const ids = await changedSince(db.primary, since, Number.MAX_SAFE_INTEGER);
    for (let at = 0; at < ids.length; at += STREAMS_PER_BATCH) {
      await foldInto(db.primary, ids.slice(at, at + STREAMS_PER_BATCH));
    }
    if (ids.length > 0) report(`caught up with ${ids.length} products that changed meanwhile`);
    since = next;
    if (ids.length <= MAX_UNDER_LOCK / 2) break;
  }
  return since;
}

/** The end under the lock, tried again while writers hold it or have written too much meanwhile. */
async function finish(run: Run, caughtUpTo: string, seen: Difference[]): Promise<Difference[]> {
  let since = caughtUpTo;
  let differences = seen;
  for (let attempt = 1; ; attempt += 1) {
    try {
      const done = await run.db.transaction((tx) => finishLocked(tx, run, since, differences));
      if (done !== undefined) return done;
      // Too much to fold under the lock: fold it now, and look at those products again.
      const before = since;
      since = await catchUp(run.db, run.lease, since, run.report);
      differences = await recheck(
        run.db.primary,
        differences,
        await changedSince(run.db.primary, before, Number.MAX_SAFE_INTEGER),
      );
    } catch (error) {
      if (sqlState(error) !== SQLSTATE.lockNotAvailable && sqlState(error) !== SQLSTATE.deadlockDetected) throw error;
      run.report('the projection is in use, trying again');
    }
    if (attempt === LOCK_TRIES)
      throw new Error(`the rebuilt projection found no moment to take over in ${LOCK_TRIES} tries`);
    await delay(LOCK_RETRY_MS);
  }
}

/** Undefined when too many streams have changed to be folded while writers wait. */
async function finishLocked(
  tx: Transaction,
  { lease, checkOnly }: Run,
  since: string,
  seen: Difference[],
): Promise<Difference[] | undefined> {
  await lockOutWriters(tx, LOCK_TIMEOUT_MS);
  const ids = await changedSince(tx, since, MAX_UNDER_LOCK + 1);
  if (ids.length > MAX_UNDER_LOCK) return undefined;
  await foldInto(tx, ids);
  const differences = await recheck(tx, seen, ids);
  requireLease(lease);
  if (!checkOnly) await swapInCopy(tx);
  return differences;
}

/** What was seen of products that have not changed since holds; the others are compared anew. */
async function recheck(db: Queryable, seen: Difference[], changedIds: readonly number[]): Promise<Difference[]> {
  const changed = new Set(changedIds);
  const kept = seen.filter(({ productId }) => !changed.has(productId));
  if (changed.size === 0) return kept;
  return [...kept, ...(await compareWithCopy(db, changedIds))].sort((a, b) => a.productId - b.productId);
}

async function foldInto(db: Queryable, productIds: readonly number[]): Promise<void> {
  if (productIds.length === 0) return;
  const states = new Map<number, Product>();
  for (const event of await loadStreams(db, productIds)) {
    states.set(event.productId, evolve(states.get(event.productId), event));
  }
  await upsertProducts(db, 'products_next', [...states.values()]);
}

async function takeLease(db: Database, logger: Logger): Promise<Lease> {
  for (let attempt = 1; attempt <= LEASE_TRIES; attempt += 1) {
    const lease = await acquireLease(db, LEASE, { ttlMs: LEASE_TTL_MS, logger });
    if (lease !== undefined) return lease;
    await delay(LEASE_RETRY_MS);
  }
  throw new Error('another rebuild is running');
}

/** A run that was stopped for longer than its lease must not disturb the one that came after it. */
function requireLease(lease: Lease): void {
  if (!lease.isHeld()) throw new Error('the rebuild has lost its lease; start it again');
}

/** Long work is bounded too, but not by what a request may take. */
function long<T>(db: Database, work: (tx: Transaction) => Promise<T>): Promise<T> {
  return db.transaction(work, { statementTimeoutMs: STATEMENT_TIMEOUT_MS });
}
