import { pause } from '@punctual/lifecycle';
import type { Logger, Metrics } from '@punctual/telemetry';
import {
  CompareResult,
  CompareTarget,
  Etcd3,
  type IKeyValue,
  type IRequestOp,
  type ITxnRequest,
  Range,
  SortOrder,
  SortTarget,
} from 'etcd3';
import { EtcdUnavailable } from './etcd-unavailable.ts';
import { PassThrough } from './pass-through.ts';
import type { Entry, Snapshot } from './snapshot.ts';
import { type PrefixWatch, watchPrefix } from './watch-prefix.ts';

/** Of one call, with all the members that are asked. Whether to ask again later, whoever calls decides. */
const CALL_TIMEOUT_MS = 3_000;
/** Shorter than a lease: when one is this late, asking anew is worth more than waiting. */
const LEASE_CALL_TIMEOUT_MS = 2_000;
/** etcd refuses pings that come more often than every 5 s; asking finds out sooner that a member hangs. */
const PING_EVERY_MS = 10_000;
const PING_TIMEOUT_MS = 3_000;
/** How often a process with watches asks whether its member still answers. */
const PROBE_EVERY_MS = 1_000;
/** Whether there is such a key does not matter. */
const PROBED_KEY = Buffer.from('probe');
/** Between two attempts to connect. */
const RECONNECT_MS = 1_000;
/** Of one attempt. grpc-js keeps it when packages/grpc is loaded, as it is in every service but mail, where the kernel's limits hold. */
const CONNECT_TIMEOUT_MS = 1_000;

export type WriteOperation = { put: string; value: string; lease?: string } | { delete: string };

/** `revision` is that at which the key must have been written last; '0' when it must not exist. */
export type Precondition = { key: string; revision: string };

/**
 * What a process has of etcd: one member is asked, the next one when it gives no answer within its share of the time limit, and watches
 * move with the calls. It outlives every outage: calls fail with EtcdUnavailable while etcd is away, within their time limits, and
 * watches go on by themselves when it is back. The library's own watchers and leases are not used, since they throw from event
 * handlers, where nobody can catch it, and its breaker would hold calls back for seconds after an outage.
 */
export type Etcd = {
  /** Keys below the prefix, oldest creation first. */
  list(prefix: string): Promise<Snapshot>;
  get(key: string): Promise<Entry | undefined>;
  /**
   * False when a precondition did not hold. That may be the doing of this very write, when a member took it without an answer and the
   * next one was asked: who must know looks for something that only this write leaves.
   */
  write(operations: readonly WriteOperation[], preconditions?: readonly Precondition[]): Promise<boolean>;
  /** Tells a snapshot now and at every change, for ever. */
  watch(prefix: string, listener: (snapshot: Snapshot) => void): PrefixWatch;
  grantLease(ttlSeconds: number): Promise<string>;
  /** False when etcd does not know the lease any more. */
  keepLeaseAlive(lease: string): Promise<boolean>;
  revokeLease(lease: string): Promise<void>;
  close(): void;
};

export type EtcdOptions = {
  /** `host:port` of each member. */
  readonly endpoints: readonly string[];
  readonly logger: Logger;
  readonly metrics: Metrics;
};

export function connectEtcd({ endpoints, logger, metrics }: EtcdOptions): Etcd {
  const members = endpoints.map(connectMember);
  let asked = 0;
  let left = new AbortController();
  const connected = metrics.gauge({
    name: 'etcd_connected',
    help: 'Whether etcd answered when it was last asked: 1 or 0',
  });
  const failures = metrics.counter({ name: 'etcd_failures_total', help: 'Calls and watches that etcd did not answer' });
  const watches = new Set<PrefixWatch>();
  const closing = new AbortController();
  let isProbing = false;
  let isConnected: boolean | undefined;

  const noteAnswer = (): void => {
    connected.set(1);
    if (isConnected !== true) logger.info('etcd answers', { endpoints });
    isConnected = true;
  };
  const noteFailure = (error: unknown): void => {
    failures.inc();
    connected.set(0);
    if (isConnected !== false) logger.warn('etcd is away; what is known goes on serving', { endpoints, error });
    isConnected = false;
  };
  connected.set(0);

  /** The member that is asked until it gives no answer; then the next one is. */
  function member(): Etcd3 {
    const found = members[asked % members.length];
    if (found === undefined) throw new Error('etcd has no members');
    return found;
  }

  /** Of several calls that fail together one moves on, so that none of them passes over a member that is well. */
  function leave(failed: number): void {
    if (failed !== asked) return;
    asked += 1;
    left.abort();
    left = new AbortController();
  }

  async function call<T>(
    action: string,
    work: (client: Etcd3, options: { deadline: number }) => Promise<T>,
    timeoutMs = CALL_TIMEOUT_MS,
  ) {
    const deadline = Date.now() + timeoutMs;
    for (let untried = members.length; ; untried -= 1) {
      const turn = asked;
      // A member that hangs leaves their share of the time to the others.
      const shareMs = (deadline - Date.now()) / untried;
      try {
        const answer = await work(member(), { deadline: Date.now() + shareMs });
        noteAnswer();
        return answer;
      } catch (error) {
        leave(turn);
        if (untried > 1 && Date.now() < deadline) continue;
        noteFailure(error);
        throw new EtcdUnavailable(action, error);
      }
    }
  }

  /** No error tells a watch that its member hangs, or is cut off from the others; a question that needs a majority does. */
  async function probe(): Promise<void> {
    if (isProbing) return;
    isProbing = true;
    while (!closing.signal.aborted) {
      try {
        await call('answer', (client, options) => client.kv.range({ key: PROBED_KEY, count_only: true }, options));
      } catch {
        // The call has noted it, and moved the watches.
      }
      await pause(PROBE_EVERY_MS, closing.signal);
    }
  }

  async function list(prefix: string): Promise<Snapshot> {
    const { start, end } = Range.prefix(prefix);
    const { header, kvs } = await call('list keys', (client, options) =>
      client.kv.range(
        { key: start, range_end: end, sort_order: SortOrder.Ascend, sort_target: SortTarget.Create },
        options,
      ),
    );
    return { revision: header.revision, entries: kvs.map(entryOf) };
  }

  return {
    list,
    async get(key) {
      const { kvs } = await call('read a key', (client, options) =>
        client.kv.range({ key: Buffer.from(key) }, options),
      );
      return kvs[0] === undefined ? undefined : entryOf(kvs[0]);
    },
    async write(operations, preconditions = []) {
      const request: ITxnRequest = {
        compare: preconditions.map(({ key, revision }) => ({
          key: Buffer.from(key),
          target: CompareTarget.Mod,
          result: CompareResult.Equal,
          mod_revision: revision,
        })),
        success: operations.map(requestOf),
      };
      const { succeeded } = await call('write', (client, options) => client.kv.txn(request, options));
      return succeeded;
    },
    watch(prefix, listener) {
      void probe();
      const watch = watchPrefix({
        async open() {
          const { signal } = left;
          return { stream: await member().watchClient.watch(), left: signal };
        },
        list,
        prefix,
        listener,
        onAnswer: noteAnswer,
        onFailure: noteFailure,
      });
      watches.add(watch);
      return {
        close() {
          watches.delete(watch);
          watch.close();
        },
      };
    },
    async grantLease(ttlSeconds) {
      const { ID } = await call(
        'grant a lease',
        (client, options) => client.leaseClient.leaseGrant({ TTL: ttlSeconds }, options),
        LEASE_CALL_TIMEOUT_MS,
      );
      return ID;
    },
    keepLeaseAlive: (lease) =>
      call('keep a lease alive', (client, options) => keepAlive(client, lease, options), LEASE_CALL_TIMEOUT_MS),
    async revokeLease(lease) {
      await call(
        'revoke a lease',
        (client, options) => client.leaseClient.leaseRevoke({ ID: lease }, options),
        LEASE_CALL_TIMEOUT_MS,
      );
    },
    close() {
      closing.abort();
      for (const watch of watches) watch.close();
      watches.clear();
      for (const client of members) client.close();
    },
  };
}

/** Connects when it is first asked. */
function connectMember(endpoint: string): Etcd3 {
  return new Etcd3({
    hosts: `http://${endpoint}`,
    faultHandling: { host: () => new PassThrough(), global: new PassThrough() },
    grpcOptions: {
      'grpc.keepalive_time_ms': PING_EVERY_MS,
      'grpc.keepalive_timeout_ms': PING_TIMEOUT_MS,
      'grpc.initial_reconnect_backoff_ms': RECONNECT_MS,
      'grpc.max_reconnect_backoff_ms': RECONNECT_MS,
      'grpc.min_reconnect_backoff_ms': CONNECT_TIMEOUT_MS,
    },
  });
}

/** A stream for one question: it has a time limit like every other call, and nothing of it outlives an outage. */
async function keepAlive(client: Etcd3, lease: string, options: { deadline: number }): Promise<boolean> {
  const stream = await client.leaseClient.leaseKeepAlive(options);
  try {
    return await new Promise<boolean>((resolve, reject) => {
      stream.on('data', ({ TTL }) => resolve(Number(TTL) > 0));
      stream.on('error', reject);
      stream.on('end', () => reject(new Error('the stream ended without an answer')));
      stream.write({ ID: lease });
    });
  } finally {
    stream.end();
  }
}

function entryOf({ key, value, mod_revision }: IKeyValue): Entry {
  return { key: key.toString(), value: value.toString(), revision: mod_revision };
}

function requestOf(operation: WriteOperation): IRequestOp {
  if ('delete' in operation) return { request_delete_range: { key: Buffer.from(operation.delete) } };
  const { put, value, lease } = operation;
  return {
    request_put: { key: Buffer.from(put), value: Buffer.from(value), ...(lease === undefined ? {} : { lease }) },
  };
}
