import { MAX_PAGE_SIZE } from '@punctual/contracts';
import type { Window } from '@punctual/contracts/grpc/common';
import { problemsOf, validationFailed } from '@punctual/http';
import type { z } from 'zod';

const DEFAULT_LIMIT = 20;
/** What lies deeper is for a filter to find. */
const MAX_OFFSET = 999_900;
const MAX_IDS = 1_000;

/**
 * Checks what a message says against the contract of the HTTP body that it corresponds to: the same rules, and the same
 * VALIDATION_FAILED when they are broken. Give `value` the names of that body.
 */
export function parseMessage<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw validationFailed(problemsOf(result.error, 'body'));
}

/** An id: proto3 has no required fields, so that one that is missing arrives as 0. */
export function parseId(value: number, field = 'id'): number {
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw validationFailed([{ field, message: 'must be a positive integer' }]);
}

/** Several ids, each once. */
export function parseIds(values: readonly number[], field = 'ids'): number[] {
  if (values.length > MAX_IDS) throw validationFailed([{ field, message: `must be at most ${MAX_IDS}` }]);
  return [...new Set(values.map((value, index) => parseId(value, `${field}[${index}]`)))];
}

/** The window of a list, its defaults filled in. */
export function parseWindow(window: Window | undefined): { limit: number; offset: number } {
  const { limit = DEFAULT_LIMIT, offset = 0 } = window ?? {};
  const problems = [
    ...(limit >= 1 && limit <= MAX_PAGE_SIZE
      ? []
      : [{ field: 'window.limit', message: `must be from 1 to ${MAX_PAGE_SIZE}` }]),
    ...(offset >= 0 && offset <= MAX_OFFSET
      ? []
      : [{ field: 'window.offset', message: `must be from 0 to ${MAX_OFFSET}` }]),
  ];
  if (problems.length > 0) throw validationFailed(problems);
  return { limit, offset };
}
