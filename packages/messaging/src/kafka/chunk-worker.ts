import { setImmediate as nextTurn } from 'node:timers/promises';
import { pause } from '@punctual/lifecycle';
import { isRetryable, one } from '@punctual/postgres';
import { type Logger, runWithContext } from '@punctual/telemetry';
import type { EachBatchPayload, KafkaMessage as KafkaRecord } from 'kafkajs';
import { backoffMs } from '../backoff.ts';
import { type Verdict, workThrough } from '../batch.ts';
import { decodeEnvelope, isOfInterest, KAFKA_PREFIX, textHeader } from '../codec.ts';
import type { ConsumerMetrics } from '../consumer-metrics.ts';
import { type PoisonRecord, writeDeadLetter } from '../dead-letters.ts';
import { type EnvelopeOf, PoisonError } from '../envelope.ts';
import { RetryLater } from '../errors.ts';
import { judge, reasonOf } from '../judge.ts';
import { createGathering } from './gathering.ts';
import type { SubscribeOptions } from './subscribe-options.ts';

const RETRY = { firstMs: 100, maxMs: 10_000 };
const LINGER_MS = 20;
/** Messages from which on a transaction is large enough to go on at once. */
const FULL_BATCH = 200;

type Readable<M> = { readonly record: KafkaRecord; readonly envelope: EnvelopeOf<M> };
type Options<M> = SubscribeOptions<M> & { readonly maxBatch: number; readonly maxAttempts: number };
type Context = {
  readonly signal: AbortSignal;
  readonly logger: Logger;
  readonly metrics: ConsumerMetrics;
  readonly heartbeatMs: number;
};

/** Ends the work on a batch whose partition is no longer ours, or because the process stops. */
class Abandoned extends Error {}

/** See subscription.ts for the protocol. */
export function createChunkWorker<M>(options: Options<M>, { signal, logger, metrics, heartbeatMs }: Context) {
  const { db, schemas, groupId: consumer, maxBatch, maxAttempts } = options;
  const onPoison = options.onPoison ?? ((record: PoisonRecord) => writeDeadLetter(db, record));
  const ping = async (): Promise<void> => void (await one(db.primary, 'SELECT 1'));
  const gather = createGathering({ handle, lingerMs: LINGER_MS, full: FULL_BATCH, signal });
  let committing: Promise<void> | undefined;

  async function work(payload: EachBatchPayload): Promise<void> {
    const heart = startHeart(() => payload.heartbeat(), heartbeatMs);
    const { messages } = payload.batch;
    try {
      for (let start = 0; start < messages.length; start += maxBatch) {
        await workOnChunk(messages.slice(start, start + maxBatch), payload, heart);
      }
    } catch (error) {
      if (!(error instanceof Abandoned)) throw error;
    } finally {
      heart.stop();
    }
  }

  async function workOnChunk(chunk: readonly KafkaRecord[], payload: EachBatchPayload, heart: Heart): Promise<void> {
    const proceedOrAbandon = (): void => {
      // A failed heartbeat is kafkajs's own error: thrown from here it makes the consumer join its group again.
      heart.check();
      if (signal.aborted || !payload.isRunning() || payload.isStale()) throw new Abandoned();
    };
    const rest = async (failures: number): Promise<void> => {
      await pause(backoffMs(failures, RETRY), AbortSignal.any([signal, heart.signal]));
      proceedOrAbandon();
    };
    const bury = async (record: KafkaRecord, error: unknown): Promise<void> => {
      const poison = poisonOf(record, payload, { consumer, reason: reasonOf(error) });
      for (let failures = 1; ; failures += 1) {
        try {
          await onPoison(poison);
          break;
        } catch (cause) {
          logger.warn('dead letter not written, retrying', { error: reasonOf(cause) });
          await rest(failures);
        }
      }
      metrics.deadLetters.inc({ consumer });
      const { topic, partition, offset, eventId, reason } = poison;
      logger.error('message given up, kept as a dead letter', { topic, partition, offset, event_id: eventId, reason });
    };
    const commitUpTo = async (record: KafkaRecord | undefined): Promise<void> => {
      if (record === undefined) return;
      payload.resolveOffset(record.offset);
      await commit(payload);
    };

    proceedOrAbandon();
    const readable: Readable<M>[] = [];
    for (const record of chunk) {
      const envelope = read(record);
      if (envelope instanceof PoisonError) await bury(record, envelope);
      else if (envelope !== undefined) readable.push({ record, envelope });
    }
    if (readable.length === 0) await gather([]);
    let isFirst = true;
    await workThrough(readable, {
      attempts: { whole: maxAttempts, alone: maxAttempts },
      attempt(items) {
        const envelopes = items.map(({ envelope }) => envelope);
        // What has failed in company is judged on its own: the culprit may be another partition's.
        if (!isFirst) return handle(envelopes);
        isFirst = false;
        return gather(envelopes);
      },
      judge: (error) => verdictOn(error),
      pause: rest,
      giveUp: ({ record }, error) => bury(record, error),
      async done(items) {
        if (items.length < readable.length) await commitUpTo(items.at(-1)?.record);
      },
    });
    await commitUpTo(chunk.at(-1));
  }

  /** Partitions that are done together are committed with one request. */
  function commit(payload: EachBatchPayload): Promise<void> {
    committing ??= nextTurn().then(() => {
      committing = undefined;
      return payload.commitOffsetsIfNecessary(payload.uncommittedOffsets());
    });
    return committing;
  }

  /** undefined: of no interest here. */
  function read(record: KafkaRecord): EnvelopeOf<M> | PoisonError | undefined {
    const headers = record.headers ?? {};
    const type = textHeader(headers, `${KAFKA_PREFIX}type`);
    if (type !== undefined && !isOfInterest(type, schemas)) return undefined;
    try {
      return decodeEnvelope(headers, record.value, { prefix: KAFKA_PREFIX, schemas });
    } catch (error) {
      if (error instanceof PoisonError) return error;
      throw error;
    }
  }

  /** The handler may add to or reorder its array: it gets its own. */
  async function handle(batch: EnvelopeOf<M>[]): Promise<void> {
    const traceparent = batch.length === 1 ? batch[0]?.traceparent : undefined;
    await runWithContext({ traceparent }, () => options.handle(batch));
    metrics.handled.inc({ consumer }, batch.length);
  }

  async function verdictOn(error: unknown): Promise<Verdict> {
    const verdict = isRetryable(error) || error instanceof RetryLater ? 'wait' : await judge(error, ping);
    metrics.failures.inc({ consumer, verdict });
    logger.warn('handler failed', { verdict, error: reasonOf(error) });
    return verdict;
  }

  return { work };
}

type Heart = { check(): void; stop(): void; readonly signal: AbortSignal };

/** Beats from a timer while a batch is worked on. The first failure is kept for check(), and ends pauses. */
function startHeart(beat: () => Promise<void>, everyMs: number): Heart {
  const failed = new AbortController();
  let failure: { error: unknown } | undefined;
  const timer = setInterval(async () => {
    try {
      await beat();
    } catch (error) {
      failure ??= { error };
      failed.abort();
    }
  }, everyMs);
  return {
    signal: failed.signal,
    check() {
      if (failure !== undefined) throw failure.error;
    },
    stop: () => clearInterval(timer),
  };
}

function poisonOf(
  record: KafkaRecord,
  { batch }: EachBatchPayload,
  { consumer, reason }: { consumer: string; reason: string },
): PoisonRecord {
  const headers = record.headers ?? {};
  return {
    consumer,
    topic: batch.topic,
    partition: batch.partition,
    offset: record.offset,
    eventId: textHeader(headers, `${KAFKA_PREFIX}id`),
    type: textHeader(headers, `${KAFKA_PREFIX}type`),
    key: record.key,
    payload: record.value,
    reason,
  };
}
