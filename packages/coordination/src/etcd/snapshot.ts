export type Entry = {
  readonly key: string;
  readonly value: string;
  /** Revision of the store at which the key was written last; a decimal number. */
  readonly revision: string;
};

/** Everything below a prefix at one revision. */
export type Snapshot = { readonly revision: string; readonly entries: readonly Entry[] };
