/**
 * Compares an index with Postgres, id by id, while both go on changing, and brings up to date what is behind.
 *
 * The ids are taken in windows. Of each window the versions are read from Postgres first and from the index then, until both
 * are the same; what the index has not, or has older, or still has though it is gone, is read again and written. A product
 * that changes faster than that is done when the index has it newer than Postgres had it before: it has moved, and is left
 * out of both checksums. The checksums are taken over "id:version" of all others, in the order of the ids.
 */
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '@punctual/postgres';
import { documentVersion } from '../domain/document-version.ts';
import type { CatalogIndex, DocumentVersion } from '../search/catalog-index.ts';
import { toDocument } from '../search/document.ts';
import { loadSearchRows, nextVersions } from '../store/search-rows.ts';

const WINDOW = 2_000;
const MAX_TRIES = 12;
const CHECK_PAUSE_MS = 250;
const SHOWN_DIFFERENCES = 1_000;

export type Comparison = {
  /** In the catalog, and in the index. */
  products: { postgres: number; index: number };
  checksums: { postgres: string; index: string };
  /** Products that changed while they were compared; the index has them newer than they were before. */
  moved: number;
  /** Products that the index has not as they are; a thousand at most. Empty after a repair. */
  different: number[];
};

export type CompareOptions = {
  db: Database;
  index: CatalogIndex;
  /** The index to compare, by its alias. */
  alias: string;
  /** Writes what is behind to the index that is being built; else it is waited for and then told. */
  repair: 'next' | 'none';
  /** Called between windows; throws to end it. */
  proceed: () => void;
};

export async function compareIndex(options: CompareOptions): Promise<Comparison> {
  const sums = { postgres: createHash('sha256'), index: createHash('sha256') };
  const products = { postgres: 0, index: 0 };
  const different: number[] = [];
  let moved = 0;
  for (let afterId = 0; ; ) {
    options.proceed();
    const window = await settleWindow(options, afterId);
    for (const side of ['postgres', 'index'] as const) {
      const left = window[side].filter(({ id }) => !window.moved.has(id));
      for (const { id, version } of left) sums[side].update(`${id}:${version}\n`);
      products[side] += window[side].length;
    }
    moved += window.moved.size;
    if (different.length < SHOWN_DIFFERENCES) different.push(...window.different);
    if (window.isLast) break;
    afterId = window.lastId;
  }
  return {
    products,
    checksums: { postgres: sums.postgres.digest('hex'), index: sums.index.digest('hex') },
    moved,
    different,
  };
}

type Window = {
  postgres: DocumentVersion[];
  index: DocumentVersion[];
  moved: Set<number>;
  different: number[];
  lastId: number;
  isLast: boolean;
};

async function settleWindow(options: CompareOptions, afterId: number): Promise<Window> {
  const { index, alias, repair } = options;
  for (let attempt = 1; ; attempt += 1) {
    options.proceed();
    const postgres = await versionsInPostgres(options.db, afterId);
    const isLast = postgres.length < WINDOW;
    const lastId = isLast ? Number.MAX_SAFE_INTEGER : (postgres.at(-1)?.id ?? afterId);
    const read = async (): Promise<DocumentVersion[]> => {
      await index.refresh(alias);
      return await index.versions(alias, { afterId, lastId });
    };
    const inIndex = await read();
    const behind = differing(postgres, inIndex);
    const window = { postgres, index: inIndex, moved: new Set<number>(), different: [], lastId, isLast };
    if (behind.length === 0) return window;
    if (repair === 'none') await delay(CHECK_PAUSE_MS);
    else await bringUpToDate(options, behind);
    if (attempt === MAX_TRIES) {
      const now = { postgres, index: await read() };
      return { ...window, ...now, ...(await judge(options, now)) };
    }
  }
}

async function versionsInPostgres(db: Database, afterId: number): Promise<DocumentVersion[]> {
  return (await nextVersions(db.primary, afterId, WINDOW)).map(({ id, ...versions }) => ({
    id,
    version: documentVersion(versions),
  }));
}

/** Ids that are on one side only, or in two versions. */
function differing(postgres: readonly DocumentVersion[], index: readonly DocumentVersion[]): number[] {
  const there = new Map(index.map(({ id, version }) => [id, version]));
  const ids = postgres.flatMap(({ id, version }) => (there.get(id) === version ? [] : [id]));
  const known = new Set(postgres.map(({ id }) => id));
  return [...ids, ...index.flatMap(({ id }) => (known.has(id) ? [] : [id]))];
}

/** What still differs after the last try, by what Postgres has now. */
async function judge(
  { db }: CompareOptions,
  window: { postgres: readonly DocumentVersion[]; index: readonly DocumentVersion[] },
): Promise<{ moved: Set<number>; different: number[] }> {
  const before = new Map(window.postgres.map(({ id, version }) => [id, version]));
  const inIndex = new Map(window.index.map(({ id, version }) => [id, version]));
  const ids = differing(window.postgres, window.index);
  const now = new Map((await loadSearchRows(db.primary, ids)).map((row) => [row.product.id, row.product]));
  const isFollowed = (id: number): boolean => {
    const version = inIndex.get(id);
    const product = now.get(id);
    if (product === undefined || product.deletedAt !== null) return version === undefined;
    return version !== undefined && version >= (before.get(id) ?? 0);
  };
  return { moved: new Set(ids.filter(isFollowed)), different: ids.filter((id) => !isFollowed(id)) };
}

async function bringUpToDate({ db, index }: CompareOptions, ids: readonly number[]): Promise<void> {
  const found = await loadSearchRows(db.primary, ids);
  if (found.length > 0) await index.write(found.map(toDocument), { nextOnly: true });
}
