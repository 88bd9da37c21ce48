/** The same tables for the terminal and for the page. */
import type { Table } from '@punctual/report';
import { byKind } from './statistics.ts';
import type { FaultRecord, Operation, Verdict } from './types.ts';

export function verdictTable(verdicts: readonly Verdict[]): Table {
  return {
    columns: [
      '',
      'holds',
      'attempted',
      'acknowledged',
      'unknown',
      'lost',
      'duplicated',
      'unexpected',
      'recovered',
      'claim',
    ],
    rows: verdicts.map(({ invariant, claim, holds, counts }) => [
      invariant,
      holds ? 'yes' : 'BROKEN',
      counts.attempted,
      counts.acknowledged,
      counts.unknown,
      counts.lost,
      counts.duplicated,
      counts.unexpected,
      counts.recovered,
      claim,
    ]),
  };
}

export function faultTable(faults: readonly FaultRecord[]): Table {
  return {
    columns: ['at', 'fault', 'target', 'lasted', 'recovered after healing'],
    rows: faults
      .toSorted((a, b) => a.struckMs - b.struckMs)
      .map(({ name, target, struckMs, healedMs, recoveredMs }) => [
        seconds(struckMs),
        name,
        target,
        seconds(healedMs - struckMs),
        recoveredMs === null ? 'not within the run' : seconds(recoveredMs),
      ]),
  };
}

export function operationTable(operations: readonly Operation[]): Table {
  return {
    columns: ['operation', 'ok', 'refused', 'unknown', 'attempts'],
    rows: Object.entries(byKind(operations)).map(([kind, { ok, failed, unknown, attempts }]) => [
      kind,
      ok,
      failed,
      unknown,
      attempts,
    ]),
  };
}

/** Columns as wide as their widest cell; what is a number stands at the right. */
export function renderText({ columns, rows }: Table): string {
  const widths = columns.map((name, column) =>
    Math.max(name.length, ...rows.map((row) => String(row[column] ?? '').length)),
  );
  const line = (cells: readonly (string | number)[]) =>
    cells
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return typeof cell === 'number' ? String(cell).padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd();
  return [columns, ...rows].map(line).join('\n');
}

export function seconds(durationMs: number): string {
  return `${(durationMs / 1_000).toFixed(1)} s`;
}
