import { generateKeyPairSync } from 'node:crypto';
import { createDatabase, type Database, execute, one, rows } from '@punctual/postgres';
import { silentLogger } from '@punctual/telemetry';
import { testDatabase } from '@punctual/testing';
import type { LoginDeps } from '../src/commands/login.ts';
import type { RefreshDeps } from '../src/commands/refresh.ts';
import { createRefreshTwins } from '../src/commands/refresh-twins.ts';
import { type RegisterDeps, register } from '../src/commands/register.ts';
import { type VerifyDeps, verify } from '../src/commands/verify.ts';
import { createAccessTokens } from '../src/security/access-tokens.ts';
import { createCodeHasher } from '../src/security/code-hasher.ts';
import { createPasswords } from '../src/security/passwords.ts';
import { loadSigningKeys } from '../src/security/signing-keys.ts';
import { migrations } from '../src/store/migrations.ts';

export const PASSWORD = 'correct horse battery';
export const WRONG_PASSWORD = 'wrong horse battery';
/** A client address of the documentation's range. */
export const ADDRESS = '203.0.113.7';

export type Fixture = {
  readonly db: Database;
  readonly deps: RegisterDeps & VerifyDeps & LoginDeps & RefreshDeps;
  /** Codes mailed to the address, oldest first, as they stand in the outbox. */
  codesFor(email: string): Promise<string[]>;
  /** The newest code mailed to the address. */
  codeFor(email: string): Promise<string>;
  /** Moves all codes of the address into the past, as if so much time had gone by. */
  letPass(email: string, interval: string): Promise<void>;
  /** How often events of the type stand in the outbox for the address. */
  eventsOf(type: string, email: string): Promise<number>;
  registerAndVerify(email: string): Promise<void>;
  close(): Promise<void>;
};

/** The commands over a database of their own. The outbox is never relayed, so it shows all that was said. */
export async function createFixture(label: string, { replicaUrl }: { replicaUrl?: string } = {}): Promise<Fixture> {
  const database = await testDatabase(label, migrations);
  const db = createDatabase({
    primaryUrl: database.primaryUrl,
    replicaUrl,
    applicationName: 'auth',
    logger: silentLogger(),
  });
  const keys = await loadSigningKeys(signingKeyPem());
  const deps: Fixture['deps'] = {
    db,
    passwords: createPasswords({ concurrency: 2, maxWaiting: 200 }),
    codes: createCodeHasher('a key for tests'),
    codePolicy: { ttlMs: 600_000, cooldownMs: 60_000, maxTries: 5, maxPerWindow: 5 },
    throttlePolicy: {
      windowMs: 900_000,
      loginsPerAccount: 10,
      loginsPerAddress: 100,
      codesPerAddress: 1_000,
      registrationsPerAddress: 200,
      registrationWindowMs: 3_600_000,
    },
    accessTokens: createAccessTokens({ keys, issuer: 'test', audience: 'test', ttlMs: 900_000 }),
    refreshTwins: createRefreshTwins(),
    refreshTtlMs: 2_592_000_000,
    demoLoginsAllowed: true,
    wakeRelay: () => undefined,
  };

  async function codesFor(email: string): Promise<string[]> {
    const mails = await rows<{ code: string }>(
      db.primary,
      `SELECT payload->>'code' AS code FROM outbox
       WHERE type = 'mail.verification' AND payload->>'to' = :email ORDER BY id`,
      { email },
    );
    return mails.map((mail) => mail.code);
  }

  async function codeFor(email: string): Promise<string> {
    const newest = (await codesFor(email)).at(-1);
    if (newest === undefined) throw new Error(`no code was mailed to ${email}`);
    return newest;
  }

  return {
    db,
    deps,
    codesFor,
    codeFor,
    async letPass(email, interval) {
      await execute(
        db.primary,
        `UPDATE verification_codes
         SET sent_at = sent_at - CAST(:interval AS interval), expires_at = expires_at - CAST(:interval AS interval)
         WHERE user_id = (SELECT id FROM users WHERE email = :email)`,
        { interval, email },
      );
    },
    async eventsOf(type, email) {
      const counted = await one<{ count: number }>(
        db.primary,
        `SELECT count(*)::int AS count FROM outbox WHERE type = :type AND payload->>'email' = :email`,
        { type, email },
      );
      return counted?.count ?? 0;
    },
    async registerAndVerify(email) {
      await register(deps, { email, password: PASSWORD });
      const { decision } = await verify(deps, { email, code: await codeFor(email), address: ADDRESS });
      if (decision !== 'verified') throw new Error(`${email} was not verified`);
    },
    async close() {
      await db.close();
      await database.drop();
    },
  };
}

export function signingKeyPem(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** A code of six digits that is not the given one. */
export function otherCode(code: string): string {
  return String((Number(code) + 1) % 1_000_000).padStart(6, '0');
}
