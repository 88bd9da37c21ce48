import type { History, Verdict } from '../types.ts';
import type { Evidence, MailRow, TimelineRow } from './evidence.ts';
import { createTally, type Tally } from './tally.ts';

const CLAIM =
  'Each mail that an order calls for is one intent, sent once; no reminder is begun after its order left PENDING; a second ' +
  'copy arrives only where the server had taken the mail and the sender could not know.';

const REMINDER = 'mail.payment-reminder';
const REFUND = 'mail.refund';

/** attempted: mails that orders call for; acknowledged: mails sent; recovered: second copies that the ledger explains. */
export function checkMails(_history: Pick<History, 'faults'>, evidence: Evidence): Verdict {
  const tally = createTally('I7', CLAIM);
  const ledger = new Map(evidence.mails.map((mail) => [mail.intent, mail]));
  const wanted = intentsOf(tally, evidence);
  tally.attempted(wanted.size);
  for (const intent of wanted) {
    const mail = ledger.get(intent);
    if (mail === undefined) tally.lost(`${intent} was called for, the mail service never heard of it`);
  }
  const copies = Map.groupBy(evidence.received, ({ messageId }) => messageId);
  for (const mail of evidence.mails) {
    checkLedger(tally, mail, copies.get(mail.messageId)?.length ?? 0);
    if (mail.intent.startsWith('order:') && !wanted.has(mail.intent)) {
      tally.unexpected(`${mail.intent} is in the mail ledger and no order called for it`);
    }
  }
  const messageIds = new Set(evidence.mails.map(({ messageId }) => messageId));
  for (const [messageId, mails] of copies) {
    if (!messageIds.has(messageId)) tally.unexpected(`mail ${messageId} to ${mails[0]?.to} is in no ledger`);
  }
  checkReminders(tally, evidence.timeline);
  return tally.verdict();
}

/** The intents that the timelines name. One that is named twice was decided twice. */
function intentsOf(tally: Tally, { timeline, orders }: Evidence): Set<string> {
  const created = new Map(orders.map(({ id, createdAtMs }) => [id, createdAtMs]));
  const intents = new Set<string>();
  for (const { id, orderId, detail } of timeline) {
    if (!Array.isArray(detail.mails)) continue;
    for (const type of detail.mails as string[]) {
      const intent = `order:${orderId}:${Math.round(created.get(orderId) ?? 0)}:${nameOf(type, detail)}`;
      if (intents.has(intent)) tally.duplicated(`${intent} was decided again by entry ${id} of order ${orderId}`);
      intents.add(intent);
    }
  }
  return intents;
}

/** What tells a mail from the others of its order. */
function nameOf(type: string, detail: TimelineRow['detail']): string {
  if (type === REMINDER) return String(detail.kind);
  const name = type.slice('mail.'.length);
  return type === REFUND ? `${name}-${String(detail.payment_id)}` : name;
}

function checkLedger(tally: Tally, { intent, status, attempts, inDoubt, messageId }: MailRow, arrived: number): void {
  const shown = `${intent} (${messageId}, ${attempts} attempts, ${inDoubt} in doubt)`;
  if (status === 'sent') tally.acknowledged();
  if (status === 'sent' && arrived === 0) tally.lost(`${shown} is sent and never arrived`);
  if (status === 'sending' || status === 'deferred') tally.lost(`${shown} is still ${status}`);
  if (status === 'failed') tally.lost(`${shown} failed for good`);
  if (arrived < 2) return;
  // Each attempt after the first was made because the ledger did not know of the one before.
  const explained = Math.min(arrived, attempts) - 1;
  tally.recovered(explained);
  if (arrived > attempts) tally.duplicated(`${shown} arrived ${arrived} times`, arrived - attempts);
}

/** In the order of the timeline, which is the order in which the order's transactions were decided. */
function checkReminders(tally: Tally, timeline: readonly TimelineRow[]): void {
  const left = new Map<number, TimelineRow>();
  for (const entry of timeline) {
    const { id, orderId, type, from, to, detail } = entry;
    if (from === 'PENDING' && to !== 'PENDING' && !left.has(orderId)) left.set(orderId, entry);
    const mails = Array.isArray(detail.mails) ? detail.mails : [];
    const end = left.get(orderId);
    if (type === 'timer.fired' && mails.includes(REMINDER) && end !== undefined) {
      tally.unexpected(
        `order ${orderId}: entry ${id} begins ${String(detail.kind)} after entry ${end.id}, ${end.type}`,
      );
    }
  }
}
