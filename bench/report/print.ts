import type { BenchReport } from './model.ts';
import { ceilingTable, cpuTable, factTable, memoryLine, orderTable, overloadTable, renderText } from './tables.ts';

/** The report for a terminal. */
export function printedReport(report: BenchReport): string {
  const tables = [
    ceilingTable(report),
    orderTable(report),
    overloadTable(report.workloads),
    factTable(report.workloads),
    cpuTable(report.workloads),
  ];
  return [
    `machine     ${report.machine}\nrevision    ${report.revision}\ndurability  ${report.durability}\nmemory      ${memoryLine(report)}`,
    ...tables.flatMap((table) => (table === undefined || table.rows.length === 0 ? [] : [renderText(table)])),
    ...report.workloads.flatMap(({ id, problems }) => problems.map((problem) => `WRONG  ${id}: ${problem}`)),
  ].join('\n\n');
}
