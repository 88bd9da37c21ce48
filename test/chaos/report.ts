import { type Chart, renderPage, type Section, type Series } from '@punctual/report';
import type { RunRecord, Sample } from './history.ts';
import { bySecond } from './statistics.ts';
import { faultTable, operationTable, seconds, verdictTable } from './tables.ts';
import type { History, Verdict } from './types.ts';

export type ReportInput = {
  readonly run: RunRecord;
  readonly history: History;
  readonly samples: readonly Sample[];
  readonly verdicts: readonly Verdict[];
  readonly problems: readonly string[];
  readonly replay: string;
};

/** One page that shows the whole run: what struck, what customers saw of it, what piled up, and what held. */
export function renderReport({ run, history, samples, verdicts, problems, replay }: ReportInput): string {
  const broken = verdicts.filter(({ holds }) => !holds);
  const sum = (pick: (verdict: Verdict) => number) => verdicts.reduce((total, verdict) => total + pick(verdict), 0);
  const outcome =
    broken.length === 0
      ? `All ${verdicts.length} invariants hold: nothing lost, duplicated or unexpected.`
      : `BROKEN: ${broken.map(({ invariant }) => invariant).join(', ')}.`;
  const totals = `${history.operations.length} operations of customers under ${history.faults.length} faults; lost ${sum(
    ({ counts }) => counts.lost,
  )}, duplicated ${sum(({ counts }) => counts.duplicated)}, unexpected ${sum(({ counts }) => counts.unexpected)}.`;
  const rest =
    history.quiescedMs === null
      ? 'The platform did NOT come to rest.'
      : `The platform was at rest ${seconds(history.quiescedMs)} after the load had ended.`;
  const findings = broken.flatMap(({ invariant, findings: all }) => all.map((finding) => [invariant, finding]));
  const sections: Section[] = [
    { heading: 'What held', text: `${outcome}\n\n${totals} ${rest}`, table: verdictTable(verdicts) },
    ...(findings.length === 0
      ? []
      : [{ heading: 'What broke it', table: { columns: ['', 'finding'], rows: findings } }]),
    ...(problems.length === 0
      ? []
      : [{ heading: 'Trouble of the run itself', table: { columns: ['what'], rows: problems.map((text) => [text]) } }]),
    ...timeline(history, samples),
    {
      heading: 'Faults',
      text: 'Recovered: an order was accepted again and every lag was small again, counted from the end of healing.',
      table: faultTable(history.faults),
    },
    {
      heading: 'Operations',
      text: 'An attempt is one request; unknown outcomes are retried until known.',
      table: operationTable(history.operations),
    },
    { heading: 'Run it again', text: replay },
  ];
  const mode = run.sabotage === null ? '' : `, sabotaged: ${run.sabotage}`;
  return renderPage({
    title: 'Chaos run',
    subtitle: `seed ${run.seed}, ${run.minutes} min, ${run.rate} operations/s${mode} · ${new Date(history.startedAtMs).toISOString()} · ${run.revision}`,
    sections,
  });
}

function timeline(history: History, samples: readonly Sample[]): Section[] {
  const untilMs = Math.max(0, ...samples.map(({ atMs }) => atMs), ...history.operations.map(({ endedMs }) => endedMs));
  const points = bySecond(history.operations, untilMs);
  const bands = history.faults.map(({ name, target, struckMs, healedMs }) => ({
    from: struckMs / 1_000,
    to: healedMs / 1_000,
    label: `${name} ${target}`,
  }));
  const chart = (xs: readonly number[], series: readonly Series[]): Chart => ({
    xLabel: 'seconds since the run began',
    xs,
    series,
    bands,
  });
  const xs = points.map(({ atMs }) => atMs / 1_000);
  const sampleXs = samples.map(({ atMs }) => atMs / 1_000);
  const sampled = (label: string, unit: string, names: readonly string[], axis?: 'right'): Series => ({
    label,
    unit,
    values: samples.map(({ values }) => total(values, names)),
    ...(axis === undefined ? {} : { axis }),
  });
  const outboxes = ['auth', 'product', 'order', 'payment'];
  const groups = ['product', 'order-stock', 'order-product', 'order-payment', 'payment-order'];
  return [
    {
      heading: 'Throughput',
      text: 'Operations by the second in which their outcome was known. Shaded: from the strike of a fault to the end of its healing; drag over a part to read all names.',
      chart: chart(xs, [
        { label: 'ok', unit: '/s', values: points.map(({ ok }) => ok) },
        { label: 'refused', unit: '/s', values: points.map(({ failed }) => failed) },
        { label: 'unknown', unit: '/s', values: points.map(({ unknown }) => unknown) },
      ]),
    },
    {
      heading: 'Latency',
      text: 'From the first attempt to the known outcome, retries included.',
      chart: chart(xs, [
        { label: 'p50', unit: 'ms', values: points.map(({ p50Ms }) => p50Ms) },
        { label: 'p99', unit: 'ms', values: points.map(({ p99Ms }) => p99Ms) },
      ]),
    },
    {
      heading: 'Outboxes and consumers',
      text: 'Rows that wait to be published, and records that wait to be consumed. A gap: the server could not be asked.',
      chart: chart(sampleXs, [
        sampled(
          'outbox rows',
          'rows',
          outboxes.map((name) => `outbox ${name}`),
        ),
        sampled(
          'Kafka lag',
          'records',
          groups.map((name) => `kafka ${name}`),
        ),
        sampled(
          'oldest outbox row',
          's',
          outboxes.map((name) => `outbox age ${name}`),
          'right',
        ),
      ]),
    },
    {
      heading: 'Timers, queues, payments',
      chart: chart(sampleXs, [
        sampled('timers overdue', 'timers', ['timers overdue']),
        sampled('mail queue', 'messages', ['queue mail']),
        sampled('due timers queue', 'messages', ['queue timers']),
        sampled('payments open', 'payments', ['payments open']),
        sampled('replica lag', 's', ['replica lag'], 'right'),
      ]),
    },
  ];
}

/** Null when a part is: a sum without it would look like a recovery. */
function total(values: Sample['values'], names: readonly string[]): number | null {
  let sum = 0;
  for (const name of names) {
    const value = values[name];
    if (value === null || value === undefined) return null;
    sum += value;
  }
  return sum;
}
