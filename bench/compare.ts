/**
 * Two revisions of the platform under the same load, in turns:  make bench-compare A=main B=HEAD [W=1 SECONDS=10 ROUNDS=5 RATE=300]
 *
 * The bench is this checkout's for both; only the platform is of the revision. Both stacks are up for the whole time and one of them
 * is idle: a stack that is started anew for each turn has cold caches and code that is not compiled yet, which costs more than an idle
 * one takes, and the one at rest is in the way of both alike. Rounds alternate between A first and B first, so that a machine that
 * slowly changes favours neither.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { COMPARE_USAGE, type CompareOptions, parseCompareOptions } from './compare-options.ts';
import { UsageError } from './options.ts';
import { renderText } from './report/tables.ts';
import { WORKLOADS } from './scenario/index.ts';
import { Interrupted, interruptible, withBench } from './session.ts';
import { type Spread, spreadOf } from './spread.ts';
import { machineLine } from './stack.ts';
import { type Bench, runStep } from './step.ts';
import { uniform } from './workloads.ts';
import { commitOf, createWorktree, removeWorktree } from './worktree.ts';

const ROOT = join(import.meta.dirname, '..');
const PORT_BASES = { a: 29_500, b: 29_600 };
const WARM_UP = { ratePerSecond: 150, seconds: 15 };
const START_RATE = 200;

type Figures = Readonly<Record<string, number>>;
type Side = 'a' | 'b';

try {
  process.exitCode = await main();
} catch (error) {
  if (error instanceof UsageError) {
    console.error(`${error.message}\n\n${COMPARE_USAGE}`);
    process.exitCode = 2;
  } else if (error instanceof Interrupted) process.exitCode = 130;
  else throw error;
}

async function main(): Promise<number> {
  const options = parseCompareOptions(process.argv.slice(2));
  if (options.help) {
    console.log(COMPARE_USAGE);
    return 0;
  }
  const commits = { a: known(options.a), b: known(options.b) };
  const { signal } = interruptible();
  const home = mkdtempSync(join(tmpdir(), 'punctual-compare-'));
  const folders = { a: join(home, 'a'), b: join(home, 'b') };
  try {
    for (const side of ['a', 'b'] as const) {
      say(`${side.toUpperCase()}: ${options[side]} (${commits[side].slice(0, 10)})`);
      createWorktree(commits[side], folders[side]);
      signal.throwIfAborted();
    }
    const session = (side: Side) => ({
      stack: `bench-${side}`,
      root: folders[side],
      portBase: PORT_BASES[side],
      keep: false,
      quiet: true,
      connections: options.connections,
      seconds: options.seconds,
      size: 1,
      signal,
      say: (line: string) => say(`${side.toUpperCase()} ${line}`),
    });
    const results = await withBench(session('a'), (a) => withBench(session('b'), (b) => interleave({ a, b }, options)));
    conclude(results, options, commits);
    return 0;
  } finally {
    for (const folder of Object.values(folders)) removeWorktree(folder);
    rmSync(home, { recursive: true, force: true });
  }
}

async function interleave(benches: Record<Side, Bench>, options: CompareOptions): Promise<Record<Side, Figures[]>> {
  const results: Record<Side, Figures[]> = { a: [], b: [] };
  for (const bench of Object.values(benches)) await runStep(bench, (run) => uniform(bench.shop, run), WARM_UP);
  for (let round = 0; round < options.rounds; round += 1) {
    say(`round ${round + 1} of ${options.rounds}`);
    for (const side of round % 2 === 0 ? (['a', 'b'] as const) : (['b', 'a'] as const)) {
      benches[side].signal.throwIfAborted();
      results[side].push(await measure(benches[side], options));
    }
  }
  return results;
}

async function measure(bench: Bench, { workload, rate }: CompareOptions): Promise<Figures> {
  await bench.shop.freshTokens();
  const found = await WORKLOADS.find(({ id }) => id === workload)?.run(bench, {
    start: START_RATE,
    ...(rate === undefined ? {} : { fixedRate: rate }),
  });
  const calm = found?.orders?.calm;
  const max = found?.orders?.maxPerSecond;
  return {
    ...(max === undefined ? {} : { 'max orders/s': max }),
    ...(calm === undefined
      ? {}
      : {
          'p50 ms': calm.load.accepted.p50Ms,
          'p99 ms': calm.load.accepted.p99Ms,
          'created to reserved p99 ms': calm.createdToReserved.p99Ms,
          'CPU ms per order': Object.values(calm.cpuMsPerOrder).reduce((sum, ms) => sum + ms, 0),
          'WAL bytes per order': calm.walBytesPerOrder,
          'PSS MB': calm.memory.pss,
          'errors %': calm.errorShare * 100,
        }),
  };
}

function conclude(results: Record<Side, Figures[]>, options: CompareOptions, commits: Record<Side, string>): void {
  const names = [...new Set([...results.a, ...results.b].flatMap((figures) => Object.keys(figures)))];
  const values = (side: Side, name: string) => results[side].flatMap((figures) => figures[name] ?? []);
  const text = ({ median, least, most }: Spread) => `${median.toFixed(1)} (${least.toFixed(1)} – ${most.toFixed(1)})`;
  const rows = names.map((name) => {
    const [a, b] = [values('a', name), values('b', name)];
    if (a.length === 0 || b.length === 0)
      return [name, a.length === 0 ? '–' : text(spreadOf(a)), b.length === 0 ? '–' : text(spreadOf(b)), '–'];
    const ratio = spreadOf(b).median / spreadOf(a).median;
    return [name, text(spreadOf(a)), text(spreadOf(b)), Number.isFinite(ratio) ? ratio.toFixed(2) : '–'];
  });
  const columns = [
    `${options.workload}, ${options.rounds} rounds: median (least – most)`,
    `A ${options.a}`,
    `B ${options.b}`,
    'B / A',
  ];
  console.log(`\nmachine  ${machineLine()}\n\n${renderText({ columns, rows })}\n`);
  const folder = join('.bench', `${new Date().toISOString().slice(0, 19).replaceAll(':', '-')}-compare`);
  mkdirSync(join(ROOT, folder), { recursive: true });
  const file = join(folder, 'compare.json');
  writeFileSync(
    join(ROOT, file),
    `${JSON.stringify({ machine: machineLine(), options, commits, results }, null, 2)}\n`,
  );
  console.log(file);
}

function known(revision: string): string {
  const commit = commitOf(revision);
  if (commit === undefined) throw new UsageError(`git knows no revision ${revision}`);
  return commit;
}

function say(line: string): void {
  console.log(line);
}
