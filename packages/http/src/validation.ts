import type { z } from 'zod';
import type { FieldProblem } from './app-error.ts';

type Issue = z.core.$ZodIssue;

/** The most field problems that one answer lists. */
export const maxProblems = 20;

const maxNameLength = 100;

/** `items` + 0 + `quantity` → `items[0].quantity`. */
export function joinPath(path: string, key: PropertyKey): string {
  if (typeof key === 'number') return `${path}[${key}]`;
  return path === '' ? String(key) : `${path}.${String(key)}`;
}

/** A name that a client chose, fit to be told back to it. */
export function printable(key: string): string {
  return key.toWellFormed().replaceAll('\0', '\uFFFD').slice(0, maxNameLength);
}

/**
 * Turns what zod found into the API's `details`. `source` names the field when the problem is the whole value.
 * Each unknown key becomes a problem of its own; a union speaks with the branch that came closest.
 */
export function problemsOf(error: z.core.$ZodError, source: 'params' | 'query' | 'body'): FieldProblem[] {
  const problems: FieldProblem[] = [];
  for (const issue of error.issues) addIssue(problems, issue, '', source);
  return problems.slice(0, maxProblems);
}

function addIssue(problems: FieldProblem[], issue: Issue, base: string, source: string): void {
  let field = base;
  for (const key of issue.path) field = joinPath(field, key);
  if (issue.code === 'unrecognized_keys') {
    for (const key of issue.keys) {
      if (problems.length >= maxProblems) return;
      problems.push({ field: joinPath(field, printable(key)), message: 'is not a known field' });
    }
    return;
  }
  if (issue.code === 'invalid_union') {
    const closest = closestBranch(issue.errors);
    if (closest !== undefined) {
      for (const nested of closest) addIssue(problems, nested, field, source);
      return;
    }
  }
  problems.push({ field: field === '' ? source : field, message: issue.message });
}

/** The branch whose type fits, so that a wrong string is told about strings and not about numbers. */
function closestBranch(branches: readonly Issue[][]): Issue[] | undefined {
  const fitting = branches.filter((issues) => !issues.some((i) => i.code === 'invalid_type' && i.path.length === 0));
  return fitting.length === 1 ? fitting[0] : undefined;
}
