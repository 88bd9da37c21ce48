import type { Migration } from '@punctual/postgres';

/**
 * The send ledger: one row per mail that a customer is to get, keyed by its intent. It holds no body, since a body may hold
 * a verification code.
 *
 *   (none) → sending → sent
 *              │ ├──→ deferred → sending …   the server said not now, or could not be reached
 *              │ └──→ failed                 the server said never
 *              └─ claim ran out → sending    the sender died: whether the mail went out is unknown (in_doubt + 1)
 *   (none) → dropped                         of no use any more when its turn came
 */
export const migrations: Migration[] = [
  {
    name: 'mail-0001-ledger',
    async up(tx) {
      await tx.raw(`
        CREATE TABLE mails (
          intent        text PRIMARY KEY,
          type          text NOT NULL,
          recipient     text NOT NULL,
          message_id    text NOT NULL,
          status        text NOT NULL CHECK (status IN ('sending', 'sent', 'deferred', 'failed', 'dropped')),
          attempts      integer NOT NULL DEFAULT 1,
          in_doubt      integer NOT NULL DEFAULT 0,
          claimed_until timestamptz,
          last_error    text,
          created_at    timestamptz NOT NULL DEFAULT now(),
          finished_at   timestamptz
        )`);
    },
    async down(tx) {
      await tx.raw('DROP TABLE mails');
    },
  },
];
