/**
 * The version under which a product stands in the search index: its own and that of its stock, added. Both only ever rise, and
 * whatever changes what can be searched raises one of them; so of two states of a product the later one has the larger sum,
 * and equal sums are the same state. That is all that the index needs to refuse what comes late or twice. Only a rebuild corrects
 * the projection at the versions it has; a reindex follows it (docs/search.md).
 */
export function documentVersion({ version, stockVersion }: { version: number; stockVersion: number }): number {
  return version + stockVersion;
}
