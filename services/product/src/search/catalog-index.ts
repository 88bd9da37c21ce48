/**
 * The index of the catalog behind its aliases.
 *
 *   products        the index that is searched
 *   products-next   the one that a reindex is building, if any
 *
 * Who writes, writes to both in one request, and never names an index: aliases are resolved by OpenSearch when it carries the
 * request out. What is read from Postgres before an index of that name exists is read again by the reindex that made it; what
 * is read later goes there too. So nothing is missed at either end, and no writer has to know whether a reindex runs.
 */
import { z } from 'zod';
import { type Connection, SearchRefused, SearchUnavailable } from './connection.ts';
import { type DocumentState, digestOf, type VersionedDocument } from './document.ts';
import { type IndexShape, indexDefinition } from './index-definition.ts';

const NOT_FOUND = 404;
const CONFLICT = 409;
/** What OpenSearch says of a document that the mapping has no place for. */
const MISFITS: ReadonlySet<string> = new Set(['mapper_parsing_exception', 'strict_dynamic_mapping_exception']);
/** The end of an index's name, as `nameAt` makes it: to the millisecond. */
const MADE_AT = /^\d{17}$/;
/** More than a window of ids can hold, and what OpenSearch lets a search return at most. */
const MAX_DOCUMENTS = 10_000;
/** Millions of products are merged within minutes. */
const MERGED_WITHIN_MS = 30 * 60_000;

export type Written = {
  indexed: number;
  /** Refused since the index had the same or a newer version: as it should be. */
  outdated: number;
};

/** The index will never take this document as it is. */
export class DocumentRefused extends Error {
  override readonly name = 'DocumentRefused';
}

export type CatalogIndex = {
  /** The alias that is searched. */
  readonly alias: string;
  /** Where reindexing builds. */
  readonly nextAlias: string;
  /**
   * To `products` and, while there is one, to the index that is being built; or to that alone. Throws DocumentRefused for a document
   * that does not fit.
   */
  write(documents: readonly VersionedDocument[], options?: { nextOnly?: boolean }): Promise<Written>;
  /** The index behind `products`; undefined when there is none yet. */
  live(): Promise<string | undefined>;
  /** Every index that was made here: the live one, and what runs that were killed have left. */
  indices(): Promise<string[]>;
  /** An empty index behind `products-next`. */
  create(name: string): Promise<void>;
  /** Makes the index that was built the one that is searched, in one step. */
  swap(name: string): Promise<void>;
  remove(names: readonly string[]): Promise<void>;
  /** Makes one segment of the index that was built: a misspelt word is then looked for in one dictionary, not in dozens. */
  merge(): Promise<void>;
  /** Lets searches see what has been written so far. */
  refresh(alias: string): Promise<void>;
  /** Live documents with ids above `afterId`, up to and with `lastId`, in order. */
  documents(alias: string, range: { afterId: number; lastId: number }): Promise<DocumentState[]>;
  nameAt(at: Date): string;
};

const itemResult = z.object({
  status: z.number(),
  error: z.object({ type: z.string(), reason: z.string().optional() }).optional(),
});
const bulkAnswer = z.object({ items: z.array(z.object({ index: itemResult })).default([]) });
const aliasAnswer = z.record(z.string(), z.object({ aliases: z.record(z.string(), z.unknown()) }));
const documentsAnswer = z.object({
  hits: z.object({
    hits: z.array(z.object({ _id: z.string(), _version: z.number(), _source: z.record(z.string(), z.unknown()) })),
  }),
});
const anything = z.unknown();

export function createCatalogIndex({
  connection,
  prefix,
  shape,
}: {
  connection: Connection;
  prefix: string;
  shape: IndexShape;
}): CatalogIndex {
  const alias = `${prefix}products`;
  const nextAlias = `${alias}-next`;
  const isOwn = (name: string): boolean => name.startsWith(`${alias}-`) && MADE_AT.test(name.slice(alias.length + 1));

  async function aliases(): Promise<Record<string, readonly string[]>> {
    const found = await connection.request(aliasAnswer, {
      method: 'GET',
      path: `/${alias}-*/_alias`,
      query: { expand_wildcards: 'all' },
    });
    return Object.fromEntries(Object.entries(found).map(([name, { aliases: own }]) => [name, Object.keys(own)]));
  }

  async function live(): Promise<string | undefined> {
    return Object.entries(await aliases()).find(([, own]) => own.includes(alias))?.[0];
  }

  return {
    alias,
    nextAlias,
    live,
    async write(documents, { nextOnly = false } = {}) {
      const targets = nextOnly ? [nextAlias] : [alias, nextAlias];
      const lines = targets.flatMap((target) => documents.flatMap((one) => writeLines(target, one)));
      const { items } = await connection.request(bulkAnswer, {
        method: 'POST',
        path: '/_bulk',
        query: { filter_path: 'items.index.status,items.index.error.type,items.index.error.reason' },
        lines: `${lines.join('\n')}\n`,
      });
      if (items.length !== documents.length * targets.length)
        throw new SearchUnavailable('a bulk answer is incomplete');
      const written: Written = { indexed: 0, outdated: 0 };
      for (const [position, { index: result }] of items.entries()) {
        const target = targets[Math.floor(position / documents.length)];
        const isMissing = result.status === NOT_FOUND;
        if (isMissing && target === nextAlias && !nextOnly) continue;
        if (result.status === CONFLICT) written.outdated += 1;
        else if (result.status < 300) written.indexed += 1;
        else throw failedItem(target ?? alias, result);
      }
      return written;
    },
    async indices() {
      return Object.keys(await aliases()).filter(isOwn);
    },
    async create(name) {
      const definition = { ...indexDefinition(shape), aliases: { [nextAlias]: {} } };
      await connection.request(anything, { method: 'PUT', path: `/${name}`, body: definition });
    },
    async swap(name) {
      const before = await live();
      const actions = [
        ...(before === undefined ? [] : [{ remove: { index: before, alias, must_exist: true } }]),
        { remove: { index: name, alias: nextAlias, must_exist: true } },
        { add: { index: name, alias } },
      ];
      await connection.request(anything, { method: 'POST', path: '/_aliases', body: { actions } });
    },
    async remove(names) {
      for (const name of names) {
        try {
          await connection.request(anything, { method: 'DELETE', path: `/${name}` });
        } catch (error) {
          if (!(error instanceof SearchRefused && error.status === NOT_FOUND)) throw error;
        }
      }
    },
    async merge() {
      const query = { max_num_segments: '1' };
      const path = `/${nextAlias}/_forcemerge`;
      await connection.request(anything, { method: 'POST', path, query, timeoutMs: MERGED_WITHIN_MS });
    },
    async refresh(target) {
      await connection.request(anything, { method: 'POST', path: `/${target}/_refresh` });
    },
    async documents(target, { afterId, lastId }) {
      const { hits } = await connection.request(documentsAnswer, {
        method: 'POST',
        path: `/${target}/_search`,
        body: {
          size: MAX_DOCUMENTS,
          version: true,
          track_total_hits: false,
          query: { bool: { filter: [{ term: { deleted: false } }, { range: { id: { gt: afterId, lte: lastId } } }] } },
          sort: [{ id: 'asc' }],
        },
      });
      return hits.hits.map(({ _id, _version, _source }) => ({
        id: Number(_id),
        version: _version,
        digest: digestOf(_source),
      }));
    },
    nameAt: (at) => `${alias}-${at.toISOString().replaceAll(/\D/g, '')}`,
  };
}

/**
 * `external`: what has a version that is not above the document's is refused. `require_alias`: a write that finds no alias
 * fails, in place of making an index without a mapping.
 */
function writeLines(target: string, { document, version }: VersionedDocument): string[] {
  const action = {
    index: { _index: target, _id: String(document.id), version, version_type: 'external', require_alias: true },
  };
  return [JSON.stringify(action), JSON.stringify(document)];
}

function failedItem(target: string, { error }: z.infer<typeof itemResult>): Error {
  const reason = `${target}: ${error?.type ?? 'unknown'}: ${error?.reason ?? ''}`;
  // Anything else passes: an index that is not there yet will be made, a block lifted, a closed index opened.
  return MISFITS.has(error?.type ?? '') ? new DocumentRefused(reason) : new SearchUnavailable(reason);
}
