/** A Kafka record that no handler will ever accept. */
export type PoisonRecord = {
  /** The consumer group that gave up. */
  readonly consumer: string;
  /** Topic as it is named on the broker. */
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  /** `ce_id`, as far as it could be read. */
  readonly eventId: string | undefined;
  readonly type: string | undefined;
  readonly key: Buffer | null;
  readonly payload: Buffer | null;
  readonly reason: string;
};
