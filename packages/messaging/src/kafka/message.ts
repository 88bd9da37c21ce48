import type { Envelope } from '../envelope.ts';

export type KafkaMessage = {
  /** Without the prefix. */
  readonly topic: string;
  readonly key: string;
  readonly envelope: Envelope;
  /** The data as JSON text, when it is at hand: then `envelope.data` is not looked at. */
  readonly json?: string;
};
