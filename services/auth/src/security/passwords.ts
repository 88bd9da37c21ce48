import { randomBytes } from 'node:crypto';
import { hash, verify } from '@node-rs/argon2';

/** OWASP's argon2id settings. `algorithm` 2 is argon2id; the package's enum cannot be imported by erasable syntax. */
const ARGON2ID = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

export type PasswordOptions = {
  /** Hashes at the same time; each takes a thread of the pool and 19 MiB. */
  readonly concurrency: number;
  /** Requests that may wait for a turn; one more is refused. */
  readonly maxWaiting: number;
};

export type Passwords = {
  /** Throws PasswordsOverloaded. */
  hash(password: string): Promise<string>;
  /** Without a hash it costs the same and answers false. Throws PasswordsOverloaded. */
  verify(passwordHash: string | undefined, password: string): Promise<boolean>;
  /** Requests that wait for a turn now. */
  waiting(): number;
};

/** More work than a short queue holds: nothing was begun, the client may come again. */
export class PasswordsOverloaded extends Error {
  readonly code = 'PASSWORDS_OVERLOADED';
  readonly retryable = true;

  constructor() {
    super('too many passwords are waiting to be hashed');
    this.name = 'PasswordsOverloaded';
  }
}

/** Hashes on the thread pool, never on the event loop, and never so many at once that other requests starve. */
export function createPasswords({ concurrency, maxWaiting }: PasswordOptions): Passwords {
  const queue: (() => void)[] = [];
  let running = 0;
  let decoy: Promise<string> | undefined;

  async function inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (running < concurrency) {
      running += 1;
    } else {
      if (queue.length >= maxWaiting) throw new PasswordsOverloaded();
      // Whoever finishes hands its place over, so `running` stays as it is.
      await new Promise<void>((resolve) => queue.push(resolve));
    }
    try {
      return await work();
    } finally {
      const next = queue.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  }

  function decoyHash(): Promise<string> {
    decoy ??= hash(randomBytes(32), ARGON2ID);
    return decoy;
  }

  return {
    hash: (password) => inTurn(() => hash(password, ARGON2ID)),
    async verify(passwordHash, password) {
      const expected = passwordHash ?? (await decoyHash());
      const matches = await inTurn(() => verify(expected, password));
      return matches && passwordHash !== undefined;
    },
    waiting: () => queue.length,
  };
}
