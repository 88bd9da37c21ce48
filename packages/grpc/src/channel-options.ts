import type { ChannelOptions } from '@grpc/grpc-js';
import type { Resolver } from '@punctual/coordination';
import type { TsProtoServiceDefinition } from 'nice-grpc';
import { RESOLVER_OPTION } from './service-resolver.ts';

/** The first attempt and those after it. */
const MAX_ATTEMPTS = 3;
/** The library waits a fifth more or less, at random, so that clients do not come back all at once. */
const FIRST_BACKOFF = '0.02s';
const MAX_BACKOFF = '0.2s';
const BACKOFF_FACTOR = 2;
/** A budget for all calls of a client: each failure costs 1 and each success returns a tenth; below half there are no retries. */
const RETRY_BUDGET = { maxTokens: 100, tokenRatio: 0.1 };
/** Found dead within 5 s: an instance that keeps its connection and says nothing. */
const KEEPALIVE_TIME_MS = 3_000;
const KEEPALIVE_TIMEOUT_MS = 2_000;
/** An instance that is back is used again within this time. */
const FIRST_RECONNECT_MS = 100;
const MAX_RECONNECT_MS = 500;
const CONNECT_TIMEOUT_MS = 2_000;
/** A thousand products at their longest. */
const MAX_ANSWER_BYTES = 16_000_000;

/**
 * Round robin over all instances. A call that no server has seen goes to another one by itself, whatever it does; one that a server
 * may have begun, only when its method says that doing it twice is doing it once.
 */
export function channelOptions(definition: TsProtoServiceDefinition, resolver: Resolver): ChannelOptions {
  const repeatable = Object.values(definition.methods).filter(({ options }) => options.idempotencyLevel !== undefined);
  const retryPolicy = {
    maxAttempts: MAX_ATTEMPTS,
    initialBackoff: FIRST_BACKOFF,
    maxBackoff: MAX_BACKOFF,
    backoffMultiplier: BACKOFF_FACTOR,
    retryableStatusCodes: ['UNAVAILABLE'],
  };
  const serviceConfig = {
    loadBalancingConfig: [{ round_robin: {} }],
    retryThrottling: RETRY_BUDGET,
    ...(repeatable.length === 0
      ? {}
      : {
          methodConfig: [
            { name: repeatable.map(({ name }) => ({ service: definition.fullName, method: name })), retryPolicy },
          ],
        }),
  };
  return {
    [RESOLVER_OPTION]: resolver,
    'grpc.service_config': JSON.stringify(serviceConfig),
    'grpc.keepalive_time_ms': KEEPALIVE_TIME_MS,
    'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
    'grpc.keepalive_permit_without_calls': 1,
    'grpc.initial_reconnect_backoff_ms': FIRST_RECONNECT_MS,
    'grpc.max_reconnect_backoff_ms': MAX_RECONNECT_MS,
    'grpc.min_reconnect_backoff_ms': CONNECT_TIMEOUT_MS,
    'grpc.max_receive_message_length': MAX_ANSWER_BYTES,
    // Our own hosts are never behind a proxy, whatever the environment says.
    'grpc.enable_http_proxy': 0,
  };
}
