import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../run.ts';
import type { StackSettings } from '../stack-settings.ts';
import { UserError } from '../user-error.ts';

const KAFKA_VERSION = '4.1.1';
const FETCH_TIMEOUT_MS = 300_000;

export function kafkaJarsFolder(settings: StackSettings): string {
  return join(settings.cache, `kafka-${KAFKA_VERSION}`);
}

export function hasKafkaJars(settings: StackSettings): boolean {
  return existsSync(kafkaJarsFolder(settings));
}

/** Fetches Kafka's jars (43 MB) once for all stacks of this user, through Maven and thus through its settings and mirrors. */
export async function fetchKafkaJars(settings: StackSettings): Promise<void> {
  const folder = kafkaJarsFolder(settings);
  if (existsSync(folder)) return;
  const partial = `${folder}.${process.pid}.new`;
  mkdirSync(partial, { recursive: true });
  const pom = join(settings.repo, 'infra', 'kafka', 'pom.xml');
  const { code, output } = await run(
    [
      'mvn',
      '-q',
      '-B',
      '-f',
      pom,
      'dependency:copy-dependencies',
      `-DoutputDirectory=${partial}`,
      '-DincludeScope=runtime',
    ],
    { timeoutMs: FETCH_TIMEOUT_MS },
  );
  if (code !== 0) {
    rmSync(partial, { recursive: true, force: true });
    throw new UserError(
      `Kafka's jars could not be fetched with Maven:\n${output.trim().split('\n').slice(-8).join('\n')}`,
      'Check that this machine reaches Maven Central (or the mirror in ~/.m2/settings.xml), then run the command again.',
    );
  }
  // Another stack may have been quicker; either copy is good.
  if (existsSync(folder)) rmSync(partial, { recursive: true, force: true });
  else renameSync(partial, folder);
}
