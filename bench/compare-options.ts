import { parseArgs } from 'node:util';
import { positive, UsageError } from './options.ts';
import { WORKLOADS } from './scenario/index.ts';

export type CompareOptions = {
  readonly a: string;
  readonly b: string;
  readonly workload: string;
  readonly seconds: number;
  readonly rounds: number;
  readonly rate: number | undefined;
  readonly connections: number;
  readonly help: boolean;
};

export const COMPARE_USAGE = `usage: make bench-compare A=main B=HEAD [W=1] [SECONDS=10] [ROUNDS=5] [RATE=300]

  --a REV --b REV     any revision that git knows
  --workload 1        one of those that place orders
  --seconds 10        of one step
  --rounds 5          of each
  --rate 300          compare at this rate; otherwise each round is a search for the maximum
  --connections 256`;

/** Those whose stack and load can be interleaved: they leave nothing behind that the next round would feel. */
const COMPARABLE = ['W1', 'W2', 'W3', 'W4', 'W9'];

export function parseCompareOptions(args: readonly string[]): CompareOptions {
  let values: ReturnType<typeof read>;
  try {
    values = read(args);
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
  const workload = `W${values.workload.replace(/^w/i, '')}`;
  if (!values.help && (values.a === undefined || values.b === undefined))
    throw new UsageError('two revisions are needed: A=… and B=…');
  if (!COMPARABLE.includes(workload) || !WORKLOADS.some(({ id }) => id === workload))
    throw new UsageError(`no workload ${values.workload} to compare; there are ${COMPARABLE.join(', ')}`);
  return {
    a: values.a ?? '',
    b: values.b ?? '',
    workload,
    seconds: positive('seconds', values.seconds),
    rounds: positive('rounds', values.rounds),
    rate: values.rate === undefined ? undefined : positive('rate', values.rate),
    connections: positive('connections', values.connections),
    help: values.help,
  };
}

function read(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    options: {
      a: { type: 'string' },
      b: { type: 'string' },
      workload: { type: 'string', default: '1' },
      seconds: { type: 'string', default: '10' },
      rounds: { type: 'string', default: '5' },
      rate: { type: 'string' },
      connections: { type: 'string', default: '256' },
      help: { type: 'boolean', default: false },
    },
  }).values;
}
