import type { Database } from '@punctual/postgres';
import type { Logger, Metrics } from '@punctual/telemetry';
import type { Component } from '../component.ts';
import type { KafkaConnection } from '../kafka/connection.ts';
import type { RabbitConnection } from '../rabbit/connection.ts';

export type RelayOptions = {
  readonly db: Database;
  /** A service that never writes rows for a broker leaves it out. */
  readonly kafka?: KafkaConnection;
  readonly rabbit?: RabbitConnection;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** CloudEvents source of everything that leaves this outbox, such as `/order`. */
  readonly source: string;
  /** One relay per outbox: the name of its lease in the same database. */
  readonly leaseName: string;
  readonly leaseTtlMs?: number;
  readonly kafkaBatch?: number;
  readonly rabbitBatch?: number;
  readonly pollMs?: number;
  readonly idlePollMs?: number;
};

export type Relay = Component & {
  /** Call after a commit that wrote outbox rows: the relay looks at once instead of at its next poll. */
  wake(): void;
  /** Rejects with the last error of a loop that is failing now. For readiness. */
  ping(): Promise<void>;
};

export function createRelay(_options: RelayOptions): Relay {
  throw new Error('not written yet');
}
