import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { FaultRecord, History, Operation } from './types.ts';

/** How the run was started, and what was planned; the first line. */
export type RunRecord = {
  readonly seed: number;
  readonly minutes: number;
  readonly rate: number;
  readonly fault: string | null;
  readonly sabotage: string | null;
  /** Milliseconds since 1970: what all other instants of the run count from. */
  readonly startedAtMs: number;
  readonly revision: string;
};

/** One second of the platform, as far as it could be measured: null where what was asked was down. */
export type Sample = {
  readonly atMs: number;
  readonly values: Readonly<Record<string, number | null>>;
};

export type HistoryLine =
  | ({ readonly line: 'run' } & RunRecord)
  | ({ readonly line: 'operation' } & Operation)
  | ({ readonly line: 'fault' } & FaultRecord)
  | ({ readonly line: 'sample' } & Sample)
  | { readonly line: 'quiesced'; readonly quiescedMs: number | null; readonly left: object }
  | { readonly line: 'event'; readonly atMs: number; readonly message: string; readonly fields: object };

export type RecordedRun = {
  readonly run: RunRecord;
  readonly history: History;
  readonly samples: readonly Sample[];
};

export type HistoryWriter = { append(line: HistoryLine): void; close(): void };

/** Each line is handed to the system before the call returns, so a run that is killed leaves all that it has seen. */
export function openHistory(file: string): HistoryWriter {
  mkdirSync(dirname(file), { recursive: true });
  const descriptor = openSync(file, 'a');
  return {
    append(line) {
      writeSync(descriptor, `${JSON.stringify(line)}\n`);
    },
    close() {
      fsyncSync(descriptor);
      closeSync(descriptor);
    },
  };
}

export function readHistory(file: string): RecordedRun {
  return parseHistory(readFileSync(file, 'utf8'));
}

/** A last line that a killed run left incomplete is not counted; one that is broken anywhere else is an error. */
export function parseHistory(text: string): RecordedRun {
  let run: RunRecord | undefined;
  let quiescedMs: number | null = null;
  const operations: Operation[] = [];
  const faults: FaultRecord[] = [];
  const samples: Sample[] = [];
  const complete = text.slice(0, text.lastIndexOf('\n') + 1);
  for (const json of complete.split('\n')) {
    if (json === '') continue;
    const parsed = JSON.parse(json) as HistoryLine;
    const { line, ...rest } = parsed;
    if (line === 'run') run = rest as RunRecord;
    else if (line === 'operation') operations.push(rest as Operation);
    else if (line === 'fault') faults.push(rest as FaultRecord);
    else if (line === 'sample') samples.push(rest as Sample);
    else if (parsed.line === 'quiesced') quiescedMs = parsed.quiescedMs;
  }
  if (run === undefined) throw new Error('the history does not begin with its run');
  return { run, samples, history: { operations, faults, startedAtMs: run.startedAtMs, quiescedMs } };
}
