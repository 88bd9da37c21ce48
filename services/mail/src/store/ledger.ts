import { execute, type Queryable, rows } from '@punctual/postgres';

export type Intent = { intent: string; type: string; recipient: string; messageId: string; notAfter: string | null };

/** `busy`: another sender has it in hand, for at most `claimMs`. `finished`: nothing is left to do. */
export type Claim = 'claimed' | 'busy' | 'finished' | 'stale';

/**
 * Takes intents in hand for `claimMs`, on the database's clock; each may be named once. One statement decides, so of any
 * number of concurrent deliveries of one job one gets 'claimed'. A claim that ran out was held by a sender that died: it
 * passes on. Answers for every intent.
 */
export async function claim(db: Queryable, mails: readonly Intent[], claimMs: number): Promise<Map<string, Claim>> {
  // In the order of the intents, so that two that claim the same ones wait for each other instead of deadlocking.
  const found = await rows<{ intent: string; taken: string | null; present: string | null }>(
    db,
    `WITH job AS MATERIALIZED (
       SELECT *, CASE WHEN "notAfter" < now() THEN 'dropped' ELSE 'sending' END AS status
         FROM jsonb_to_recordset(CAST(:mails AS jsonb))
           AS j(intent text, type text, recipient text, "messageId" text, "notAfter" timestamptz)
     ), taken AS (
       INSERT INTO mails AS m (intent, type, recipient, message_id, status, claimed_until, finished_at)
       SELECT intent, type, recipient, "messageId", status,
              CASE status WHEN 'sending' THEN now() + :claimMs * interval '1 ms' END,
              CASE status WHEN 'dropped' THEN now() END
         FROM job ORDER BY intent
       ON CONFLICT (intent) DO UPDATE
          SET status = excluded.status,
              claimed_until = excluded.claimed_until,
              finished_at = excluded.finished_at,
              attempts = m.attempts + CASE excluded.status WHEN 'sending' THEN 1 ELSE 0 END,
              in_doubt = m.in_doubt + CASE m.status WHEN 'sending' THEN 1 ELSE 0 END
        WHERE m.status = 'deferred' OR (m.status = 'sending' AND m.claimed_until < now())
       RETURNING m.intent, m.status
     )
     SELECT intent, taken.status AS taken, present.status AS present
       FROM job LEFT JOIN taken USING (intent) LEFT JOIN mails present USING (intent)`,
    { mails: JSON.stringify(mails), claimMs },
  );
  return new Map(found.map(({ intent, taken, present }) => [intent, claimOf(taken, present)]));
}

/** `present` is the row as it was before the statement, so somebody who claims at the same moment is not seen in it. */
function claimOf(taken: string | null, present: string | null): Claim {
  if (taken !== null) return taken === 'dropped' ? 'stale' : 'claimed';
  return present === null || present === 'sending' || present === 'deferred' ? 'busy' : 'finished';
}

/** The server has taken these mails. */
export async function recordSent(db: Queryable, intents: readonly string[]): Promise<void> {
  await execute(
    db,
    `UPDATE mails SET status = 'sent', claimed_until = NULL, last_error = NULL, finished_at = now()
      WHERE intent = ANY(:intents)`,
    { intents: [...intents] },
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
