import { existsSync, readdirSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { ETCD_SERVER } from './etcd/etcd.ts';
import { postgresBin } from './postgres/postgres.ts';
import { RABBITMQ_SERVER } from './rabbitmq/rabbitmq.ts';
import { run } from './run.ts';
import { UserError } from './user-error.ts';

type Requirement = { packages: readonly string[]; isPresent: () => boolean };

const OLDEST_JAVA = 17;
const POLICY_FILE = '/usr/sbin/policy-rc.d';
const INSTALL_LIMIT_MS = 600_000;
const PACKAGE_LISTS = '/var/lib/apt/lists';
const LISTS_AGE_MS = 24 * 3_600_000;

/** What the stack needs from the machine, as Debian packages and how to see that each is there. */
const REQUIREMENTS: readonly Requirement[] = [
  {
    packages: ['postgresql', 'postgresql-contrib'],
    isPresent: () => postgresBin() !== undefined && existsSync('/usr/bin/psql'),
  },
  { packages: ['pgpool2'], isPresent: () => existsSync('/usr/sbin/pgpool') },
  { packages: ['redis-server'], isPresent: () => existsSync('/usr/bin/redis-server') },
  { packages: ['rabbitmq-server'], isPresent: () => existsSync(RABBITMQ_SERVER) && existsSync('/usr/bin/epmd') },
  { packages: ['etcd-server'], isPresent: () => existsSync(ETCD_SERVER) },
  { packages: ['haproxy'], isPresent: () => existsSync('/usr/sbin/haproxy') },
  { packages: ['supervisor'], isPresent: () => existsSync('/usr/bin/supervisord') },
];

/** The Debian packages that are missing. `needMaven` is true until the jars are there. */
export async function missingPackages(needMaven: boolean): Promise<string[]> {
  const missing = REQUIREMENTS.filter((requirement) => !requirement.isPresent()).flatMap(({ packages }) => packages);
  if (!(await hasJava())) missing.push('openjdk-17-jre-headless');
  if (needMaven && (await run(['mvn', '--version'], { timeoutMs: 20_000 })).code === 127) missing.push('maven');
  return missing;
}

async function hasJava(): Promise<boolean> {
  // The banner says: openjdk version "17.0.15" 2025-04-15
  const folders = existsSync('/usr/lib/jvm') ? readdirSync('/usr/lib/jvm') : [];
  const packaged = folders.some((name) => Number(/^java-(\d+)-openjdk/.exec(name)?.[1] ?? 0) >= OLDEST_JAVA);
  if (packaged && existsSync('/usr/bin/java')) return true;
  const { code, output } = await run(['java', '-version'], { timeoutMs: 20_000 });
  return code === 0 && Number(/version "(\d+)/.exec(output)?.[1] ?? 0) >= OLDEST_JAVA;
}

/** Installs Debian packages without starting their system services. */
export async function installPackages(packages: readonly string[]): Promise<void> {
  if (!existsSync('/usr/bin/apt-get')) {
    throw new UserError(
      `These are missing and this machine has no apt-get: ${packages.join(' ')}`,
      'The native stack runs on Debian 12 or later (or Ubuntu). Install these servers yourself, then run the command again.',
    );
  }
  const sudo = await rootPrefix(packages);
  const policy = await forbidServiceStarts(sudo);
  try {
    if (listsAreOld()) await apt(sudo, ['update', '-qq']);
    const install = [
      'install',
      '-y',
      '-qq',
      '--no-install-recommends',
      '-o',
      'Dpkg::Options::=--force-confold',
      ...packages,
    ];
    const first = await apt(sudo, install, false);
    if (first.code !== 0) {
      // Package lists can be older than what the mirror still keeps.
      await apt(sudo, ['update', '-qq']);
      await apt(sudo, install);
    }
  } finally {
    await policy.remove();
  }
}

async function rootPrefix(packages: readonly string[]): Promise<string[]> {
  if (process.getuid?.() === 0) return [];
  const byHand = `sudo apt-get install -y --no-install-recommends ${packages.join(' ')}`;
  if ((await run(['sudo', '-n', 'true'], { timeoutMs: 10_000 })).code === 0) return ['sudo', '-n'];
  throw new UserError(
    `Debian packages are missing and you are neither root nor able to use sudo without a password: ${packages.join(' ')}`,
    `Install them yourself, then run the command again:\n  ${byHand}`,
  );
}

/**
 * Debian asks /usr/sbin/policy-rc.d whether a package may start its service; 101 says no. One that exists is the
 * machine's own and stays as it is.
 */
async function forbidServiceStarts(sudo: string[]): Promise<{ remove(): Promise<void> }> {
  if (existsSync(POLICY_FILE)) return { remove: () => Promise.resolve() };
  const text = '#!/bin/sh\n# Temporary: made by punctual while it installs packages.\nexit 101\n';
  const asRoot = sudo.length === 0;
  const removeNow = () => {
    if (asRoot && existsSync(POLICY_FILE)) unlinkSync(POLICY_FILE);
  };
  if (asRoot) writeFileSync(POLICY_FILE, text, { mode: 0o755 });
  else
    await run([...sudo, 'sh', '-c', `cat > ${POLICY_FILE} && chmod 755 ${POLICY_FILE}`], {
      timeoutMs: 10_000,
      input: text,
    });
  // An interrupted install must not leave the machine without service starts.
  const onSignal = () => {
    removeNow();
    process.exit(130);
  };
  process.once('exit', removeNow);
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  return {
    async remove() {
      process.off('exit', removeNow);
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
      if (asRoot) removeNow();
      else await run([...sudo, 'rm', '-f', POLICY_FILE], { timeoutMs: 10_000 });
    },
  };
}

async function apt(sudo: string[], args: readonly string[], mustWork = true) {
  const command = [...sudo, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', ...args];
  const result = await run(command, { timeoutMs: INSTALL_LIMIT_MS });
  if (mustWork && result.code !== 0) {
    const end = result.output.trim().split('\n').slice(-8).join('\n');
    throw new UserError(
      `apt-get ${args[0]} failed:\n${end}`,
      'Put this right (network? another apt running?), then run the command again.',
    );
  }
  return result;
}

function listsAreOld(): boolean {
  const lists = existsSync(PACKAGE_LISTS)
    ? readdirSync(PACKAGE_LISTS).filter((name) => name.includes('_Packages'))
    : [];
  const newest = Math.max(0, ...lists.map((name) => statSync(`${PACKAGE_LISTS}/${name}`).mtimeMs));
  return lists.length === 0 || Date.now() - newest > LISTS_AGE_MS;
}
