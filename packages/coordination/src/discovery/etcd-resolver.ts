import type { Logger, Metrics } from '@punctual/telemetry';
import type { Etcd } from '../etcd/etcd.ts';
import { parseInstance, serviceFolder } from './instance-record.ts';
import type { Instance, Resolver } from './resolver.ts';
import { serviceTable } from './service-table.ts';

export type EtcdResolverOptions = {
  readonly etcd: Etcd;
  readonly prefix: string;
  /** Serve until etcd has answered for the first time. */
  readonly addresses: Readonly<Record<string, readonly Instance[]>>;
  readonly logger: Logger;
  readonly metrics: Metrics;
};

/** The instances that have registered; a record that cannot be read is passed over. */
export function createEtcdResolver({ etcd, prefix, addresses, logger, metrics }: EtcdResolverOptions): Resolver {
  return serviceTable({
    addresses,
    metrics,
    follow(service, known) {
      const watch = etcd.watch(serviceFolder(prefix, service), ({ entries }) => {
        const seen: Instance[] = [];
        for (const { key, value, revision } of entries) {
          const instance = parseInstance(value);
          if (instance === undefined) logger.warn('a registration cannot be read', { key });
          else seen.push({ ...instance, registration: revision });
        }
        known.update(seen);
      });
      return () => watch.close();
    },
  });
}
