/**
 * Compares an index with Postgres, id by id, while both go on changing, and brings up to date what is behind.
 *
 * The ids are taken in windows. Of each window the products are read from Postgres first and from the index then, until both
 * have the same versions with the same content; what the index has not, or has older, or still has though it is gone, is read
 * again and written. A product that changes faster than that is done when the index has it between what Postgres had before and
 * what it has after: it has moved, and is left out of both checksums. They are taken over "id:version:digest" of all others, in
 * the order of the ids; the digest is of the whole document, since a rebuilt projection may differ at an equal version.
 */
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '@punctual/postgres';
import type { CatalogIndex } from '../search/catalog-index.ts';
import { type DocumentState, digestOf, toDocument } from '../search/document.ts';
import { loadSearchRows, nextSearchRows, type SearchRow } from '../store/search-rows.ts';

const WINDOW = 1_000;
const MAX_TRIES = 12;
const CHECK_PAUSE_MS = 250;
const SHOWN_DIFFERENCES = 1_000;

export type Comparison = {
  /** In the catalog, and in the index. */
  products: { postgres: number; index: number };
  checksums: { postgres: string; index: string };
  /** Products that changed while they were compared; the index has followed. */
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
      for (const { id, version, digest } of left) sums[side].update(`${id}:${version}:${digest}\n`);
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
  postgres: DocumentState[];
  index: DocumentState[];
  moved: Set<number>;
  different: number[];
  lastId: number;
  isLast: boolean;
};

async function settleWindow(options: CompareOptions, afterId: number): Promise<Window> {
  const { index, alias, repair } = options;
  for (let attempt = 1; ; attempt += 1) {
    options.proceed();
    const found = await nextSearchRows(options.db.primary, afterId, WINDOW);
    const postgres = found.filter(isInCatalog).map(stateOf);
    const isLast = found.length < WINDOW;
    const lastId = isLast ? Number.MAX_SAFE_INTEGER : (found.at(-1)?.product.id ?? afterId);
    const read = async (): Promise<DocumentState[]> => {
      await index.refresh(alias);
      return await index.documents(alias, { afterId, lastId });
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

function isInCatalog({ product }: SearchRow): boolean {
  return product.deletedAt === null;
}

function stateOf(row: SearchRow): DocumentState {
  const { document, version } = toDocument(row);
  return { id: document.id, version, digest: digestOf(document) };
}

/** Ids that are on one side only, or are not the same on both. */
function differing(postgres: readonly DocumentState[], index: readonly DocumentState[]): number[] {
  const there = byId(index);
  const known = byId(postgres);
  const ids = postgres.flatMap((state) => (isSame(state, there.get(state.id)) ? [] : [state.id]));
  return [...ids, ...index.flatMap(({ id }) => (known.has(id) ? [] : [id]))];
}

/** What still differs after the last try, by what Postgres has now. */
async function judge(
  { db }: CompareOptions,
  window: { postgres: readonly DocumentState[]; index: readonly DocumentState[] },
): Promise<{ moved: Set<number>; different: number[] }> {
  const before = byId(window.postgres);
  const inIndex = byId(window.index);
  const ids = differing(window.postgres, window.index);
  const now = byId((await loadSearchRows(db.primary, ids)).filter(isInCatalog).map(stateOf));
  const isFollowed = (id: number): boolean => {
    const [indexed, is] = [inIndex.get(id), now.get(id)];
    if (is === undefined || indexed === undefined) return is === indexed;
    // What it was in between is known to nobody any more.
    const isBetween = indexed.version > (before.get(id)?.version ?? 0) && indexed.version < is.version;
    return isBetween || isSame(indexed, is);
  };
  return { moved: new Set(ids.filter(isFollowed)), different: ids.filter((id) => !isFollowed(id)) };
}

function byId(states: readonly DocumentState[]): Map<number, DocumentState> {
  return new Map(states.map((state) => [state.id, state]));
}

function isSame(a: DocumentState, b: DocumentState | undefined): boolean {
  return a.version === b?.version && a.digest === b.digest;
}

async function bringUpToDate({ db, index }: CompareOptions, ids: readonly number[]): Promise<void> {
  const found = await loadSearchRows(db.primary, ids);
  if (found.length > 0) await index.write(found.map(toDocument), { nextOnly: true });
}
