import { renderPage, type Section } from '@punctual/report';
import type { StepResult } from '../step.ts';
import type { BenchReport, WorkloadReport } from './model.ts';
import { ceilingTable, cpuTable, factTable, memoryLine, orderTable, overloadTable } from './tables.ts';

const SECOND_MS = 1_000;

/** One HTML page with tables and curves. */
export function reportPage(report: BenchReport): string {
  const { workloads } = report;
  const problems = workloads.flatMap(({ id, problems }) => problems.map((problem) => `${id}: ${problem}`));
  const sections: Section[] = [
    ...(problems.length === 0 ? [] : [{ heading: 'What is wrong', text: problems.join('\n\n') }]),
    { heading: 'Orders', text: memoryLine(report), table: orderTable(report) },
    ...withTable('Ceilings', ceilingTable(report)),
    ...withTable('Overload', overloadTable(workloads)),
    ...withTable('Other figures', factTable(workloads)),
    ...withTable('CPU', cpuTable(workloads)),
    ...workloads.flatMap(curves),
  ];
  return renderPage({
    title: `Punctual bench, ${report.startedAt.slice(0, 16).replace('T', ' ')}`,
    subtitle: `${report.machine}; revision ${report.revision}; steps of ${report.seconds} s over ${report.connections} connections\n\n${report.durability}`,
    sections,
  });
}

function withTable(heading: string, table: Section['table']): Section[] {
  return table === undefined || table.rows.length === 0 ? [] : [{ heading, table }];
}

function curves({ id, name, orders }: WorkloadReport): Section[] {
  if (orders === undefined) return [];
  const steps = orders.steps.toSorted((a, b) => a.ratePerSecond - b.ratePerSecond);
  const series = (label: string, unit: string, value: (step: StepResult) => number) => ({
    label,
    unit,
    values: steps.map(value),
  });
  const search: Section[] =
    steps.length < 2
      ? []
      : [
          {
            heading: `${id} ${name}: latency over rate`,
            chart: {
              xLabel: 'orders/s asked for',
              xs: steps.map(({ ratePerSecond }) => ratePerSecond),
              series: [
                series('p50', 'ms', ({ load }) => load.accepted.p50Ms),
                series('p99', 'ms', ({ load }) => load.accepted.p99Ms),
                series('created to reserved p99', 'ms', ({ createdToReserved }) => createdToReserved.p99Ms),
              ],
            },
          },
        ];
  const named = [
    { step: orders.calm, about: 'the calm step' },
    { step: orders.overload, about: 'overload' },
  ];
  return [
    ...search,
    ...named.flatMap(({ step, about }) => (step === undefined ? [] : [overTime(`${id} ${name}: ${about}`, step)])),
  ];
}

function overTime(heading: string, { ratePerSecond, lag, load }: StepResult): Section {
  return {
    heading,
    text: `${ratePerSecond} orders/s; latencies by the second in which the request was due.`,
    chart: {
      xLabel: 'seconds',
      xs: lag.map(({ atMs }) => atMs / SECOND_MS),
      series: [
        {
          label: 'p99',
          unit: 'ms',
          values: lag.map(({ atMs }) => load.p99BySecondMs[Math.floor(atMs / SECOND_MS)] ?? null),
        },
        { label: 'oldest unreserved order', unit: 'ms', values: lag.map(({ reservationLagMs }) => reservationLagMs) },
        { label: 'outbox', unit: 'rows', axis: 'right', values: lag.map(({ outboxRows }) => outboxRows) },
      ],
    },
  };
}
