import { z } from 'zod';

/** Ids that one receipt may name. */
export const MAX_IDS_PER_RECEIPT = 1_000;

/** The ids that an outbox gives. */
export const MESSAGE_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** On the exchange `receipts`: the messages, by CloudEvents id, that their receiver has finished with for good. */
export const receipt = z.object({
  message_ids: z.array(z.string().regex(MESSAGE_ID)).min(1).max(MAX_IDS_PER_RECEIPT),
});
export type Receipt = z.infer<typeof receipt>;
