import type { Instance } from './resolver.ts';

/**
 * What is known after a source has told what it sees: that, each address once, or what was known when it sees nothing. A service
 * whose last instance has gone is either down, and asking an old address fails no worse than having none, or its source has
 * forgotten everything, and the old addresses are right.
 */
export function nextKnown(known: readonly Instance[], seen: readonly Instance[]): readonly Instance[] {
  if (seen.length === 0) return known;
  // A process that was killed and is back has two records for a while; the later one knows its present addresses.
  return [...new Map(seen.map((instance) => [instance.http, instance])).values()];
}

export function sameInstances(a: readonly Instance[], b: readonly Instance[]): boolean {
  return (
    a.length === b.length &&
    a.every(({ http, grpc, registration }, index) => {
      const other = b[index];
      return http === other?.http && grpc === other.grpc && registration === other.registration;
    })
  );
}

type Listener = (instances: readonly Instance[]) => void;

/** The instances of one service, and who wants to be told of them. */
export type KnownInstances = {
  /** Takes what the source sees now; listeners are told when that is news. */
  update(seen: readonly Instance[]): void;
  /** Tells what is known, if anything is, and every change; the result ends it. */
  listen(listener: Listener): () => void;
  readonly count: number;
};

export function knownInstances(first: readonly Instance[]): KnownInstances {
  let known = first;
  const listeners = new Set<Listener>();
  return {
    update(seen) {
      const next = nextKnown(known, seen);
      if (sameInstances(known, next)) return;
      known = next;
      for (const listener of listeners) listener(known);
    },
    listen(listener) {
      // The same function may listen twice.
      const own: Listener = (instances) => listener(instances);
      listeners.add(own);
      if (known.length > 0) own(known);
      return () => listeners.delete(own);
    },
    get count() {
      return known.length;
    },
  };
}
