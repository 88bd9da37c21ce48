/**
 * A lease is a row that names who may do what must be done by one process at a time. Its end is compared with the database's clock
 * only. The holder renews it every third of its life, and believes in it for less than its life since the last renewal was SENT,
 * measured on a clock that cannot be set: so the holder stops believing before anyone else can take the lease.
 *
 *   free ── acquire ──▶ held ── renewed ──▶ held
 *                        ├─ release ──▶ free
 *                        └─ in doubt, or taken by another ──▶ lost (for good: acquire anew)
 */
import { randomUUID } from 'node:crypto';
import type { Logger } from '@punctual/telemetry';
import type { Database } from './database.ts';
import type { Migration } from './migrate.ts';
import { execute, one } from './query.ts';

const RENEWALS_PER_TTL = 3;
/** The part of its life in which a lease is believed in; the rest is for clocks that run at different speeds. */
const TRUSTED_PART = 0.9;

export type LeaseOptions = { ttlMs: number; logger?: Logger | undefined };

export type Lease = {
  readonly name: string;
  /** False from the moment it is in doubt; it never becomes true again. */
  isHeld(): boolean;
  /** Aborted when the lease is lost or released. */
  readonly signal: AbortSignal;
  /** Lets the next one take over at once. Does not throw: what cannot be released runs out. */
  release(): Promise<void>;
};

export const leaseMigrations: readonly Migration[] = [
  {
    name: '0001-leases',
    async up(tx) {
      await tx.raw(
        'CREATE TABLE leases (name text PRIMARY KEY, holder uuid NOT NULL, expires_at timestamptz NOT NULL)',
      );
    },
    async down(tx) {
      await tx.raw('DROP TABLE leases');
    },
  },
];

/** The lease, or undefined while another holds it. */
export async function acquireLease(
  db: Database,
  name: string,
  { ttlMs, logger }: LeaseOptions,
): Promise<Lease | undefined> {
  const holder = randomUUID();
  const sentAtMs = performance.now();
  const taken = await one(
    db.primary,
    `INSERT INTO leases (name, holder, expires_at) VALUES (:name, :holder, now() + :ttlMs * interval '1 millisecond')
     ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at WHERE leases.expires_at <= now()
     RETURNING name`,
    { name, holder, ttlMs },
  );
  return taken === undefined ? undefined : holdLease({ db, name, holder, ttlMs, sentAtMs, logger });
}

type Holding = {
  db: Database;
  name: string;
  holder: string;
  ttlMs: number;
  sentAtMs: number;
  logger: Logger | undefined;
};

function holdLease({ db, name, holder, ttlMs, sentAtMs, logger }: Holding): Lease {
  const end = new AbortController();
  let trustedUntilMs = sentAtMs + ttlMs * TRUSTED_PART;
  let doubtTimer = setTimeout(lose, trustedUntilMs - performance.now());
  let isRenewing = false;
  const renewTimer = setInterval(() => {
    if (!isRenewing) void renew();
  }, ttlMs / RENEWALS_PER_TTL);

  function isHeld(): boolean {
    if (!end.signal.aborted && performance.now() >= trustedUntilMs) lose();
    return !end.signal.aborted;
  }

  function finish(): void {
    clearInterval(renewTimer);
    clearTimeout(doubtTimer);
    end.abort();
  }

  function lose(): void {
    logger?.warn('lease lost', { lease: name });
    finish();
  }

  async function renew(): Promise<void> {
    const renewedAtMs = performance.now();
    isRenewing = true;
    try {
      const renewed = await execute(
        db.primary,
        `UPDATE leases SET expires_at = now() + :ttlMs * interval '1 millisecond' WHERE name = :name AND holder = :holder`,
        { name, holder, ttlMs },
      );
      if (!isHeld()) return;
      if (renewed === 0) {
        lose();
        return;
      }
      trustedUntilMs = renewedAtMs + ttlMs * TRUSTED_PART;
      clearTimeout(doubtTimer);
      doubtTimer = setTimeout(lose, trustedUntilMs - performance.now());
    } catch (error) {
      logger?.warn('lease not renewed', { lease: name, error });
    } finally {
      isRenewing = false;
    }
  }

  return {
    name,
    isHeld,
    signal: end.signal,
    async release() {
      finish();
      try {
        await execute(db.primary, 'DELETE FROM leases WHERE name = :name AND holder = :holder', { name, holder });
      } catch (error) {
        logger?.warn('lease not released, it runs out', { lease: name, error });
      }
    },
  };
}
