/**
 * Chaos: customers shop while the platform's servers, processes and links fail, and afterwards every invariant is checked.
 *
 *   make chaos SEED=7 MINUTES=5            every fault in turn
 *   make chaos FAULT=rabbit-wipe SEED=7    one fault again and again
 *   make chaos SABOTAGE=inbox-off          a broken platform, which the checker must catch
 *   make chaos LIST=1
 *
 * The last line counts each invariant as a test.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type CampaignResult, campaign } from './campaign.ts';
import { check, gatherEvidence } from './checker/index.ts';
import { FAULTS } from './faults/index.ts';
import { openHistory, type RunRecord } from './history.ts';
import { type Judged, judgeAgain, writeResult } from './judge.ts';
import { type ChaosOptions, chooseAimed, chooseFaults, parseOptions, USAGE, UsageError } from './options.ts';
import { SABOTAGES } from './sabotage/index.ts';
import { faultTable, operationTable, renderText, seconds, verdictTable } from './tables.ts';
import type { Verdict } from './types.ts';

const ROOT = join(import.meta.dirname, '../..');
const VERB_WIDTH = 10;
const CLAIM_WIDTH = 60;

try {
  const options = parseOptions(process.argv.slice(2));
  if (options === 'help') console.log(USAGE);
  else if (options.list) printList();
  else if (options.judge !== undefined) process.exitCode = concludeAgain(judgeAgain(options.judge));
  else process.exitCode = await run(options);
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`${error.message}\n\n${USAGE}`);
  process.exitCode = 2;
}

async function run(options: ChaosOptions): Promise<number> {
  const sabotage = options.sabotage === undefined ? undefined : chooseFaults(SABOTAGES, [options.sabotage])[0];
  const faults =
    sabotage !== undefined && options.faults.length === 0
      ? sabotage.needs.faults.flatMap(({ name, target }) =>
          chooseAimed(FAULTS, [target === undefined ? name : `${name}:${target}`]),
        )
      : chooseAimed(FAULTS, options.faults);
  const folder = join(
    ROOT,
    options.out,
    `${new Date().toISOString().slice(0, 19).replaceAll(':', '-')}-seed${options.seed}`,
  );
  mkdirSync(folder, { recursive: true });
  const writer = openHistory(join(folder, 'history.jsonl'));
  const cancelled = new AbortController();
  const interrupt = () => {
    if (cancelled.signal.aborted) process.exit(130);
    cancelled.abort();
    console.log('\nInterrupted: healing what was struck, then stopping. Once more to leave everything as it is.');
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  const record: RunRecord = {
    seed: options.seed,
    minutes: options.minutes,
    rate: options.rate,
    fault: options.faults.length === 0 ? null : options.faults.join(','),
    sabotage: options.sabotage ?? null,
    startedAtMs: Date.now(),
    revision: revision(),
  };
  let judged: Judged | undefined;
  try {
    await campaign({
      stackName: options.stackName,
      portBase: process.env.PORT_BASE ? Number(process.env.PORT_BASE) : undefined,
      run: record,
      faults,
      sabotage,
      writer,
      keep: options.keep,
      isCancelled: () => cancelled.signal.aborted,
      say: printProgress,
      async judge(result) {
        if (cancelled.signal.aborted) return;
        printProgress(null, 'checker', 'reading databases, brokers, ledger and inbox');
        const evidence = await gatherEvidence(result.stack.settings);
        const verdicts = check(result.history, evidence);
        judged = { folder, run: record, verdicts, evidence, ...pick(result), replay: replayCommand(options) };
        writeResult(judged);
      },
    });
  } finally {
    writer.close();
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
  if (judged === undefined) return 130;
  return conclude(judged, sabotage?.caughtBy);
}

function pick({ history, samples, problems, leftOut }: CampaignResult) {
  return { history, samples, problems, leftOut };
}

function concludeAgain(judged: Judged): number {
  return conclude(judged, SABOTAGES.find(({ name }) => name === judged.run.sabotage)?.caughtBy);
}

/** Prints what became of the run, and returns the exit code. */
function conclude(judged: Judged, caughtBy: string | undefined): number {
  const { verdicts, history, problems, leftOut, folder } = judged;
  const broken = verdicts.filter(({ holds }) => !holds);
  console.log(`\n${renderText(operationTable(history.operations))}`);
  console.log(`\n${renderText(faultTable(history.faults))}`);
  if (leftOut.length > 0)
    console.log(`left out, since healing took longer than planned: ${leftOut.map(({ fault }) => fault).join(', ')}`);
  const rest =
    history.quiescedMs === null ? 'did NOT come to rest' : `at rest ${seconds(history.quiescedMs)} after the load`;
  console.log(
    `\n${renderText(verdictTable(verdicts.map(shortened)))}\n\n${history.operations.length} operations, ${history.faults.length} faults; ${rest}`,
  );
  for (const { invariant, findings } of broken) {
    for (const finding of findings) console.log(`  ${invariant}  ${finding}`);
  }
  for (const problem of problems) console.log(`  trouble of the run itself: ${problem}`);
  console.log(
    `\nhistory  ${join(folder, 'history.jsonl')}\nverdict  ${join(folder, 'verdict.json')}\nreport   ${join(folder, 'report.html')}`,
  );
  console.log(`again    ${judged.replay}\n`);

  if (caughtBy === undefined) {
    const failed = broken.length + problems.length;
    console.log(`${verdicts.length - broken.length} passed, ${failed} failed`);
    return failed === 0 ? 0 : 1;
  }
  const catches = broken.some(({ invariant }) => invariant === caughtBy);
  const others = broken.map(({ invariant }) => invariant).filter((name) => name !== caughtBy);
  const also = others.length === 0 ? '' : ` (also broken: ${others.join(', ')})`;
  console.log(`The sabotage was ${catches ? 'caught' : 'NOT caught'} by ${caughtBy}, which is named for it${also}.`);
  console.log(catches ? '1 passed, 0 failed' : '0 passed, 1 failed');
  return catches ? 0 : 1;
}

/** For a terminal's width; the page has the whole claim. */
function shortened(verdict: Verdict): Verdict {
  const { claim } = verdict;
  return claim.length <= CLAIM_WIDTH ? verdict : { ...verdict, claim: `${claim.slice(0, CLAIM_WIDTH - 1)}…` };
}

function printProgress(atMs: number | null, verb: string, text: string, rates?: () => string): void {
  const at = atMs === null ? '' : seconds(atMs);
  console.log(`${at.padStart(9)}  ${verb.padEnd(VERB_WIDTH)}${text}${rates === undefined ? '' : `   [${rates()}]`}`);
}

function printList(): void {
  console.log('Faults (FAULT=):\n');
  const rows = FAULTS.map(({ name, targets, lastsMs: [least, most], about }) => [
    name,
    `${least / 1_000}–${most / 1_000} s`,
    targets.join(' '),
    about,
  ]);
  console.log(renderText({ columns: ['name', 'lasts', 'targets', 'about'], rows }));
  console.log('\nSabotages (SABOTAGE=):\n');
  const sabotages = SABOTAGES.map(({ name, caughtBy, about }) => [name, caughtBy, about]);
  console.log(renderText({ columns: ['name', 'caught by', 'about'], rows: sabotages }));
}

function replayCommand({ seed, minutes, rate, faults, sabotage }: ChaosOptions): string {
  const variables = [
    `SEED=${seed}`,
    `MINUTES=${minutes}`,
    `RATE=${rate}`,
    ...(faults.length > 0 ? [`FAULT=${faults.join(',')}`] : []),
    ...(sabotage === undefined ? [] : [`SABOTAGE=${sabotage}`]),
  ];
  return `make chaos ${variables.join(' ')}`;
}

function revision(): string {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], { cwd: ROOT, encoding: 'utf8' }).trim();
  } catch (error) {
    if (error instanceof Error) return 'unknown revision';
    throw error;
  }
}
