import { experimental, Metadata, status } from '@grpc/grpc-js';
import type { Instance, Resolver } from '@punctual/coordination';

/** `service:product` is all instances of product, as the Resolver in the channel's options knows them. */
export const SERVICE_SCHEME = 'service';
/** The channel option that carries the Resolver. */
export const RESOLVER_OPTION = 'punctual.resolver';

/** Tells gRPC of every change in what a Resolver says, so that calls spread over the instances that there are now. */
class ServiceResolver implements experimental.Resolver {
  readonly #service: string;
  readonly #source: Resolver;
  readonly #listener: experimental.ResolverListener;
  #unwatch: (() => void) | undefined;
  #isKnown = false;

  constructor(
    target: experimental.GrpcUri,
    listener: experimental.ResolverListener,
    channelOptions: Record<string, unknown>,
  ) {
    this.#service = target.path;
    this.#listener = listener;
    this.#source = channelOptions[RESOLVER_OPTION] as Resolver;
  }

  /** gRPC calls this at first, and again to ask for news, which we tell anyway. */
  updateResolution(): void {
    this.#unwatch ??= this.#source.watch(this.#service, (instances) => this.#told(instances));
    if (!this.#isKnown) this.#tell(experimental.statusOrFromError(nothingKnown(this.#service)));
  }

  destroy(): void {
    this.#unwatch?.();
    this.#unwatch = undefined;
    this.#isKnown = false;
  }

  static getDefaultAuthority(target: experimental.GrpcUri): string {
    return target.path;
  }

  #told(instances: readonly Instance[]): void {
    const endpoints = instances.flatMap(({ grpc }) => (grpc === undefined ? [] : [endpointOf(grpc)]));
    if (endpoints.length === 0) return;
    this.#isKnown = true;
    this.#tell(experimental.statusOrFromValue(endpoints));
  }

  /** Never within the caller's own call, as gRPC asks. */
  #tell(result: experimental.StatusOr<experimental.Endpoint[]>): void {
    process.nextTick(() => {
      if (this.#unwatch !== undefined) this.#listener(result, {}, null, '');
    });
  }
}

experimental.registerResolver(SERVICE_SCHEME, ServiceResolver);

function endpointOf(address: string): experimental.Endpoint {
  const colon = address.lastIndexOf(':');
  return { addresses: [{ host: address.slice(0, colon), port: Number(address.slice(colon + 1)) }] };
}

/** Calls fail at once rather than at their deadline when there is nobody to call. */
function nothingKnown(service: string) {
  return { code: status.UNAVAILABLE, details: `no address of ${service} is known`, metadata: new Metadata() };
}
