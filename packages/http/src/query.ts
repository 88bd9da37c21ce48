import type { FieldProblem } from './app-error.ts';
import { textProblem } from './text-safety.ts';
import { printable } from './validation.ts';

const maxParameters = 50;

/**
 * Parses a query string (without `?`) into an object without prototype. Each key may come once; what is malformed,
 * doubled or unsafe is added to `problems` under its key.
 */
export function parseQuery(text: string, problems: FieldProblem[]): Record<string, string> {
  const query: Record<string, string> = Object.create(null);
  if (text === '') return query;
  const pairs = text.split('&', maxParameters + 1);
  if (pairs.length > maxParameters) {
    problems.push({ field: 'query', message: `has more than ${maxParameters} parameters` });
    return query;
  }
  for (const pair of pairs) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const rawKey = equals === -1 ? pair : pair.slice(0, equals);
    const key = decode(rawKey);
    const value = equals === -1 ? '' : decode(pair.slice(equals + 1));
    if (key === undefined) {
      problems.push({ field: 'query', message: 'has a name that is not valid percent-encoding' });
    } else if (value === undefined) {
      problems.push({ field: printable(key), message: 'is not valid percent-encoding' });
    } else if (key in query) {
      problems.push({ field: printable(key), message: 'must be given once' });
    } else {
      const unsafe = textProblem(key) ?? textProblem(value);
      if (unsafe !== undefined) problems.push({ field: printable(key), message: unsafe });
      query[key] = value;
    }
  }
  return query;
}

/** The same parser for Express's `req.query`, which code outside of contracts may read. */
export function parseQueryLeniently(text: string | null | undefined): Record<string, string> {
  return parseQuery(text ?? '', []);
}

function decode(text: string): string | undefined {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text;
  if (!spaced.includes('%')) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch {
    // Only a URIError can come; the caller names the parameter.
    return undefined;
  }
}
