/** kafkajs as we set it up: its log lines brought to our logger, and the one warning that it makes Node print silenced. */
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
  silenceTimeoutNegativeWarning();
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

let isSilenced = false;

/**
 * kafkajs 2.2.4 computes the delay of a timer from a time that it has initialised with -1 (its request queue), so
 * Node 24 prints TimeoutNegativeWarning for the first connection. The timer fires after 1 ms, as intended. This drops
 * exactly the warnings of that name that are raised from inside kafkajs; every other one is passed on.
 */
function silenceTimeoutNegativeWarning(): void {
  if (isSilenced) return;
  isSilenced = true;
  const emit = process.emitWarning.bind(process);
  process.emitWarning = (warning: string | Error, ...rest: unknown[]): void => {
    const isOfKafkajs = rest[0] === 'TimeoutNegativeWarning' && new Error('where').stack?.includes('kafkajs') === true;
    if (!isOfKafkajs) Reflect.apply(emit, process, [warning, ...rest]);
  };
}
