import { execFileSync, spawnSync } from 'node:child_process';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { queryAll } from './postgres.ts';

const ROOT = join(import.meta.dirname, '..');
const STACK = 'bench';
/** One load generator stands for thousands of clients, so the limits per client and per user are out of its way. */
const SERVICE_ENV = {
  gateway: { RATE_LIMIT_PER_SECOND: '1000000', RATE_LIMIT_BURST: '1000000' },
  order: { ORDER_MAX_OPEN: '0' },
  auth: { REGISTER_ADDRESS_LIMIT: '1000000' },
};

export type Settings = {
  readonly GATEWAY_URL: string;
  readonly INBOX_URL: string;
  readonly STACK_HOME: string;
  readonly DATABASE_PREFIX: string;
  readonly POSTGRES_ADMIN_URL: string;
  readonly POSTGRES_PRIMARY_URL: string;
  readonly PGPOOL_URL: string;
};

export type BenchStack = {
  readonly settings: Settings;
  readonly machine: string;
  /** What a 201 promises in this run. */
  readonly durability: string;
  down(): Promise<void>;
};

/** A whole stack of the bench's own, from empty data. */
export async function benchStack(): Promise<BenchStack> {
  const env: NodeJS.ProcessEnv = { ...process.env, STACK, SERVICE_ENV: JSON.stringify(SERVICE_ENV) };
  for (const name of ['PORT_BASE', 'TIME_SCALE']) delete env[name];
  const command = (...args: string[]) => {
    const result = spawnSync(process.execPath, ['infra/stack.ts', ...args], { cwd: ROOT, env, stdio: 'inherit' });
    if (result.status !== 0) throw new Error(`stack ${args.join(' ')} ended with ${result.status}`);
  };
  command('clean');
  command('up');
  const settings: Settings = JSON.parse(
    execFileSync(process.execPath, ['infra/stack.ts', 'env', '--json'], { cwd: ROOT, env, encoding: 'utf8' }),
  );
  const durability = await queryAll<{ name: string; setting: string }>(
    settings.POSTGRES_ADMIN_URL,
    "SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit', 'synchronous_standby_names') ORDER BY name",
  );
  return {
    settings,
    machine: `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    durability: durability.map(({ name, setting }) => `${name}=${setting || '(none)'}`).join(' '),
    async down() {
      command('down');
    },
  };
}
