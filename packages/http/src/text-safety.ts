import type { FieldProblem } from './app-error.ts';
import { joinPath, maxProblems, printable } from './validation.ts';

/** Why a text cannot be stored: Postgres refuses NUL, and a lone surrogate has no UTF-8. Undefined when it can. */
export function textProblem(text: string): string | undefined {
  if (text.includes('\0')) return 'must not contain a NUL character';
  if (!text.isWellFormed()) return 'must not contain half of a surrogate pair';
  return undefined;
}

/** Finds every string (and key) below `value` that cannot be stored, and keys that would touch a prototype. */
export function unsafeText(value: unknown, path: string): FieldProblem[] {
  const problems: FieldProblem[] = [];
  visit(value, path, problems);
  return problems;
}

/** Recursion is safe here: the depth of a body was bounded before it was parsed. */
function visit(value: unknown, path: string, problems: FieldProblem[]): void {
  if (problems.length >= maxProblems) return;
  if (typeof value === 'string') {
    const message = textProblem(value);
    if (message !== undefined) problems.push({ field: path, message });
  } else if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) visit(value[index], joinPath(path, index), problems);
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, child] of Object.entries(value)) {
      const field = joinPath(path, printable(key));
      const message = key === '__proto__' ? 'is not a known field' : textProblem(key);
      if (message === undefined) visit(child, field, problems);
      else problems.push({ field, message });
    }
  }
}
