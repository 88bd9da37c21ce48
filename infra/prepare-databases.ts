import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { postgresUrl } from './connections.ts';
import { postgresRoles } from './postgres/nodes.ts';
import { databaseName } from './postgres/roles.ts';
import { sql } from './probes.ts';
import type { Secrets } from './secrets.ts';
import { migrateServices, seedServices } from './service-tasks.ts';
import { DATABASE_SERVICES } from './services.ts';
import type { StackSettings } from './stack-settings.ts';
import type { Steps } from './steps.ts';

/**
 * Migrates and seeds, unless the very same source has done so on the very same databases: five services take seconds to
 * find out that there is nothing to do.
 */
export async function prepareDatabases(settings: StackSettings, secrets: Secrets, steps: Steps): Promise<void> {
  const before = await fingerprint(settings, secrets);
  if (existsSync(recordFile(settings)) && readFileSync(recordFile(settings), 'utf8') === before) return;
  await migrateServices(settings, secrets, steps);
  await seedServices(settings, secrets, steps);
  writeFileSync(recordFile(settings), before);
}

/** To be called by whatever changes the databases beside `up`. */
export function forgetPrepared(settings: StackSettings): void {
  rmSync(recordFile(settings), { force: true });
}

function recordFile(settings: StackSettings): string {
  return join(settings.home, 'databases-prepared');
}

async function fingerprint(settings: StackSettings, secrets: Secrets): Promise<string> {
  const hash = createHash('sha256');
  const patterns = ['services/*/src/**/*.ts', 'packages/*/src/**/*.ts'];
  for (const file of globSync(patterns, { cwd: settings.repo }).sort()) {
    if (file.includes('node_modules') || file.endsWith('.test.ts')) continue;
    const { mtimeMs, size } = statSync(join(settings.repo, file));
    hash.update(`${file}\0${mtimeMs}\0${size}\0`);
  }
  const names = DATABASE_SERVICES.map((service) => `'${databaseName(settings, service)}'`).join(', ');
  const admin = postgresUrl('postgres', secrets.superuser, postgresRoles(settings).primary.port, 'postgres');
  // A database that was dropped and made anew has another number; another data folder has another system identifier.
  hash.update(
    await sql(
      admin,
      `SELECT oid, datname, (SELECT system_identifier FROM pg_control_system()) FROM pg_database WHERE datname IN (${names}) ORDER BY 1`,
    ),
  );
  return hash.digest('hex');
}
