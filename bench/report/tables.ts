import type { Table } from '@punctual/report';
import type { StepResult } from '../step.ts';
import { type BenchReport, mean, type WorkloadReport } from './model.ts';

const NONE = '–';

export function number(value: number | undefined, digits = 0): string {
  return value === undefined || Number.isNaN(value)
    ? NONE
    : value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** One row for each workload that places orders. */
export function orderTable({ workloads, ceilings }: BenchReport): Table {
  const rows = workloads.flatMap(({ id, name, orders }) => {
    if (orders === undefined) return [];
    const { maxPerSecond: max, calm } = orders;
    const ratio = (to: number | undefined) => (max === undefined || to === undefined ? NONE : number(max / to, 3));
    return [
      [
        `${id} ${name}`,
        number(max),
        ratio(ceilings && mean(ceilings.p2)),
        ratio(ceilings?.p0),
        number(calm?.ratePerSecond),
        number(calm?.load.accepted.p50Ms, 1),
        number(calm?.load.accepted.p99Ms, 1),
        number(calm?.load.accepted.p999Ms, 1),
        number(calm?.createdToReserved.p50Ms, 0),
        number(calm?.createdToReserved.p99Ms, 0),
        number(calm && sum(calm.cpuMsPerOrder), 2),
        number(calm?.walBytesPerOrder),
        statuses(calm),
      ],
    ];
  });
  return {
    columns: [
      'workload',
      'max orders/s',
      'of P2',
      'of P0',
      'at orders/s',
      'p50 ms',
      'p99 ms',
      'p99.9 ms',
      'reserved p50 ms',
      'reserved p99 ms',
      'CPU ms/order',
      'WAL bytes/order',
      'answers',
    ],
    rows,
  };
}

export function ceilingTable({ ceilings }: BenchReport): Table | undefined {
  if (ceilings === undefined) return undefined;
  const { p2, p2Pgpool, p0 } = ceilings;
  return {
    columns: ['ceiling', 'per second', 'before', 'after'],
    rows: [
      ['P2 pgbench on the primary', number(mean(p2)), number(p2.before), number(p2.after)],
      ['P2 pgbench through pgpool', number(mean(p2Pgpool)), number(p2Pgpool.before), number(p2Pgpool.after)],
      ['P0 bare express handler', number(p0), NONE, NONE],
    ],
  };
}

/** What each workload found besides rates. */
export function factTable(workloads: readonly WorkloadReport[]): Table {
  return {
    columns: ['workload', 'what', 'figure'],
    rows: workloads.flatMap(({ id, facts }) =>
      facts.map(({ name, value, unit }) => [
        id,
        name,
        typeof value === 'number'
          ? `${number(value, Number.isInteger(value) ? 0 : 1)}${unit ? ` ${unit}` : ''}`
          : value,
      ]),
    ),
  };
}

/** CPU milliseconds of each group of processes for one order. */
export function cpuTable(workloads: readonly WorkloadReport[]): Table {
  const measured = workloads.flatMap(({ id, orders }) =>
    orders?.calm ? [{ id, cpu: orders.calm.cpuMsPerOrder }] : [],
  );
  const groups = [...new Set(measured.flatMap(({ cpu }) => Object.keys(cpu)))];
  return {
    columns: ['CPU ms per order', ...measured.map(({ id }) => id)],
    rows: [
      ...groups.map((group) => [group, ...measured.map(({ cpu }) => number(cpu[group] ?? 0, 3))]),
      ['all', ...measured.map(({ cpu }) => number(sum(cpu), 3))],
    ],
  };
}

export function overloadTable(workloads: readonly WorkloadReport[]): Table {
  return {
    columns: [
      'workload',
      'at orders/s',
      'accepted/s',
      'p99 ms of accepted',
      '503 %',
      'p99 ms of 503',
      'with Retry-After',
      'answers',
    ],
    rows: workloads.flatMap(({ id, orders }) => {
      const step = orders?.overload;
      if (step === undefined) return [];
      const { load } = step;
      return [
        [
          id,
          number(step.ratePerSecond),
          number(load.acceptedPerSecond),
          number(load.accepted.p99Ms),
          number((100 * load.refused.count) / Math.max(1, load.sent), 1),
          number(load.refused.p99Ms),
          `${load.refusedWithRetryAfter} of ${load.refused.count}`,
          statuses(step),
        ],
      ];
    }),
  };
}

export function memoryLine({ memoryIdle, workloads }: BenchReport): string {
  const loaded = workloads.flatMap(({ orders }) => (orders?.calm ? [orders.calm.memory] : []));
  const most = loaded.toSorted((a, b) => b.pss - a.pss)[0];
  const text = ({ rss, pss }: { rss: number; pss: number }) => `${number(rss)} MB RSS (${number(pss)} MB PSS)`;
  return `${text(memoryIdle)} at rest${most === undefined ? '' : `, ${text(most)} after load`}`;
}

/** Columns under each other, for a terminal. */
export function renderText({ columns, rows }: Table): string {
  const all = [columns, ...rows.map((row) => row.map(String))];
  const widths = columns.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function statuses(step: StepResult | undefined): string {
  return Object.entries(step?.load.byStatus ?? {})
    .map(([status, count]) => `${status}: ${count}`)
    .join(', ');
}

function sum(values: Readonly<Record<string, number>>): number {
  return Object.values(values).reduce((total, value) => total + value, 0);
}
