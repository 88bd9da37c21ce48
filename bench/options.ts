import { parseArgs } from 'node:util';
import { WORKLOADS } from './scenario/index.ts';

export class UsageError extends Error {}

export type BenchOptions = {
  readonly workloads: readonly string[];
  readonly seconds: number;
  /** Without a search for the maximum. */
  readonly rate: number | undefined;
  readonly start: number | undefined;
  /** The search asks for no more. */
  readonly most: number | undefined;
  readonly connections: number;
  readonly clients: number;
  /** Above 0, at most 1. */
  readonly size: number;
  readonly ceilings: boolean;
  readonly stack: string;
  readonly keep: boolean;
  readonly out: string;
  readonly mode: 'bench' | 'list' | 'smoke' | 'help';
};

export const USAGE = `usage: make bench [W=1,3] [SECONDS=20] [RATE=300] [LIST=1] [ARGS="…"]      (node bench/run.ts OPTIONS)

  --workload 1,3      only these; all when absent (--list shows them)
  --seconds 20        of one step
  --rate 300          orders per second, one step at this rate and no search for the maximum
  --start 200         where the search begins; a fifth of P2 when absent
  --most 1000         the search asks for no more orders per second
  --connections 256   of the load generator
  --clients 32        of pgbench
  --size 1            share of the rows that W5, W6, W8 and W10 are about, such as 0.01 for trying things out
  --no-ceilings       without P0 and P2, which the ratios need
  --stack bench       the name of the stack
  --keep              takes the stack when it runs, and leaves it running
  --out .bench        where the folder of the run is made
  --smoke             a minute of checks that counts as tests
  --list, --help`;

/** Throws a UsageError that says which value is wrong and what is expected. */
export function parseOptions(args: readonly string[]): BenchOptions {
  let values: ReturnType<typeof read>;
  try {
    values = read(args);
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
  const known = WORKLOADS.map(({ id }) => id);
  const workloads = values.workload?.split(',').map((text) => `W${text.trim().replace(/^w/i, '')}`) ?? known;
  for (const id of workloads) {
    if (!known.includes(id))
      throw new UsageError(`there is no workload ${id.slice(1)}; there are ${known.toSorted().join(', ')}`);
  }
  return {
    workloads,
    seconds: positive('seconds', values.seconds),
    rate: values.rate === undefined ? undefined : positive('rate', values.rate),
    start: values.start === undefined ? undefined : positive('start', values.start),
    most: values.most === undefined ? undefined : positive('most', values.most),
    connections: positive('connections', values.connections),
    clients: positive('clients', values.clients),
    size: share('size', values.size),
    ceilings: !values['no-ceilings'],
    stack: values.stack,
    keep: values.keep,
    out: values.out,
    mode: values.help ? 'help' : values.list ? 'list' : values.smoke ? 'smoke' : 'bench',
  };
}

function read(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    options: {
      workload: { type: 'string' },
      seconds: { type: 'string', default: '20' },
      rate: { type: 'string' },
      start: { type: 'string' },
      most: { type: 'string' },
      connections: { type: 'string', default: '256' },
      clients: { type: 'string', default: '32' },
      size: { type: 'string', default: '1' },
      'no-ceilings': { type: 'boolean', default: false },
      stack: { type: 'string', default: 'bench' },
      keep: { type: 'boolean', default: false },
      out: { type: 'string', default: '.bench' },
      smoke: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  }).values;
}

export function positive(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new UsageError(`--${name} takes a whole number above 0, not "${text}"`);
}

function share(name: string, text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 1) return value;
  throw new UsageError(`--${name} takes a number above 0 and at most 1, not "${text}"`);
}
