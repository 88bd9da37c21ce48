import { workThrough } from '../batch.ts';
import { reasonOf } from '../judge.ts';
import type { KafkaConnection } from '../kafka/connection.ts';
import { isRefusedForGood } from '../kafka/refusal.ts';
import { envelopeOf, type Lane, type LaneOutcome, type OutboxRow } from './lane.ts';

/**
 * One request per batch. A request fails as a whole, so a record that the broker would never take (too large) is found
 * by halving the batch, and refused; any other failure ends the pass with what was published so far.
 */
export function kafkaLane(kafka: KafkaConnection, { source, batch }: { source: string; batch: number }): Lane {
  const send = (batchRows: readonly OutboxRow[]): Promise<void> =>
    kafka.publish(
      batchRows.map((row) => ({
        topic: row.destination,
        key: row.routing_key,
        envelope: envelopeOf(row, source),
        json: row.payload,
      })),
    );

  async function publish(batchRows: readonly OutboxRow[]): Promise<LaneOutcome> {
    const published: number[] = [];
    const refused = new Map<number, string>();
    const outcome = (): LaneOutcome => ({ published, refused: [...refused].map(([id, reason]) => ({ id, reason })) });
    try {
      await workThrough(batchRows, {
        attempts: { whole: 1, alone: 1 },
        attempt: send,
        async judge(error) {
          if (isRefusedForGood(error)) return 'reject';
          throw error;
        },
        async pause() {
          // Never called: whatever is not a refusal is thrown, and the lane does the waiting.
        },
        async giveUp({ id }, error) {
          refused.set(id, reasonOf(error));
        },
        async done(finished) {
          for (const { id } of finished) if (!refused.has(id)) published.push(id);
        },
      });
      return outcome();
    } catch (error) {
      return { ...outcome(), error: error instanceof Error ? error : new Error(String(error)) };
    }
  }

  return { transport: 'kafka', batch, publish };
}
