import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './run.ts';
import type { StackSettings } from './stack-settings.ts';
import { UserError } from './user-error.ts';

const FETCH_TIMEOUT_MS = 300_000;

/** The jars of a server that is no Debian package. */
export type JarSet = {
  /** Whose jars they are. */
  server: string;
  /** The folder in the cache, with the version in its name. */
  folder: string;
  /** Below `infra`. */
  pom: string;
};

export const KAFKA_JARS: JarSet = { server: 'Kafka', folder: 'kafka-4.1.1', pom: 'kafka/pom.xml' };
export const OPENSEARCH_JARS: JarSet = {
  server: 'OpenSearch',
  folder: 'opensearch-2.19.1.0',
  pom: 'opensearch/pom.xml',
};

/** What this stack's servers need and the cache lacks. */
export function missingJars(settings: StackSettings): JarSet[] {
  const sets = settings.serverProfile === 'full' ? [KAFKA_JARS, OPENSEARCH_JARS] : [KAFKA_JARS];
  return sets.filter((set) => !existsSync(jarsFolder(settings, set)));
}

export function jarsFolder(settings: StackSettings, set: JarSet): string {
  return join(settings.cache, set.folder);
}

/** Fetches jars once for all stacks of this user, through Maven and thus through its settings and mirrors. */
export async function fetchJars(settings: StackSettings, set: JarSet): Promise<void> {
  const folder = jarsFolder(settings, set);
  if (existsSync(folder)) return;
  const partial = `${folder}.${process.pid}.new`;
  mkdirSync(partial, { recursive: true });
  const { code, output } = await run(
    [
      'mvn',
      '-q',
      '-B',
      '-f',
      join(settings.repo, 'infra', set.pom),
      'dependency:copy-dependencies',
      `-DoutputDirectory=${partial}`,
      '-DincludeScope=runtime',
    ],
    { timeoutMs: FETCH_TIMEOUT_MS },
  );
  if (code !== 0) {
    rmSync(partial, { recursive: true, force: true });
    throw new UserError(
      `${set.server}'s jars could not be fetched with Maven:\n${output.trim().split('\n').slice(-8).join('\n')}`,
      'Check that this machine reaches Maven Central (or the mirror in ~/.m2/settings.xml), then run the command again.',
    );
  }
  // Another stack may have been quicker; either copy is good.
  if (existsSync(folder)) rmSync(partial, { recursive: true, force: true });
  else renameSync(partial, folder);
}
