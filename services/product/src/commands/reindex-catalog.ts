/**
 * Builds the search index anew from Postgres, beside the live one.
 *
 *   empty index behind `products-next` ─▶ every row of Postgres ─▶ merge ─▶ compare and repair ─▶ swap the aliases ─▶ remove the old
 *
 * Searches are answered by the live index until the swap, which is one step, and by the new one from then on. Nothing that
 * is written meanwhile is missed: whoever writes, writes to both aliases in one request (see search/catalog-index.ts), so
 * what was read from Postgres before the new index was there is read again here, and what is read later arrives by itself.
 * In whatever order the two come, the versions keep the newer one. The comparison proves it: before the swap, each product
 * has been seen to be in the new index as Postgres had it, or between that and what it has become since.
 *
 * One run at a time, by a lease. A run that is killed leaves an index that nobody searches; writers go on filling it until
 * the next run removes it.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { acquireLease, type Database, type Lease } from '@punctual/postgres';
import type { Logger } from '@punctual/telemetry';
import type { CatalogIndex } from '../search/catalog-index.ts';
import { toDocument } from '../search/document.ts';
import { countProducts, nextSearchRows } from '../store/search-rows.ts';
import { type Comparison, compareIndex } from './compare-index.ts';

const LEASE = 'product-reindex';
const LEASE_TTL_MS = 10_000;
const LEASE_TRIES = 15;
const LEASE_RETRY_MS = 1_000;
const PRODUCTS_PER_BULK = 500;
/** Reported when so many more are done. */
const REPORT_EVERY = 5_000;

export type ReindexOptions = {
  db: Database;
  index: CatalogIndex;
  clock: () => Date;
  logger: Logger;
  report: (line: string) => void;
  /** Ends the run; what it has built is removed. */
  signal?: AbortSignal;
  /** How often, a second apart, the lease is asked for that a killed run may still hold; 15. */
  leaseTries?: number;
};

export type ReindexResult = Comparison & { indexName: string };

/** Throws when another run goes on, when its lease is lost, and when Postgres and the new index do not come together. */
export async function reindexCatalog(options: ReindexOptions): Promise<ReindexResult> {
  return await withLease(options, (lease) => rebuild(options, lease));
}

/** Compares the live index with Postgres and changes nothing. Undefined when there is no index. */
export async function checkIndex({ db, index, signal }: ReindexOptions): Promise<ReindexResult | undefined> {
  const indexName = await index.live();
  if (indexName === undefined) return undefined;
  const proceed = (): void => signal?.throwIfAborted();
  return { indexName, ...(await compareIndex({ db, index, alias: index.alias, repair: 'none', proceed })) };
}

async function rebuild(options: ReindexOptions, lease: Lease): Promise<ReindexResult> {
  const { db, index, clock, report } = options;
  const proceed = (): void => {
    options.signal?.throwIfAborted();
    if (!lease.isHeld()) throw new Error('the reindex has lost its lease; start it again');
  };
  await removeOthers(index, report);
  const indexName = index.nameAt(clock());
  await index.create(indexName);
  try {
    await fill({ db, index, report, proceed });
    report('merging the segments of the new index');
    await index.merge();
    report('comparing the new index with Postgres');
    const comparison = await compareIndex({ db, index, alias: index.nextAlias, repair: 'next', proceed });
    requireEqual(comparison);
    proceed();
    await index.swap(indexName);
    await removeOthers(index, report);
    return { indexName, ...comparison };
  } catch (error) {
    // Without the lease, what is there may be another run's.
    if (lease.isHeld()) await removeUnlessLive(index, indexName);
    throw error;
  }
}

async function fill(run: {
  db: Database;
  index: CatalogIndex;
  report: (line: string) => void;
  proceed: () => void;
}): Promise<void> {
  const total = await countProducts(run.db.primary);
  let done = 0;
  let reported = 0;
  for (let afterId = 0; ; ) {
    run.proceed();
    const found = await nextSearchRows(run.db.primary, afterId, PRODUCTS_PER_BULK);
    const last = found.at(-1);
    if (last !== undefined) {
      await run.index.write(found.map(toDocument), { nextOnly: true });
      afterId = last.product.id;
      done += found.length;
    }
    const isOver = found.length < PRODUCTS_PER_BULK;
    if (isOver || done - reported >= REPORT_EVERY) {
      run.report(`indexed ${done} of ${Math.max(total, done)} products`);
      reported = done;
    }
    if (isOver) return;
  }
}

/** A swap may have been carried out though it failed here. What nobody can tell is kept; the next run removes it. */
async function removeUnlessLive(index: CatalogIndex, name: string): Promise<void> {
  const live = await index.live().catch(() => name);
  if (live !== name) await index.remove([name]);
}

/** Every index but the one that is searched. */
async function removeOthers(index: CatalogIndex, report: (line: string) => void): Promise<void> {
  const live = await index.live();
  const others = (await index.indices()).filter((name) => name !== live);
  if (others.length === 0) return;
  await index.remove(others);
  report(`removed ${others.join(', ')}`);
}

function requireEqual({ checksums, different }: Comparison): void {
  if (different.length === 0 && checksums.postgres === checksums.index) return;
  throw new Error(`the new index is not what Postgres has; ${different.length} products differ, the live index stands`);
}

async function withLease<T>(options: ReindexOptions, work: (lease: Lease) => Promise<T>): Promise<T> {
  const { db, logger, leaseTries = LEASE_TRIES } = options;
  for (let attempt = 1; attempt <= leaseTries; attempt += 1) {
    const lease = await acquireLease(db, LEASE, { ttlMs: LEASE_TTL_MS, logger });
    if (lease !== undefined) {
      try {
        return await work(lease);
      } finally {
        await lease.release();
      }
    }
    if (attempt < leaseTries) await delay(LEASE_RETRY_MS);
  }
  throw new ReindexRunning();
}

export class ReindexRunning extends Error {
  override readonly name = 'ReindexRunning';

  constructor() {
    super('another reindex is running');
  }
}
