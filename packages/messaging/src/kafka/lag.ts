import { pause } from '@punctual/lifecycle';
import type { Logger, Metrics } from '@punctual/telemetry';
import type { Admin } from 'kafkajs';

const OBSERVE_EVERY_MS = 10_000;

export function lagGauge(metrics: Metrics) {
  return metrics.gauge({
    name: 'kafka_consumer_lag',
    help: 'Records of a topic that the group has not committed yet.',
    labelNames: ['topic', 'group'],
  });
}

type LagOptions = {
  withAdmin<T>(work: (client: Admin) => Promise<T>): Promise<T>;
  readonly topics: readonly string[];
  readonly topicPrefix: string;
  readonly groupId: string;
  readonly gauge: ReturnType<typeof lagGauge>;
  readonly logger: Logger;
  readonly signal: AbortSignal;
};

/** Asks the broker every 10 s until the signal is aborted. An outage leaves the last value and is reported elsewhere. */
export async function observeLag(options: LagOptions): Promise<void> {
  const { withAdmin, topics, topicPrefix, groupId, gauge, logger, signal } = options;
  await pause(OBSERVE_EVERY_MS, signal);
  while (!signal.aborted) {
    try {
      await withAdmin(async (admin) => {
        const committed = await admin.fetchOffsets({ groupId: topicPrefix + groupId, topics: [...topics] });
        for (const { topic, partitions } of committed) {
          const offsetOf = new Map(partitions.map(({ partition, offset }) => [partition, Number(offset)]));
          const ends = await admin.fetchTopicOffsets(topic);
          const lag = ends.reduce((sum, { partition, high, low }) => {
            const offset = offsetOf.get(partition) ?? -1;
            return sum + Number(high) - (offset < 0 ? Number(low) : offset);
          }, 0);
          gauge.set({ topic: topic.slice(topicPrefix.length), group: groupId }, lag);
        }
      });
    } catch (error) {
      logger.debug('consumer lag not observed', { error: String(error) });
    }
    await pause(OBSERVE_EVERY_MS, signal);
  }
}
