import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

export type FuzzOptions = {
  readonly seed: number;
  /** Undefined for a fixed number of requests, which the seed alone decides. */
  readonly minutes: number | undefined;
  /** Such as `POST /orders`; undefined for all. */
  readonly operation: string | undefined;
  readonly keep: boolean;
  readonly out: string;
  readonly stackName: string;
};

export const USAGE = `usage: node test/fuzz/run.ts [options]

  --seed N          every request follows from it (default 1)
  --minutes N       as many requests as are made in this time, fractions allowed (default: a fixed number, two to three minutes)
  --operation NAME  only this operation, such as "POST /orders"
  --keep            takes the stack as it is when it runs, and leaves it running
  --out FOLDER      where the run's folder is made (default .fuzz)
  --stack NAME      (default fuzz)
`;

export class UsageError extends Error {}

const DOCUMENT = 'packages/contracts/generated/openapi.json';

/** Throws a UsageError in plain words. */
export function parseOptions(args: readonly string[]): FuzzOptions | 'help' {
  const values = parse(args);
  if (values.help) return 'help';
  const seed = Number(values.seed);
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new UsageError(`--seed takes a whole number, not "${values.seed}"`);
  const minutes = values.minutes === undefined ? undefined : Number(values.minutes);
  if (minutes !== undefined && !(minutes > 0))
    throw new UsageError(`--minutes takes a number above 0, not "${values.minutes}"`);
  const { operation } = values;
  if (operation !== undefined && !operations().has(operation))
    throw new UsageError(`--operation takes one of ${DOCUMENT} such as "POST /orders", not "${operation}"`);
  return { seed, minutes, operation, keep: values.keep, out: values.out, stackName: values.stack };
}

/** Method and path of each, as schemathesis names them. */
function operations(): ReadonlySet<string> {
  const text = readFileSync(join(import.meta.dirname, '../..', DOCUMENT), 'utf8');
  const { paths } = JSON.parse(text) as { paths: Record<string, Record<string, unknown>> };
  const named = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  return new Set(named);
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        seed: { type: 'string', default: '1' },
        minutes: { type: 'string' },
        operation: { type: 'string' },
        keep: { type: 'boolean', default: false },
        out: { type: 'string', default: '.fuzz' },
        stack: { type: 'string', default: 'fuzz' },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
