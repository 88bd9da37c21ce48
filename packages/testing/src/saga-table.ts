/**
 * Reads the tables of docs/saga.md, which is documentation and test data at once: every service's tests take its rows from there.
 * A table that cannot be trusted is refused as a whole: a word that the vocabulary does not have, a pair of state and event that is
 * missing or there twice, a column that is not known.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const SAGA_STATES = [
  'PENDING, stock pending',
  'PENDING, stock reserved',
  'PAID, unfulfilled',
  'PAID, confirmed',
  'PAID, shipped',
  'COMPLETED',
  'CANCELLED',
  'REFUNDED',
] as const;
export const SAGA_EVENTS = [
  'customer pays',
  'customer pays, declined',
  'customer pays, overdue',
  'customer cancels',
  'admin refunds',
  'admin: confirmed',
  'admin: shipped',
  'admin: delivered',
  'stock.reserved',
  'stock.rejected',
  'payment.success in time',
  'payment.success late',
  'payment.success of another',
  'payment.failed',
  'payment.refunded',
  'payment.refunded of another',
  'reminder due',
  'expiry due',
] as const;
const ENDS = ['CANCELLED CUSTOMER_CANCELLED', 'CANCELLED PAYMENT_EXPIRED', 'CANCELLED OUT_OF_STOCK'] as const;

/** The words that each column may have; `–` stands for none in the columns that hold lists. */
const VOCABULARY = {
  state: SAGA_STATES,
  event: SAGA_EVENTS,
  answer: ['–', '200', '409 ILLEGAL_TRANSITION', '409 STOCK_PENDING', '409 PAYMENT_FAILED'],
  next: ['same', ...SAGA_STATES.filter((state) => state !== 'CANCELLED'), ...ENDS],
  events: ['order.paid', 'order.cancelled', 'order.refunded', 'order.completed', 'order.status_changed'],
  mails: [
    'mail.order-confirmation',
    'mail.order-paid',
    'mail.order-cancelled',
    'mail.order-confirmed',
    'mail.order-shipped',
    'mail.order-delivered',
    'mail.payment-reminder',
    'mail.refund',
  ],
  timeline: [
    'stock.reserved',
    'order.paid',
    'order.cancelled',
    'order.refunded',
    'order.completed',
    'order.status_changed',
    'payment.failed',
    'payment.refunded',
    'timer.fired',
    'timer.skipped',
  ],
  timers: ['reminders and expiry', 'expiry', 'none'],
  money: ['none', 'held', 'kept', 'back', 'kept, other back'],
} as const satisfies Record<string, readonly string[]>;

const LISTS = ['events', 'mails', 'timeline'] as const;
const COLUMNS = Object.keys(VOCABULARY) as (keyof typeof VOCABULARY)[];
const NONE = '–';

export type SagaState = (typeof SAGA_STATES)[number];
export type SagaEvent = (typeof SAGA_EVENTS)[number];
export type SagaRow = {
  readonly state: SagaState;
  readonly event: SagaEvent;
  readonly answer: string;
  readonly next: string;
  readonly events: readonly string[];
  readonly mails: readonly string[];
  readonly timeline: readonly string[];
  readonly timers: string;
  readonly money: string;
};

/** The rows of docs/saga.md. Throws SagaTableError. */
export function sagaTable(): SagaRow[] {
  return parseSagaTable(readFileSync(join(import.meta.dirname, '../../../docs/saga.md'), 'utf8'));
}

/** What is wrong with the table, all of it. */
export class SagaTableError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`the saga's table is not sound:\n${problems.join('\n')}`);
    this.name = 'SagaTableError';
    this.problems = problems;
  }
}

/** Takes every Markdown table whose first column is `state`. Throws SagaTableError. */
export function parseSagaTable(markdown: string): SagaRow[] {
  const problems: string[] = [];
  const parsed: SagaRow[] = [];
  let isInside = false;
  for (const [index, line] of markdown.split('\n').entries()) {
    const cells = cellsOf(line);
    if (cells === undefined) isInside = false;
    else if (/^\| state +\|/.test(line)) {
      isInside = true;
      if (cells.join() !== COLUMNS.join())
        problems.push(`line ${index + 1}: the columns are not ${COLUMNS.join(', ')}`);
    } else if (isInside && !cells.every((cell) => /^:?-+:?$/.test(cell))) {
      const wrong = problemsOf(cells).map((problem) => `line ${index + 1}: ${problem}`);
      problems.push(...wrong);
      if (wrong.length === 0) parsed.push(rowOf(cells));
    }
  }
  problems.push(...problemsOfPairs(parsed));
  if (problems.length > 0) throw new SagaTableError(problems);
  return parsed;
}

function cellsOf(line: string): string[] | undefined {
  if (!line.startsWith('|')) return undefined;
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.replaceAll('`', '').trim());
}

function problemsOf(cells: readonly string[]): string[] {
  if (cells.length !== COLUMNS.length) return [`${cells.length} cells where ${COLUMNS.length} belong`];
  return COLUMNS.flatMap((column, index) => {
    const known: readonly string[] = VOCABULARY[column];
    return wordsOf(column, cells[index] ?? '')
      .filter((word) => !known.includes(word))
      .map((word) => `'${word}' is no word of the column ${column}`);
  });
}

function wordsOf(column: string, cell: string): string[] {
  if (!LISTS.some((list) => list === column)) return [cell];
  return cell === NONE ? [] : cell.split(', ');
}

/** Of cells whose words are known. */
function rowOf(cells: readonly string[]): SagaRow {
  const cellOf = (column: keyof typeof VOCABULARY): string => cells[COLUMNS.indexOf(column)] ?? '';
  const known = <T extends string>(words: readonly T[], word: string): T => {
    const found = words.find((one) => one === word);
    if (found === undefined) throw new SagaTableError([`'${word}' is not known`]);
    return found;
  };
  return {
    state: known(SAGA_STATES, cellOf('state')),
    event: known(SAGA_EVENTS, cellOf('event')),
    answer: cellOf('answer'),
    next: cellOf('next'),
    events: wordsOf('events', cellOf('events')),
    mails: wordsOf('mails', cellOf('mails')),
    timeline: wordsOf('timeline', cellOf('timeline')),
    timers: cellOf('timers'),
    money: cellOf('money'),
  };
}

function problemsOfPairs(rows: readonly SagaRow[]): string[] {
  return SAGA_STATES.flatMap((state) =>
    SAGA_EVENTS.flatMap((event) => {
      const found = rows.filter((row) => row.state === state && row.event === event).length;
      return found === 1 ? [] : [`${state} × ${event} has ${found} rows`];
    }),
  );
}

/** A row as the document writes it, for tests that compare what is with what is written. */
export function sagaLine(row: SagaRow): string {
  return COLUMNS.map((column) => {
    const cell = row[column];
    return typeof cell === 'string' ? cell : cell.join(', ') || NONE;
  }).join(' | ');
}
