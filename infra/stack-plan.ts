import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { etcd, etcdFolder } from './etcd/etcd.ts';
import { haproxy } from './haproxy/haproxy.ts';
import { inbox } from './inbox/program.ts';
import { kafka } from './kafka/kafka.ts';
import { opensearch } from './opensearch/opensearch.ts';
import { pgpool } from './pgpool/pgpool.ts';
import { failoverPrograms } from './postgres/failover-program.ts';
import { postgres } from './postgres/postgres.ts';
import type { ConfigFile, Program } from './program.ts';
import { rabbitmq } from './rabbitmq/rabbitmq.ts';
import { REDIS_NODES, redis, redisFolder } from './redis/redis.ts';
import { run } from './run.ts';
import type { Secrets } from './secrets.ts';
import { servicePrograms } from './service-programs.ts';
import type { StackSettings } from './stack-settings.ts';
import { supervisorConfig, supervisorConfigFile } from './supervisor-config.ts';

export type StackPlan = { programs: Program[]; files: ConfigFile[] };

/** Every program of the stack with its files, rendered but not yet written. */
export function stackPlan(
  settings: StackSettings,
  secrets: Secrets,
  options: { timeScale: number; watch?: readonly string[] },
): StackPlan {
  const source = (path: string) => readFileSync(join(settings.repo, 'infra', path), 'utf8');
  const node = pinnedNode(settings);
  const parts = [
    postgres(settings, secrets, source('postgres/run.sh')),
    pgpool(settings, secrets, source('pgpool/run.sh')),
    redis(settings),
    rabbitmq(settings, secrets, source('rabbitmq/run.sh')),
    kafka(settings, source('kafka/run.sh')),
    { programs: [etcd(settings)], files: [] },
    settings.serverProfile === 'full' ? opensearch(settings, source('opensearch/run.sh')) : { programs: [], files: [] },
    { programs: [inbox(settings, node)], files: [] },
    haproxy(settings),
    { programs: failoverPrograms(settings, node), files: [] },
    { programs: servicePrograms(settings, secrets, node, options), files: [] },
  ];
  return { programs: parts.flatMap(({ programs }) => programs), files: parts.flatMap(({ files }) => files) };
}

/** The runtime that the repository pins, by its real path, so that an upgrade of the system's Node changes nothing. */
export function pinnedNode(settings: StackSettings): string {
  const pinned = join(settings.repo, 'node_modules', '.bin', 'node');
  return existsSync(pinned) ? realpathSync(pinned) : process.execPath;
}

/** Writes folders, configuration files and supervisord's configuration. Unchanged files are left as they are. */
export async function writePlan(settings: StackSettings, plan: StackPlan): Promise<void> {
  const account = await serverAccount(settings);
  const { folders } = settings;
  mkdirSync(settings.home, { recursive: true, mode: 0o755 });
  for (const folder of [folders.conf, folders.log, folders.run, folders.data])
    mkdirSync(folder, { recursive: true, mode: 0o755 });
  for (const node of REDIS_NODES) mkdirSync(redisFolder(settings, node), { recursive: true, mode: 0o700 });
  // etcd refuses a folder that others may read.
  mkdirSync(etcdFolder(settings), { recursive: true, mode: 0o700 });
  for (const name of ['rabbitmq', 'inbox']) mkdirSync(join(folders.data, name), { recursive: true, mode: 0o700 });
  for (const name of ['postgres', 'pgpool']) {
    const folder = join(folders.data, name);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (account) chownSync(folder, account.uid, account.gid);
  }
  for (const file of plan.files) {
    mkdirSync(dirname(file.path), { recursive: true, mode: 0o755 });
    writeIfChanged(file.path, file.text, file.mode ?? 0o644);
    if (file.owner && account) chownSync(file.path, account.uid, account.gid);
  }
  writeIfChanged(supervisorConfigFile(settings), supervisorConfig(settings, plan.programs, plan.files), 0o600);
}

function writeIfChanged(path: string, text: string, mode: number): void {
  if (!existsSync(path) || readFileSync(path, 'utf8') !== text) {
    writeFileSync(`${path}.new`, text, { mode });
    renameSync(`${path}.new`, path);
  }
  chmodSync(path, mode);
}

async function serverAccount(settings: StackSettings): Promise<{ uid: number; gid: number } | undefined> {
  if (!settings.serverUser) return undefined;
  const { output } = await run(['getent', 'passwd', settings.serverUser], { timeoutMs: 5_000 });
  const [, , uid, gid] = output.split(':');
  return { uid: Number(uid), gid: Number(gid) };
}
