import { PublishError, type RabbitConnection, type RabbitMessage } from '../rabbit/connection.ts';
import { envelopeOf, type Lane, type LaneOutcome, type OutboxRow } from './lane.ts';

/** Publishes the batch at once and sorts it by what the broker said to each message. */
export function rabbitLane(
  rabbit: RabbitConnection,
  { source, batch, settle }: { source: string; batch: number; settle: Lane['settle'] },
): Lane {
  async function publish(batchRows: readonly OutboxRow[]): Promise<LaneOutcome> {
    const rowOf = new Map(batchRows.map((row) => [messageOf(row, source), row]));
    try {
      await rabbit.publish([...rowOf.keys()]);
      return { published: batchRows.map(({ id }) => id), refused: [] };
    } catch (error) {
      if (!(error instanceof PublishError)) throw error;
      return outcomeOf(rowOf, error);
    }
  }

  return { transport: 'rabbit', batch, publish, ...(settle === undefined ? {} : { settle }) };
}

function messageOf(row: OutboxRow, source: string): RabbitMessage {
  return {
    exchange: row.destination,
    routingKey: row.routing_key,
    envelope: envelopeOf(row, source),
    json: row.payload,
  };
}

function outcomeOf(rowOf: ReadonlyMap<RabbitMessage, OutboxRow>, error: PublishError): LaneOutcome {
  const failureOf = new Map(error.failures.map((failure) => [failure.message, failure]));
  const published: number[] = [];
  const refused: { id: number; reason: string }[] = [];
  let isUnknown = false;
  for (const [message, { id }] of rowOf) {
    const failure = failureOf.get(message);
    if (failure === undefined) published.push(id);
    else if (failure.reason === 'unknown') isUnknown = true;
    else refused.push({ id, reason: `${failure.reason}: ${message.exchange} ${message.routingKey}` });
  }
  return { published, refused, ...(isUnknown ? { error } : {}) };
}
