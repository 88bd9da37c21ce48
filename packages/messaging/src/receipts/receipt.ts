/**
 * Receipts: a RabbitMQ message stays a row of its sender until its receiver has finished with it, so that RabbitMQ may
 * lose all its data and nothing is lost.
 *
 *   outbox ── published, confirmed ──▶ outbox_sent ── receipt ──▶ deleted
 *     ▲                                    │
 *     └── no receipt in time, or RabbitMQ came back empty ──┘
 *
 * The receiver names what it is finished with (handled, or kept as a dead letter) in messages of its own, up to a
 * thousand ids in each, to the exchange `receipts` under the sender's name. A receipt may come twice, late or never: one
 * that is lost means that the message comes again, is found done, and has its receipt then. So the receiver must
 * recognise repeats, as it has to anyway.
 *
 * A message without a receipt is published again after a wait that doubles five times: a receiver that is away for a day
 * finds a handful of copies. When RabbitMQ comes back without the sender's receipt queue, which nobody but the sender
 * declares, its data is gone, and all is published again at once.
 */
import { MESSAGE_ID, type Receipt } from '@punctual/contracts';
import type { Envelope } from '../envelope.ts';

export const RECEIPT = 'receipt';

/** What a receipt is for. */
export type Receivable = Pick<Envelope, 'id' | 'source'>;

/**
 * Passes over ids that no outbox gives, where the contract refuses the whole: they cannot be in the table, or are no UUID to
 * ask for, and the others are still good.
 */
export const receiptSchema = {
  parse(data: unknown): Receipt {
    const ids: unknown = typeof data === 'object' && data !== null && 'message_ids' in data ? data.message_ids : null;
    if (!Array.isArray(ids)) throw new TypeError('message_ids is not an array');
    return { message_ids: ids.filter((id) => typeof id === 'string' && MESSAGE_ID.test(id)) };
  },
};
