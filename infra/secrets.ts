import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DATABASE_SERVICES } from './services.ts';
import type { StackSettings } from './stack-settings.ts';

/** The passwords and keys of one stack, made at its first `up` and kept until `clean`. */
export type Secrets = Readonly<{
  /** PostgreSQL passwords by role. */
  superuser: string;
  replicator: string;
  pgpool: string;
  tester: string;
  services: Readonly<Record<string, string>>;
  rabbitmq: string;
  /** Our services prove themselves to each other with it. */
  serviceKey: string;
  /** Signs the webhooks of the payment sandbox. */
  sandboxWebhook: string;
  erlangCookie: string;
  /** File with the Ed25519 private key (PKCS #8 PEM) that signs access tokens. */
  jwtSigningKeyFile: string;
}>;

export const RABBITMQ_USER = 'punctual';

/** Reads the stack's secrets and makes those that are missing. */
export function ensureSecrets(settings: StackSettings): Secrets {
  // A recursive mkdir gives its mode to every folder that it makes, and the servers' account has to pass through those above.
  mkdirSync(dirname(settings.folders.secrets), { recursive: true, mode: 0o755 });
  mkdirSync(settings.folders.secrets, { recursive: true, mode: 0o700 });
  const read = (name: string, make: () => string) => readOrMake(join(settings.folders.secrets, name), make);
  read('jwt-signing-key.pem', ed25519Pem);
  return {
    superuser: read('postgres-superuser', password),
    replicator: read('postgres-replicator', password),
    pgpool: read('postgres-pgpool', password),
    tester: read('postgres-tester', password),
    services: Object.fromEntries(DATABASE_SERVICES.map((service) => [service, read(`postgres-${service}`, password)])),
    rabbitmq: read('rabbitmq-password', password),
    serviceKey: read('service-key', password),
    sandboxWebhook: read('sandbox-webhook', password),
    erlangCookie: read('erlang-cookie', password),
    jwtSigningKeyFile: join(settings.folders.secrets, 'jwt-signing-key.pem'),
  };
}

/** Writes a secret for a program's `X_FILE` variable and returns the file's path. */
export function writeSecretFile(settings: StackSettings, name: string, value: string): string {
  const file = join(settings.folders.secrets, name);
  if (!existsSync(file) || readFileSync(file, 'utf8') !== value) writeFileSync(file, value, { mode: 0o600 });
  return file;
}

function readOrMake(file: string, make: () => string): string {
  if (!existsSync(file)) {
    // Written beside and renamed, so that an interrupted first run leaves no empty secret.
    writeFileSync(`${file}.new`, make(), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }
  return readFileSync(file, 'utf8');
}

/** Hexadecimal, so that it needs no quoting in any server's configuration or URL. */
function password(): string {
  return randomBytes(20).toString('hex');
}

function ed25519Pem(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}
