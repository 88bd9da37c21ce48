/** System fonts and two palettes; the charts read theirs from here, so that both follow the reader's colour scheme. */
export const PAGE_STYLE = `
:root {
  --page: #fbfbfa; --card: #ffffff; --ink: #1c2126; --quiet: #5c6670; --line: #dfe3e6; --grid: #e9ecee; --band: 217 119 6;
  --series-0: #1d5fd1; --series-1: #c2410c; --series-2: #0f7b4f; --series-3: #8b2fb5;
  --series-4: #b0850a; --series-5: #0e7c94; --series-6: #b4235a; --series-7: #55606b;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171a; --card: #1c2024; --ink: #e6e9ec; --quiet: #9ba5af; --line: #343a40; --grid: #2a2f34; --band: 245 158 11;
    --series-0: #6ea8ff; --series-1: #ff9357; --series-2: #4ec98f; --series-3: #cf8bf3;
    --series-4: #e6c04a; --series-5: #4fc3dc; --series-6: #f0719c; --series-7: #a7b1bb;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, "Segoe UI", Roboto, sans-serif; }
header, nav, main { max-width: 1180px; margin: 0 auto; padding: 0 24px; }
header { padding-top: 32px; }
h1 { margin: 0 0 8px; font-size: 30px; line-height: 1.2; letter-spacing: -0.01em; }
h2 { margin: 0 0 12px; font-size: 20px; line-height: 1.3; }
p { max-width: 80ch; margin: 0 0 12px; white-space: pre-line; overflow-wrap: anywhere; }
header p { color: var(--quiet); }
nav { display: flex; flex-wrap: wrap; gap: 4px 18px; padding-top: 8px; }
a { color: var(--series-0); text-underline-offset: 3px; }
section { margin: 24px 0; padding: 20px 24px; background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
.table { overflow-x: auto; }
table { width: auto; min-width: 50%; border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums; }
section th, section td { padding: 6px 14px 6px 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
.table th { color: var(--quiet); font-weight: 600; white-space: nowrap; }
.table th.number, .table td.number { text-align: right; white-space: nowrap; }
.table tbody tr:last-child td { border-bottom: 0; }
figure { margin: 0 0 16px; }
.u-legend { color: var(--ink); font-size: 13px; text-align: left; }
.u-legend th, .u-legend td { border: 0; padding: 2px 6px 2px 0; }
.u-legend .u-marker { border-radius: 2px; }
.uplot { font-family: inherit; }
.u-select { background: color-mix(in srgb, var(--ink) 12%, transparent); }
@media print { section { break-inside: avoid; } nav { display: none; } }
`;
