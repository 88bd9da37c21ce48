import type { Secrets } from '../secrets.ts';
import { DATABASE_SERVICES } from '../services.ts';
import type { StackSettings } from '../stack-settings.ts';
import { REPLICATION_SLOT } from './postgres.ts';

/** The role with which the tests make a database for every file. */
export const TESTER_ROLE = 'tester';

/** Ends recovery and waits for that; does nothing on a primary. */
export const PROMOTE_SQL = 'SELECT pg_promote(true, 30) WHERE pg_is_in_recovery();';

/** Name of a service's database and of the role that owns it. */
export function databaseName(settings: StackSettings, service: string): string {
  return `${settings.databasePrefix}_${service}`;
}

/**
 * SQL for psql that makes a server the primary, if a promotion was interrupted, and then the roles, the replication slot
 * and the services' databases; safe to repeat, and it brings passwords back in line with the secrets folder.
 */
export function rolesSql(settings: StackSettings, secrets: Secrets): string {
  const logins = [
    { role: 'replicator', password: secrets.replicator, options: 'REPLICATION' },
    { role: 'pgpool', password: secrets.pgpool, options: 'IN ROLE pg_monitor' },
    { role: TESTER_ROLE, password: secrets.tester, options: 'CREATEDB' },
    ...DATABASE_SERVICES.map((service) => ({
      role: databaseName(settings, service),
      password: secrets.services[service] ?? '',
      options: '',
    })),
  ];
  const lines = logins.flatMap(({ role, password, options }) => [
    `SELECT 'CREATE ROLE ${role} LOGIN ${options}' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${role}') \\gexec`,
    `ALTER ROLE ${role} PASSWORD '${password}';`,
  ]);
  const databases = DATABASE_SERVICES.map((service) => {
    const name = databaseName(settings, service);
    return `SELECT 'CREATE DATABASE ${name} OWNER ${name}' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '${name}') \\gexec`;
  });
  // A replica that is away must not keep the primary from being made ready, nor itself from being made.
  const slot = `SELECT pg_create_physical_replication_slot('${REPLICATION_SLOT}') WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = '${REPLICATION_SLOT}');`;
  return [PROMOTE_SQL, 'SET synchronous_commit = local;', slot, ...lines, ...databases, ''].join('\n');
}
