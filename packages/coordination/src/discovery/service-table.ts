import type { Metrics } from '@punctual/telemetry';
import { type KnownInstances, knownInstances } from './known-instances.ts';
import type { Instance, Resolver } from './resolver.ts';

export type ServiceTableOptions = {
  /** What to begin with, by service. */
  readonly addresses: Readonly<Record<string, readonly Instance[]>>;
  readonly metrics: Metrics;
  /** Begins to look for a service, at its first watch; the result ends that. */
  readonly follow: (service: string, known: KnownInstances) => () => void;
};

/** A resolver that follows each service that somebody watches, once, however many watch it. */
export function serviceTable({ addresses, metrics, follow }: ServiceTableOptions): Resolver {
  const services = new Map<string, { known: KnownInstances; unfollow: () => void }>();
  metrics.gauge({
    name: 'discovery_instances',
    help: 'Instances of a service that are known here',
    labelNames: ['dependency'],
    collect() {
      for (const [dependency, { known }] of services) this.set({ dependency }, known.count);
    },
  });

  function followed(service: string): KnownInstances {
    const present = services.get(service);
    if (present !== undefined) return present.known;
    const known = knownInstances(addresses[service] ?? []);
    services.set(service, { known, unfollow: follow(service, known) });
    return known;
  }

  return {
    watch: (service, listener) => followed(service).listen(listener),
    close() {
      for (const { unfollow } of services.values()) unfollow();
      return Promise.resolve();
    },
  };
}
