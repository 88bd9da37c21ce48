import { invariant } from './breaking.ts';
import { changed, rowOf, STARTED_MS, without } from './healthy.ts';
import { checkMails } from './i7-mails.ts';

const PAID_MAIL = `order:1:${STARTED_MS + 1_000}:order-paid`;
const PAID_ID = `<${PAID_MAIL}@punctual.test>`;

describe('I7, mails', () => {
  const { holds, caught } = invariant(checkMails);

  holds('when each mail arrived once', undefined, { attempted: 10, acknowledged: 10, recovered: 0 });
  holds(
    'when a sender died after the server had taken the mail, and it came again',
    ({ evidence }) => ({
      evidence: {
        mails: changed(evidence.mails, { intent: PAID_MAIL }, { attempts: 2, inDoubt: 1 }),
        received: [...evidence.received, rowOf(evidence.received, { messageId: PAID_ID })],
      },
    }),
    { recovered: 1 },
  );
  holds('when a mail had become useless before its turn', ({ evidence }) => ({
    evidence: {
      mails: changed(evidence.mails, { intent: PAID_MAIL }, { status: 'dropped' }),
      received: without(evidence.received, { messageId: PAID_ID }),
    },
  }));

  caught(
    'a second copy that nothing explains',
    ({ evidence }) => ({
      evidence: { received: [...evidence.received, rowOf(evidence.received, { messageId: PAID_ID })] },
    }),
    { duplicated: 1 },
    /order-paid .* arrived 2 times/,
  );
  caught(
    'a mail that was called for and forgotten',
    ({ evidence }) => ({
      evidence: {
        mails: without(evidence.mails, { intent: PAID_MAIL }),
        received: without(evidence.received, { messageId: PAID_ID }),
      },
    }),
    { lost: 1 },
    /order-paid was called for, the mail service never heard of it/,
  );
  caught(
    'a mail that counts as sent and never arrived',
    ({ evidence }) => ({ evidence: { received: without(evidence.received, { messageId: PAID_ID }) } }),
    { lost: 1 },
    /order-paid .* is sent and never arrived/,
  );
  caught(
    'a mail that is still to be sent',
    ({ evidence }) => ({
      evidence: {
        mails: changed(evidence.mails, { intent: PAID_MAIL }, { status: 'deferred' }),
        received: without(evidence.received, { messageId: PAID_ID }),
      },
    }),
    { lost: 1 },
    /order-paid .* is still deferred/,
  );
  caught(
    'a mail that no order called for',
    ({ evidence }) => ({
      evidence: { timeline: changed(evidence.timeline, { orderId: 1, type: 'order.paid' }, { detail: {} }) },
    }),
    { unexpected: 1 },
    /order-paid is in the mail ledger and no order called for it/,
  );
  caught(
    'a mail that is in no ledger',
    ({ evidence }) => ({
      evidence: { received: [...evidence.received, { messageId: '<x>', to: 'a@example.com', subject: '' }] },
    }),
    { unexpected: 1 },
    /mail <x> to a@example.com is in no ledger/,
  );
  caught(
    'a mail that was decided twice',
    ({ evidence }) => ({
      evidence: {
        timeline: [...evidence.timeline, { ...rowOf(evidence.timeline, { orderId: 1, type: 'order.paid' }), id: 9 }],
      },
    }),
    { duplicated: 1 },
    /order-paid was decided again by entry 9 of order 1/,
  );
  caught(
    'a reminder after the payment',
    ({ evidence }) => {
      const reminder = rowOf(evidence.timeline, { orderId: 5, type: 'timer.fired' });
      const mail = rowOf(evidence.mails, { intent: `order:5:${STARTED_MS + 50_000}:reminder-1` });
      const intent = `order:1:${STARTED_MS + 1_000}:reminder-1`;
      return {
        evidence: {
          timeline: [...evidence.timeline, { ...reminder, id: 190, orderId: 1 }],
          mails: [...evidence.mails, { ...mail, intent, messageId: '<late>' }],
          received: [...evidence.received, { messageId: '<late>', to: mail.recipient, subject: '' }],
        },
      };
    },
    { unexpected: 1 },
    /order 1: entry 190 begins reminder-1 after entry 102, order.paid/,
  );
});
