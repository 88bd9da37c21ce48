import { Resolver as DnsClient } from 'node:dns/promises';
import { pause } from '@punctual/lifecycle';
import type { Logger, Metrics } from '@punctual/telemetry';
import type { Instance, Resolver } from './resolver.ts';
import { serviceTable } from './service-table.ts';

const QUERY_TIMEOUT_MS = 1_000;
const QUERY_TRIES = 2;

export type DnsResolverOptions = {
  /** `{service}` stands for the service: `tasks.{service}` has one A record per task of a swarm's service. */
  readonly name: string;
  readonly httpPort: number;
  readonly grpcPort: number | undefined;
  readonly intervalMs: number;
  readonly addresses: Readonly<Record<string, readonly Instance[]>>;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** `host:port` of name servers in the place of the system's. */
  readonly nameServers?: readonly string[];
};

/** Asks for the A records of each service again and again: DNS tells nobody of a change. */
export function createDnsResolver(options: DnsResolverOptions): Resolver {
  const { name, httpPort, grpcPort, intervalMs, addresses, logger, metrics, nameServers } = options;
  const client = new DnsClient({ timeout: QUERY_TIMEOUT_MS, tries: QUERY_TRIES });
  if (nameServers !== undefined) client.setServers(nameServers);

  async function look(service: string): Promise<Instance[]> {
    const hosts = await client.resolve4(name.replaceAll('{service}', service));
    // Name servers shuffle their answers, which is no change.
    return hosts.sort().map((host) => ({
      http: `${host}:${httpPort}`,
      grpc: grpcPort === undefined ? undefined : `${host}:${grpcPort}`,
    }));
  }

  return serviceTable({
    addresses,
    metrics,
    follow(service, known) {
      const closing = new AbortController();
      void poll();
      return () => closing.abort();

      async function poll(): Promise<void> {
        let wasFound: boolean | undefined;
        while (!closing.signal.aborted) {
          try {
            known.update(await look(service));
            wasFound = true;
          } catch (error) {
            if (wasFound !== false)
              logger.warn('a service was not found in DNS; its last addresses serve on', { service, error });
            wasFound = false;
          }
          await pause(intervalMs, closing.signal);
        }
      }
    },
  });
}
