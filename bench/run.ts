/**
 * How many orders a second the platform sustains, beside the identical transaction in pgbench, in one run on one machine.
 *
 *   make bench                     every workload, with the search for the maximum
 *   make bench W=1 SECONDS=20      one
 *   make bench W=1 RATE=300        at a fixed rate
 *   make bench LIST=1
 *
 * docs/performance.md says what each figure means.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { measureCeilings } from './ceilings.ts';
import { type BenchOptions, parseOptions, USAGE, UsageError } from './options.ts';
import { memoryOfStack } from './probe/processes.ts';
import type { BenchReport, WorkloadReport } from './report/model.ts';
import { reportPage } from './report/page.ts';
import { printedReport } from './report/print.ts';
import { WORKLOADS } from './scenario/index.ts';
import { Interrupted, interruptible, withBench } from './session.ts';
import { smoke } from './smoke.ts';
import { machineLine } from './stack.ts';
import { type Bench, runStep } from './step.ts';
import { uniform } from './workloads.ts';

const ROOT = join(import.meta.dirname, '..');
/** Long enough for the services and the brokers to have compiled what an order passes through. */
const WARM_UP = { ratePerSecond: 150, seconds: 20 };
const START_SHARE_OF_P2 = 0.2;
const DEFAULT_START = 200;
/** Once W1's maximum is known, the others begin near it. */
const LATER_START_SHARE = 0.7;

try {
  process.exitCode = await main();
} catch (error) {
  if (error instanceof UsageError) {
    console.error(`${error.message}\n\n${USAGE}`);
    process.exitCode = 2;
  } else if (error instanceof Interrupted) process.exitCode = 130;
  else throw error;
}

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  if (options.mode === 'help') {
    console.log(USAGE);
    return 0;
  }
  if (options.mode === 'list') {
    for (const { id, name, about } of WORKLOADS.toSorted((a, b) => a.id.localeCompare(b.id)))
      console.log(`${id}  ${name.padEnd(18)}${about}`);
    return 0;
  }
  const { signal } = interruptible();
  const session = { ...options, signal, say };
  if (options.mode === 'smoke') {
    const { passed, failed } = await withBench(session, smoke);
    // The last line, which is counted as tests.
    console.log(`\n${passed} passed, ${failed} failed`);
    return failed === 0 ? 0 : 1;
  }
  const report = await withBench(session, (bench) => measure(bench, options));
  console.log(`\n${printedReport(report)}\n`);
  const folder = writeReport(report, options.out);
  console.log(`${folder}/report.html and report.json`);
  return report.workloads.some(({ problems }) => problems.length > 0) ? 1 : 0;
}

async function measure(bench: Bench, options: BenchOptions): Promise<BenchReport> {
  const { stack, shop } = bench;
  const startedAt = new Date().toISOString();
  const memoryIdle = memoryOfStack(stack.settings.STACK_HOME);
  say('warming up');
  await runStep(bench, (run) => uniform(shop, run), WARM_UP);
  const ceilings = options.ceilings ? await measureCeilings(bench, options.clients) : undefined;
  const start = options.start ?? (Math.round(START_SHARE_OF_P2 * (ceilings?.before ?? 0)) || DEFAULT_START);
  const workloads: WorkloadReport[] = [];
  for (const { id, name, about, run } of WORKLOADS.filter((workload) => options.workloads.includes(workload.id))) {
    bench.signal.throwIfAborted();
    say(`${id} ${name}: ${about}`);
    await shop.freshTokens();
    const uniformMax = workloads.find((done) => done.id === 'W1')?.orders?.maxPerSecond;
    const found = await run(bench, {
      start: uniformMax === undefined ? start : Math.round(uniformMax * LATER_START_SHARE),
      ...(options.most === undefined ? {} : { most: options.most }),
      ...(options.rate === undefined ? {} : { fixedRate: options.rate }),
      ...(uniformMax === undefined ? {} : { uniformMax }),
    });
    workloads.push({ id, name, about, ...found });
  }
  return {
    startedAt,
    revision: revision(),
    machine: machineLine(),
    durability: stack.durability,
    seconds: options.seconds,
    connections: options.connections,
    memoryIdle,
    ceilings: await ceilings?.finish(),
    workloads,
  };
}

function writeReport(report: BenchReport, out: string): string {
  const folder = join(out, report.startedAt.slice(0, 19).replaceAll(':', '-'));
  mkdirSync(join(ROOT, folder), { recursive: true });
  writeFileSync(join(ROOT, folder, 'report.json'), `${JSON.stringify(report, null, 2)}\n`);
  writeFileSync(join(ROOT, folder, 'report.html'), reportPage(report));
  return folder;
}

function revision(): string {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).trim();
  return `${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain') === '' ? '' : ' with changes'}`;
}

function say(line: string): void {
  console.log(line);
}
