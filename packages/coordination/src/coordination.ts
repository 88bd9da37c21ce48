import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { ConfigError } from '@punctual/config';
import type { Component } from '@punctual/lifecycle';
import { changeLogLevel, type Logger, type LogLevel, type Metrics } from '@punctual/telemetry';
import { createDnsResolver } from './discovery/dns-resolver.ts';
import { createEtcdResolver } from './discovery/etcd-resolver.ts';
import { createRegistration } from './discovery/registration.ts';
import type { Instance, Resolver } from './discovery/resolver.ts';
import { createStaticResolver } from './discovery/static-resolver.ts';
import { connectEtcd, type Etcd } from './etcd/etcd.ts';
import { LOG_LEVEL, logLevelOf } from './settings/definitions.ts';
import { createDynamicSettings, type DynamicSettings } from './settings/dynamic-settings.ts';
import { createSettingsDesk, type SettingsDesk } from './settings/settings-desk.ts';

/** `discoveryConfig` and `logConfig` of packages/config. */
export type DiscoveryConfig = {
  readonly LOG_LEVEL: LogLevel;
  readonly DISCOVERY: 'static' | 'dns' | 'etcd';
  readonly SERVICE_ADDRESSES: Readonly<Record<string, readonly Instance[]>>;
  readonly ETCD_ENDPOINTS?: readonly { host: string; port: number }[] | undefined;
  readonly ETCD_PREFIX: string;
  readonly ADVERTISE_HOST: string;
  readonly DISCOVERY_DNS_NAME: string;
  readonly DISCOVERY_HTTP_PORT: number;
  readonly DISCOVERY_GRPC_PORT?: number | undefined;
  readonly DISCOVERY_DNS_INTERVAL: number;
};

/** The ports at which a service listens; asked once it does. */
export type OwnPorts = {
  readonly http: () => number;
  /** Its `host:port`; undefined or empty when there is none. */
  readonly grpc?: () => string | undefined;
};

/** Everything that a service has to do with others being somewhere; first in its lifecycle, so that it is closed last. */
export type Coordination = Component & {
  readonly resolver: Resolver;
  /** The log level follows its settings already; what else there is, the service follows itself. */
  readonly settings: DynamicSettings;
  /** Changes them; undefined without etcd. */
  readonly desk: SettingsDesk | undefined;
  /** Add it after the servers: it says where they listen, and is taken back before they stop. */
  registration(ports: OwnPorts): Component;
};

export type CoordinationOptions = {
  readonly service: string;
  readonly version: string;
  readonly logger: Logger;
  readonly metrics: Metrics;
};

/** Connects to etcd only when ETCD_ENDPOINTS says where it is; DISCOVERY=etcd without it is a ConfigError. */
export function createCoordination(config: DiscoveryConfig, options: CoordinationOptions): Coordination {
  const { service, version, logger, metrics } = options;
  const endpoints = config.ETCD_ENDPOINTS?.map(({ host, port }) => `${host}:${port}`);
  const etcd = endpoints === undefined ? undefined : connectEtcd({ endpoints, logger, metrics });
  const settings = createDynamicSettings({ prefix: config.ETCD_PREFIX, logger, metrics });
  followLogLevel(settings, service, { logger, usual: config.LOG_LEVEL });
  let stopListening = (): void => undefined;
  const resolver = createResolver(config, { etcd, logger, metrics });
  return {
    name: 'coordination',
    resolver,
    settings,
    desk: etcd === undefined ? undefined : createSettingsDesk(etcd, config.ETCD_PREFIX),
    registration({ http, grpc }) {
      if (etcd === undefined || config.DISCOVERY !== 'etcd') return nothingToRegister;
      const at = (port: number) => `${config.ADVERTISE_HOST}:${port}`;
      return createRegistration({
        etcd,
        prefix: config.ETCD_PREFIX,
        service,
        instance: `${hostname()}-${randomUUID().slice(0, 8)}`,
        describe: () => ({
          http: at(http()),
          ...grpcOf(config.ADVERTISE_HOST, grpc?.()),
          version,
          started_at: new Date().toISOString(),
        }),
        logger,
        metrics,
      });
    },
    start() {
      if (etcd !== undefined) stopListening = settings.listen(etcd);
      return Promise.resolve();
    },
    async stop() {
      stopListening();
      await resolver.close();
      etcd?.close();
    },
  };
}

function createResolver(
  config: DiscoveryConfig,
  { etcd, logger, metrics }: { etcd: Etcd | undefined; logger: Logger; metrics: Metrics },
): Resolver {
  const addresses = config.SERVICE_ADDRESSES;
  switch (config.DISCOVERY) {
    case 'static':
      return createStaticResolver(addresses);
    case 'dns':
      return createDnsResolver({
        name: config.DISCOVERY_DNS_NAME,
        httpPort: config.DISCOVERY_HTTP_PORT,
        grpcPort: config.DISCOVERY_GRPC_PORT,
        intervalMs: config.DISCOVERY_DNS_INTERVAL,
        addresses,
        logger,
        metrics,
      });
    case 'etcd':
      if (etcd === undefined) {
        throw new ConfigError([
          {
            name: 'ETCD_ENDPOINTS',
            found: 'nothing',
            expected: 'addresses such as localhost:2379, since DISCOVERY is etcd',
          },
        ]);
      }
      return createEtcdResolver({ etcd, prefix: config.ETCD_PREFIX, addresses, logger, metrics });
    default:
      return config.DISCOVERY satisfies never;
  }
}

/** Its port is what is told; the host is that under which others reach this one. */
function grpcOf(host: string, address: string | undefined): { grpc?: string } {
  const port = /:(\d+)$/.exec(address ?? '')?.[1];
  return port === undefined ? {} : { grpc: `${host}:${port}` };
}

/** That of the service wins over that of all, and both over the configuration. */
function followLogLevel(
  settings: DynamicSettings,
  service: string,
  { logger, usual }: { logger: Logger; usual: LogLevel },
): void {
  const own = logLevelOf(service);
  const followed = [...(own === undefined ? [] : [own]), LOG_LEVEL].map((setting) => settings.follow(setting, apply));

  function apply(): void {
    changeLogLevel(logger, followed.find(({ current }) => current !== undefined)?.current ?? usual);
  }
}

const nothingToRegister: Component = {
  name: 'registration',
  start: () => Promise.resolve(),
  stop: () => Promise.resolve(),
};
