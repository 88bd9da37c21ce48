import type { Route } from '@punctual/contracts';
import type { Request } from 'express';
import { z } from 'zod';
import { type FieldProblem, validationFailed } from './app-error.ts';
import type { ReadBody } from './body.ts';
import { parseQuery } from './query.ts';
import { unsafeText } from './text-safety.ts';
import { maxProblems, problemsOf } from './validation.ts';

type ParsedInput = { params: unknown; query: unknown; body: unknown };

/** Escapes can spell NUL, lone surrogates and `__proto__`; a body without them cannot carry any of the three. */
const suspiciousBody = /\\u|__proto__/;
const noQuery = z.strictObject({});
/** A route without a body lets an empty object pass, which many clients send, but nothing that it would ignore. */
const noBody = z.strictObject({}).optional();
const emptyQuery: Readonly<Record<string, string>> = Object.freeze({});

/**
 * Makes the function that checks params, query and body against the contract and returns them typed.
 * It throws one 400 with the problems of all three, so that a client can repair its request in one go.
 */
export function createInputParser(contract: Route): (req: Request, read: ReadBody) => ParsedInput {
  const paramsSchema = contract.params;
  const querySchema = contract.query ?? noQuery;
  const bodySchema = contract.body ?? noBody;
  const parsesBody = contract.method !== 'get';
  const bodyRequired = contract.body !== undefined && !contract.body.safeParse(undefined).success;

  return function parseInput(req, read) {
    const problems: FieldProblem[] = [];
    const parsed: ParsedInput = { params: undefined, query: undefined, body: undefined };

    if (paramsSchema !== undefined) {
      if (req.url.includes('%')) problems.push(...unsafeText(req.params, ''));
      parsed.params = check(paramsSchema, req.params, 'params', problems);
    }
    const queryStart = req.url.indexOf('?');
    const query = queryStart === -1 ? emptyQuery : parseQuery(req.url.slice(queryStart + 1), problems);
    parsed.query = check(querySchema, query, 'query', problems);

    if (read !== undefined && suspiciousBody.test(read.text)) problems.push(...unsafeText(read.value, ''));
    if (read === undefined && bodyRequired) problems.push({ field: 'body', message: 'a JSON object is required' });
    else if (parsesBody) parsed.body = check(bodySchema, read?.value, 'body', problems);

    if (problems.length > 0) throw validationFailed(distinct(problems).slice(0, maxProblems));
    return parsed;
  };
}

/** Two checks may find the same fault. */
function distinct(problems: FieldProblem[]): FieldProblem[] {
  const byText = new Map(problems.map((problem) => [`${problem.field}\n${problem.message}`, problem]));
  return [...byText.values()];
}

function check(
  schema: z.ZodType,
  value: unknown,
  source: 'params' | 'query' | 'body',
  problems: FieldProblem[],
): unknown {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  problems.push(...problemsOf(result.error, source));
  return undefined;
}
