/**
 * Marks in a text what a search was for, when no search engine does it: equal words, words that begin so, and words with as
 * many typing errors as their length allows. What comes out is HTML.
 */

const WORD = /[\p{L}\p{N}]+/gu;
const MAX_WORDS = 10;
const MAX_EXCERPT = 160;
/** Typing errors that a word of at least so many letters may have, as OpenSearch's fuzziness AUTO has them. */
const ONE_ERROR_FROM = 3;
const TWO_ERRORS_FROM = 6;
const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#x27;',
};

/** The words of a text in lower case, each once, ten at most. */
export function wordsOf(text: string): string[] {
  return [...new Set(text.toLowerCase().match(WORD) ?? [])].slice(0, MAX_WORDS);
}

export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ESCAPES[character] ?? character);
}

export function highlight(text: string, words: readonly string[]): string {
  let html = '';
  let end = 0;
  for (const { 0: word, index } of text.matchAll(WORD)) {
    if (!words.some((wanted) => isMeant(word.toLowerCase(), wanted))) continue;
    html += `${escapeHtml(text.slice(end, index))}<em>${escapeHtml(word)}</em>`;
    end = index + word.length;
  }
  return html + escapeHtml(text.slice(end));
}

/** The part of a long text around its first match, or its beginning. */
export function excerpt(text: string, words: readonly string[]): string {
  if (text.length <= MAX_EXCERPT) return text;
  const match = [...text.matchAll(WORD)].find(({ 0: word }) =>
    words.some((wanted) => isMeant(word.toLowerCase(), wanted)),
  );
  const start = Math.max(0, Math.min((match?.index ?? 0) - MAX_EXCERPT / 4, text.length - MAX_EXCERPT));
  // Not in the middle of a character that takes two places.
  return text
    .slice(start, start + MAX_EXCERPT)
    .replace(/^[\uDC00-\uDFFF]/, '')
    .replace(/[\uD800-\uDBFF]$/, '');
}

function isMeant(word: string, wanted: string): boolean {
  if (word.startsWith(wanted)) return true;
  const allowed = wanted.length >= TWO_ERRORS_FROM ? 2 : wanted.length >= ONE_ERROR_FROM ? 1 : 0;
  return Math.abs(word.length - wanted.length) <= allowed && typingErrors(word, wanted) <= allowed;
}

/** Letters that are missing, too many, wrong, or exchanged with their neighbour. */
function typingErrors(a: string, b: string): number {
  let twoBack: number[] = [];
  let before = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const isSame = a[row - 1] === b[column - 1];
      let least = Math.min(
        (before[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (before[column - 1] ?? 0) + (isSame ? 0 : 1),
      );
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        least = Math.min(least, (twoBack[column - 2] ?? 0) + 1);
      }
      current.push(least);
    }
    twoBack = before;
    before = current;
  }
  return before[b.length] ?? 0;
}
