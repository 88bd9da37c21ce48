/** One running instance of a service; addresses are `host:port`. */
export type Instance = {
  readonly http: string;
  readonly grpc?: string | undefined;
  /** Another one tells that the instance has registered anew, as after a restart, be its addresses the same; only etcd has it. */
  readonly registration?: string;
};

/**
 * Where a service's instances are. What was known stays known while the source of it is away, and a listener is never told of an
 * empty list once there was one: a stale address can be tried, none cannot.
 */
export type Resolver = {
  /** Tells what is known now, when anything is, and every change from then on; the result ends it. */
  watch(service: string, listener: (instances: readonly Instance[]) => void): () => void;
  close(): Promise<void>;
};
