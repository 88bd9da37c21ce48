import type { FaultRecord } from '../types.ts';
import { invariant } from './breaking.ts';
import { changed } from './healthy.ts';
import { checkRecovery } from './i9-recovery.ts';

const KILL: FaultRecord = { name: 'kill', target: 'order', struckMs: 5, healedMs: 6, recoveredMs: 900, notes: {} };

describe('I9, recovery', () => {
  const { holds, caught } = invariant(checkRecovery);

  holds('when every fault was recovered from and nothing is left to do', () => ({ history: { faults: [KILL] } }), {
    attempted: 6,
    acknowledged: 6,
  });

  caught(
    'a fault that was not recovered from',
    () => ({ history: { faults: [KILL, { ...KILL, recoveredMs: null }] } }),
    { lost: 1 },
    /after kill of order at 5 ms the platform did not recover/,
  );
  caught(
    'a platform that does not come to rest',
    () => ({ history: { quiescedMs: null } }),
    { lost: 1 },
    /did not come to rest/,
  );
  caught(
    'a consumer, a queue, an outbox and webhooks that are behind',
    () => ({
      evidence: {
        lags: [{ group: 'product', topic: 'order', records: 3 }],
        queues: [{ name: 'mail.jobs', messages: 2 }],
        outbox: [{ service: 'order', transport: 'kafka', messageId: 'm', type: 't', subject: 's' }],
        webhooksWaiting: 4,
      },
    }),
    { lost: 4 },
    /3 records behind on order[\s\S]*still holds 2 messages[\s\S]*still hold 1 messages[\s\S]*4 webhooks/,
  );
  caught(
    "an order service that believes in yesterday's stock",
    ({ evidence }) => ({
      evidence: { productCopies: changed(evidence.productCopies, { productId: 1 }, { available: 8 }) },
    }),
    { lost: 1 },
    /product 1 has 7 available, the order service believes in 8/,
  );
});
