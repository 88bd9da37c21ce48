import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import type { z } from 'zod';
import { ConfigError, type ConfigProblem } from './config-error.ts';
import { noteOf, type VariableNote } from './variables.ts';

const REDACTED = '***';
const MAX_SHOWN_LENGTH = 80;

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the variables named by the schema's keys. `X_FILE` names a file that holds the value of `X`. An empty value counts as
 * absent; variables that the schema does not know are ignored. The result is frozen deeply and prints without its secrets.
 * Throws one ConfigError that lists every bad variable.
 */
export function loadConfig<S extends z.ZodObject>(schema: S, env: Environment): z.infer<S> {
  const problems: ConfigProblem[] = [];
  const values: Record<string, string> = {};
  const unreadable = new Set<string>();
  for (const name of Object.keys(schema.shape)) {
    const read = readVariable(schema, env, name);
    if ('problem' in read) {
      problems.push(read.problem);
      unreadable.add(name);
    } else if (read.value !== undefined) values[name] = read.value;
  }
  const result = schema.safeParse(values);
  for (const issue of result.error?.issues ?? []) {
    const problem = describeIssue(schema, values, issue);
    if (!unreadable.has(problem.name)) problems.push(problem);
  }
  if (problems.length > 0 || !result.success) throw new ConfigError(problems);
  return deepFreeze(hideSecrets(schema, result.data));
}

type ReadVariable = { value: string | undefined } | { problem: ConfigProblem };

function readVariable(schema: z.ZodObject, env: Environment, name: string): ReadVariable {
  const value = nonEmpty(env[name]);
  const fileVariable = `${name}_FILE`;
  const file = fileVariable in schema.shape ? undefined : nonEmpty(env[fileVariable]);
  if (file === undefined) return { value };
  if (value !== undefined) {
    return { problem: { name, found: `both ${name} and ${fileVariable}`, expected: 'one of them' } };
  }
  try {
    return { value: nonEmpty(readFileSync(file, 'utf8').replace(/\r?\n$/, '')) };
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    return { problem: { name: fileVariable, found: `"${file}" (${reason})`, expected: 'a file that can be read' } };
  }
}

function nonEmpty(value: string | undefined): string | undefined {
  return value === undefined || value.trim() === '' ? undefined : value;
}

function describeIssue(schema: z.ZodObject, values: Record<string, string>, issue: z.core.$ZodIssue): ConfigProblem {
  const [variable, ...path] = issue.path.map(String);
  if (variable === undefined)
    return { name: '(together)', found: 'values that do not fit each other', expected: issue.message };
  const field = schema.shape[variable];
  const note = field === undefined ? {} : noteOf(field);
  return {
    name: [variable, ...path].join('.'),
    found: showText(values[variable], note),
    expected: path.length === 0 && note.expected !== undefined ? note.expected : expectation(issue.message),
  };
}

/** Zod's own messages read "Invalid input: expected string, received undefined"; only the middle belongs in the sentence. */
function expectation(message: string): string {
  return message.replace(/^.*?\bexpected /, '').replace(/, received .*$/, '');
}

function showText(value: string | undefined, note: VariableNote): string {
  if (value === undefined) return 'nothing';
  if (note.secret === true) return REDACTED;
  const safe = note.credentials === true ? withoutCredentials(value) : value;
  return JSON.stringify(safe.length > MAX_SHOWN_LENGTH ? `${safe.slice(0, MAX_SHOWN_LENGTH)}…` : safe);
}

/** Works on text that is no valid URL too, since a URL with a mistake in it still holds the password. */
function withoutCredentials(value: string): string {
  const at = value.lastIndexOf('@');
  if (at === -1) return value;
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//i.exec(value)?.[0] ?? '';
  return `${scheme}${REDACTED}${value.slice(at)}`;
}

function hideSecrets<T extends object>(schema: z.ZodObject, config: T): T {
  const redacted = (): Record<string, unknown> =>
    Object.fromEntries(Object.entries(config).map(([name, value]) => [name, redactValue(schema.shape[name], value)]));
  Object.defineProperty(config, 'toJSON', { value: redacted });
  Object.defineProperty(config, inspect.custom, { value: redacted });
  return config;
}

function redactValue(field: z.core.$ZodType | undefined, value: unknown): unknown {
  const note = field === undefined ? {} : noteOf(field);
  if (value === undefined) return value;
  if (note.secret === true) return REDACTED;
  return note.credentials === true && typeof value === 'string' ? withoutCredentials(value) : value;
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
