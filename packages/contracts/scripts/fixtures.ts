/** Messages as they were once published, and the sums that hold them as they are. See fixtures/README.md. */
import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MessageType } from '../src/index.ts';

export const FIXTURES = join(import.meta.dirname, '../fixtures');
export const SUMS = join(FIXTURES, 'sums.json');

/** A message in the JSON format of CloudEvents. */
export type CloudEvent = {
  readonly specversion: string;
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject: string;
  readonly time: string;
  readonly datacontenttype: string;
  readonly traceparent?: string;
  readonly data: unknown;
};

export type Fixture = {
  /** Below fixtures/, such as `order.created/v1.json`. */
  readonly path: string;
  readonly type: string;
  readonly version: number;
  readonly message: CloudEvent;
  readonly sha256: string;
};

const NAME = /^([^/]+)\/v(\d+)(-[a-z0-9-]+)?\.json$/;

/** All of them, by path. Throws for a file that is not called `TYPE/vN.json` or `TYPE/vN-variant.json`. */
export function readFixtures(): Fixture[] {
  return globSync('**/*.json', { cwd: FIXTURES })
    .filter((path) => path !== 'sums.json')
    .sort()
    .map((path) => {
      const [, type, version] = NAME.exec(path) ?? [];
      if (type === undefined) throw new Error(`fixtures/${path} is not called TYPE/vN.json or TYPE/vN-variant.json`);
      const bytes = readFileSync(join(FIXTURES, path));
      const message = JSON.parse(bytes.toString('utf8')) as CloudEvent;
      return {
        path,
        type,
        version: Number(version),
        message,
        sha256: createHash('sha256').update(bytes).digest('hex'),
      };
    });
}

/** Those of the newest version of a type. */
export function newestOf(fixtures: readonly Fixture[], type: MessageType): Fixture[] {
  const ofType = fixtures.filter((fixture) => fixture.type === type);
  const newest = Math.max(...ofType.map(({ version }) => version));
  return ofType.filter(({ version }) => version === newest);
}

/** The sums that were written when the fixtures were added. */
export function readSums(): Record<string, string> {
  return existsSync(SUMS) ? (JSON.parse(readFileSync(SUMS, 'utf8')) as Record<string, string>) : {};
}

/** Fixtures that are no longer what they were when they were added: edited, renamed or removed. */
export function brokenSeals(fixtures: readonly Fixture[], sums: Readonly<Record<string, string>>): string[] {
  const now = new Map(fixtures.map(({ path, sha256 }) => [path, sha256]));
  return Object.entries(sums).flatMap(([path, sha256]) => (now.get(path) === sha256 ? [] : [path]));
}
