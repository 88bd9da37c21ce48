import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { PAGE_STYLE } from './page-style.ts';

export type Series = {
  readonly label: string;
  /** Beside the numbers of its axis, such as `ms` or `orders/s`. */
  readonly unit: string;
  /** One value per x; null where nothing was measured. */
  readonly values: readonly (number | null)[];
  /** `left` when absent. */
  readonly axis?: 'left' | 'right';
};

export type Chart = {
  readonly xLabel: string;
  readonly xs: readonly number[];
  readonly series: readonly Series[];
  /** Spans along x that are shaded and named, such as the time a fault lasted. */
  readonly bands?: readonly { readonly from: number; readonly to: number; readonly label: string }[];
};

export type Table = {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
};

export type Section = {
  readonly heading: string;
  readonly text?: string;
  readonly table?: Table;
  readonly chart?: Chart;
};

/** A browser that obeys this asks nobody for anything, whatever a page is made to contain. */
const POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'";

const require = createRequire(import.meta.url);

/**
 * One HTML document that needs nothing but itself: no network, no other file. Every text is shown as it is given, markup
 * included; blank lines in `subtitle` and `text` part paragraphs. Throws a RangeError when a series has not one value per x,
 * or xs do not ascend.
 */
export function renderPage(page: { title: string; subtitle: string; sections: readonly Section[] }): string {
  const { title, subtitle, sections } = page;
  const contents = sections.map(({ heading }, index) => `<a href="#s${index}">${escaped(heading)}</a>`).join('\n');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="color-scheme" content="light dark">
<title>${escaped(title)}</title>
<style>${read(require.resolve('uplot/dist/uPlot.min.css'))}${PAGE_STYLE}</style>
</head>
<body>
<header><h1>${escaped(title)}</h1>${paragraphs(subtitle)}</header>
${sections.length > 2 ? `<nav>${contents}</nav>` : ''}
<main>
${sections.map(renderSection).join('\n')}
</main>
<script>${inScript(read(require.resolve('uplot/dist/uPlot.iife.min.js')))}</script>
<script>${inScript(read(new URL('charts.js', import.meta.url)))}</script>
</body>
</html>
`;
}

function renderSection({ heading, text, table, chart }: Section, index: number): string {
  return [
    `<section id="s${index}"><h2>${escaped(heading)}</h2>`,
    text === undefined ? '' : paragraphs(text),
    chart === undefined ? '' : renderChart(chart, heading),
    table === undefined ? '' : renderTable(table),
    '</section>',
  ].join('');
}

function renderChart(chart: Chart, heading: string): string {
  for (const { label, values } of chart.series) {
    if (values.length !== chart.xs.length) {
      throw new RangeError(`${heading}: ${values.length} values of "${label}" for ${chart.xs.length} points`);
    }
  }
  if (chart.xs.some((x, index) => index > 0 && x < (chart.xs[index - 1] ?? x))) {
    throw new RangeError(`${heading}: the points of a chart ascend along x`);
  }
  // JSON knows no NaN or infinity and writes null for them: a gap in the curve.
  const json = JSON.stringify(chart).replaceAll('<', '\\u003c');
  return `<figure class="chart"><div class="plot"></div><script type="application/json">${json}</script></figure>`;
}

function renderTable({ columns, rows }: Table): string {
  const numeric = columns.map((_, column) => rows.length > 0 && rows.every((row) => looksNumeric(row[column] ?? '')));
  const cell = (tag: string, value: string | number, column: number) =>
    `<${tag}${numeric[column] ? ' class="number"' : ''}>${escaped(String(value))}</${tag}>`;
  const head = columns.map((name, column) => cell('th', name, column)).join('');
  const body = rows.map((row) => `<tr>${row.map((value, column) => cell('td', value, column)).join('')}</tr>`);
  return `<div class="table"><table><thead><tr>${head}</tr></thead><tbody>${body.join('\n')}</tbody></table></div>`;
}

/** Figures, also with thousands separators and a unit, line up at the right; a dash stands for none. */
function looksNumeric(value: string | number): boolean {
  return typeof value === 'number' || /^(?:[-+×]?\d[\d.,]*\s?(?:[%×]|[A-Za-z/]{1,9})?|[–—-]|)$/.test(value);
}

function paragraphs(text: string): string {
  return text
    .split(/\n\s*\n/)
    .filter((paragraph) => paragraph.trim() !== '')
    .map((paragraph) => `<p>${escaped(paragraph.trim())}</p>`)
    .join('');
}

function escaped(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? character);
}

/** Nothing in a program may end the element that holds it. */
function inScript(program: string): string {
  return program.replaceAll(/<\/(script)/gi, '<\\/$1');
}

function read(file: string | URL): string {
  return readFileSync(file, 'utf8');
}
