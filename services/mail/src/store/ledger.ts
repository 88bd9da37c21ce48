import { one, type Queryable } from '@punctual/postgres';

export type Intent = { intent: string; type: string; recipient: string; messageId: string; notAfter: string | null };

/** `busy`: another sender has it in hand, for at most `claimMs`. `finished`: nothing is left to do. */
export type Claim = 'claimed' | 'busy' | 'finished' | 'stale';

/**
 * Takes the intent in hand for `claimMs`, on the database's clock. One statement decides, so of any number of concurrent
 * deliveries of one job one gets 'claimed'. A claim that ran out was held by a sender that died: it passes on.
 */
export async function claim(db: Queryable, mail: Intent, claimMs: number): Promise<Claim> {
  const taken = await one<{ status: string }>(
    db,
    `INSERT INTO mails AS m (intent, type, recipient, message_id, status, claimed_until, finished_at)
     SELECT :intent, :type, :recipient, :messageId, d.status,
            CASE d.status WHEN 'sending' THEN now() + :claimMs * interval '1 ms' END,
            CASE d.status WHEN 'dropped' THEN now() END
       FROM (SELECT CASE WHEN CAST(:notAfter AS timestamptz) < now() THEN 'dropped' ELSE 'sending' END AS status) d
     ON CONFLICT (intent) DO UPDATE
        SET status = excluded.status,
            claimed_until = excluded.claimed_until,
            finished_at = excluded.finished_at,
            attempts = m.attempts + CASE excluded.status WHEN 'sending' THEN 1 ELSE 0 END,
            in_doubt = m.in_doubt + CASE m.status WHEN 'sending' THEN 1 ELSE 0 END
      WHERE m.status = 'deferred' OR (m.status = 'sending' AND m.claimed_until < now())
     RETURNING m.status`,
    { ...mail, claimMs },
  );
  if (taken) return taken.status === 'dropped' ? 'stale' : 'claimed';
  const present = await one<{ status: string }>(db, 'SELECT status FROM mails WHERE intent = :intent', {
    intent: mail.intent,
  });
  return present?.status === 'sending' || present?.status === 'deferred' ? 'busy' : 'finished';
}

/** The server has taken the mail. */
export async function recordSent(db: Queryable, intent: string): Promise<void> {
  await db.raw(
    "UPDATE mails SET status = 'sent', claimed_until = NULL, last_error = NULL, finished_at = now() WHERE intent = ?",
    [intent],
  );
}

/** The attempt failed: for now ('deferred') or for good ('failed'). A mail that was sent stays sent. */
export async function recordFailure(
  db: Queryable,
  intent: string,
  failure: { status: 'deferred' | 'failed'; error: string },
): Promise<void> {
  await db.raw(
    `UPDATE mails SET status = :status, claimed_until = NULL, last_error = :error,
            finished_at = CASE :status WHEN 'failed' THEN now() END
      WHERE intent = :intent AND status = 'sending'`,
    { intent, ...failure },
  );
}
