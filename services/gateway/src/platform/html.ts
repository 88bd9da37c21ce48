/** HTML that needs no more escaping. */
export type Html = string;

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

export const escaped = (text: string): Html => text.replaceAll(/[&<>"]/g, (character) => ESCAPES[character] ?? '');

/** Text whose `code` is in backticks. */
export const prose = (text: string): Html => escaped(text).replaceAll(/`([^`]+)`/g, '<code>$1</code>');

export const code = (text: string): Html => `<code>${escaped(text)}</code>`;

export function details(summary: string, content: Html): Html {
  return `<details><summary>${escaped(summary)}</summary>${content}</details>`;
}

export function table(head: readonly string[], rows: readonly (readonly Html[])[]): Html {
  const cells = (tag: 'th' | 'td', texts: readonly Html[]) => texts.map((text) => `<${tag}>${text}</${tag}>`).join('');
  const body = rows.map((row) => `<tr>${cells('td', row)}</tr>`).join('');
  return `<table><thead><tr>${cells('th', head)}</tr></thead><tbody>${body}</tbody></table>`;
}
