/** kafkajs as we set it up: its log lines brought to our logger, and a timer of it that never rests put to rest. */
import { createRequire } from 'node:module';
import type { Logger } from '@punctual/telemetry';
import { Kafka, type LogEntry, logLevel } from 'kafkajs';

const CONNECT_TIMEOUT_MS = 3_000;
const REQUEST_TIMEOUT_MS = 30_000;
/** kafkajs retries a request this often by itself, within about 3 s; what lasts longer is retried by our own loops. */
const RETRY = { retries: 5, initialRetryTime: 100, maxRetryTime: 1_000 };

/**
 * What kafkajs calls errors but is daily life: a fresh broker that has no coordinator yet, a rebalance, leaders that
 * move, and every single failed connection of an outage, which our loops already report once.
 */
const DAILY_LIFE =
  /coordinator|rebalanc|leadership election|not the leader|Topic creation errors|does not host this topic|Connection error|Connection timeout|Failed to connect|Crash: KafkaJSNumberOfRetriesExceeded|Restarting the consumer|re-joining|Closed connection|not aware of this member|Limiting retries for the idempotent producer/i;

export type KafkajsOptions = {
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly logger: Logger;
};

export function createKafkajs({ brokers, clientId, logger }: KafkajsOptions): Kafka {
  return new Kafka({
    brokers: [...brokers],
    clientId,
    connectionTimeout: CONNECT_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    retry: RETRY,
    logLevel: logLevel.WARN,
    logCreator: () => (entry) => writeLog(entry, logger),
  });
}

function writeLog({ level, log }: LogEntry, logger: Logger): void {
  const { message, error, groupId, broker } = log;
  const fields = { kafkajs: message, error: String(error ?? ''), group: groupId, broker };
  const text = `${message} ${fields.error}`;
  if (level > logLevel.WARN || DAILY_LIFE.test(text)) logger.debug('kafkajs says', fields);
  else logger.warn('kafkajs says', fields);
}

/** The part of kafkajs' request queue, one for each connection, that is touched here. */
type RequestQueue = {
  readonly pending: readonly unknown[];
  /** Milliseconds since 1970; -1 until the broker has asked for a pause. */
  readonly throttledUntil: number;
  scheduleCheckPendingRequests(): void;
};

/**
 * kafkajs 2.2.4 looks at the queue of every connection every millisecond for as long as the process lives, also when
 * nothing is in it and nothing is throttled: it takes `throttledUntil - now` for the delay of its next look, which is far
 * below zero, and Node makes that one millisecond (and prints TimeoutNegativeWarning). A thousand wake-ups a second are
 * 2 % of a core in an idle service. A look is needed only when something waits, or when a pause is to end; a request that
 * waits for others to finish is looked at when they do.
 */
function letIdleConnectionsRest(): void {
  const { prototype } = createRequire(import.meta.url)('kafkajs/src/network/requestQueue') as {
    prototype: RequestQueue;
  };
  const schedule = prototype.scheduleCheckPendingRequests;
  prototype.scheduleCheckPendingRequests = function scheduleWhenNeeded(this: RequestQueue): void {
    if (this.pending.length > 0 || this.throttledUntil > Date.now()) schedule.call(this);
  };
}

letIdleConnectionsRest();
