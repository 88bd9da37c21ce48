import type { Instance, Resolver } from './resolver.ts';

/** Addresses from the configuration, which never change. */
export function createStaticResolver(addresses: Readonly<Record<string, readonly Instance[]>>): Resolver {
  return {
    watch(service, listener) {
      const instances = addresses[service] ?? [];
      if (instances.length > 0) listener(instances);
      return () => undefined;
    },
    close: () => Promise.resolve(),
  };
}
