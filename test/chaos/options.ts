import { parseArgs } from 'node:util';

export type ChaosOptions = {
  readonly seed: number;
  readonly minutes: number;
  readonly rate: number;
  /** Names; empty for every fault that this machine can play. */
  readonly faults: readonly string[];
  readonly sabotage: string | undefined;
  readonly list: boolean;
  readonly keep: boolean;
  readonly out: string;
  readonly stackName: string;
  readonly judge: string | undefined;
};

export const USAGE = `usage: node test/chaos/run.ts [options]

  --seed N         the schedule, the load and every fault follow from it (default 1)
  --minutes N      how long the load lasts, fractions allowed (default 3, 1 with a sabotage)
  --rate N         operations of customers per second (default 15)
  --fault NAMES    only these faults, comma-separated, each perhaps with a target (kill:kafka); none for a run without (default: all in turn)
  --sabotage NAME  breaks the platform on purpose: exits 0 only when the invariant named for it catches it
  --list           prints faults and sabotages
  --keep           leaves the stack running at the end
  --out FOLDER     where the run's folder is made (default .chaos)
  --stack NAME     (default chaos)
  --judge FOLDER   judges a recorded run again, from its history and evidence
`;

const DEFAULT_MINUTES = { mix: '3', sabotage: '1' };

export class UsageError extends Error {}

/** Throws a UsageError in plain words. */
export function parseOptions(args: readonly string[]): ChaosOptions | 'help' {
  let values: Record<string, string | boolean | undefined>;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        seed: { type: 'string', default: '1' },
        minutes: { type: 'string' },
        rate: { type: 'string', default: '15' },
        fault: { type: 'string' },
        sabotage: { type: 'string' },
        list: { type: 'boolean', default: false },
        keep: { type: 'boolean', default: false },
        out: { type: 'string', default: '.chaos' },
        stack: { type: 'string', default: 'chaos' },
        judge: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    }));
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
  if (values.help === true) return 'help';
  const text = (name: string) => (typeof values[name] === 'string' && values[name] !== '' ? values[name] : undefined);
  const sabotage = text('sabotage');
  const seed = Number(text('seed') ?? '1');
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new UsageError(`--seed takes a whole number, not "${values.seed}"`);
  return {
    seed,
    minutes: positive('minutes', text('minutes') ?? (sabotage ? DEFAULT_MINUTES.sabotage : DEFAULT_MINUTES.mix)),
    rate: positive('rate', text('rate') ?? '15'),
    faults: (text('fault') ?? '').split(',').filter((name) => name !== ''),
    sabotage,
    list: values.list === true,
    keep: values.keep === true,
    out: text('out') ?? '.chaos',
    stackName: text('stack') ?? 'chaos',
    judge: text('judge'),
  };
}

/** Chooses by name, in the order given; `none` is no fault at all. */
export function chooseFaults<T extends { readonly name: string }>(
  all: readonly T[],
  names: readonly string[],
): readonly T[] {
  if (names.length === 0) return all;
  if (names.length === 1 && names[0] === 'none') return [];
  return names.map((name) => {
    const fault = all.find((one) => one.name === name);
    if (fault === undefined) {
      throw new UsageError(`there is no fault "${name}"; there are ${all.map((one) => one.name).join(', ')}`);
    }
    return fault;
  });
}

/** Like `chooseFaults`, and `kill:kafka` is a fault on that target alone. Named again with another target, it strikes both. */
export function chooseAimed<T extends { readonly name: string; readonly targets: readonly string[] }>(
  all: readonly T[],
  names: readonly string[],
): readonly T[] {
  const chosen = new Map<string, T>();
  for (const text of names.length === 0 || names[0] === 'none' ? [] : names) {
    const [name = '', target] = text.split(':');
    const [fault] = chooseFaults(all, [name]);
    if (fault === undefined) continue;
    if (target !== undefined && !fault.targets.includes(target)) {
      throw new UsageError(`${name} cannot strike "${target}"; it can strike ${fault.targets.join(', ')}`);
    }
    const before = chosen.get(name);
    const targets = target === undefined ? fault.targets : [...(before?.targets ?? []), target];
    chosen.set(name, { ...fault, targets });
  }
  return names.length === 0 ? all : [...chosen.values()];
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new UsageError(`--${name} takes a number above 0, not "${text}"`);
}
