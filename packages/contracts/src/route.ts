import type { z } from 'zod';
import type { ErrorCode } from './errors.ts';
import type { AnswerHeader } from './openapi-answers.ts';

/** Who may call: anyone, a customer or admin with an access token, or an admin alone. */
export type Access = 'public' | 'user' | 'admin';

/** An HTTP header that the route reads, for the documentation. */
export type RouteHeader = {
  description: string;
  required: boolean;
  /** What is taken, as a regular expression. */
  pattern?: string;
};

/**
 * One HTTP operation as both sides see it: the service mounts it, the gateway documents it, the tests call it.
 * Paths are written as express writes them (`/orders/:id`) and have no prefix.
 * `success.schema` describes what stands inside `data`; a `list` answers `{data: schema[], paging}`, what `beside`
 * names stands beside those, and what `isBare` is not inside anything. `errors` are those of the route itself: what every route of its kind may answer (401, 413, 503, …) is added to the documents.
 */
export type Route<
  Params extends z.ZodType = z.ZodType,
  Query extends z.ZodType = z.ZodType,
  Body extends z.ZodType = z.ZodType,
  Success extends z.ZodType = z.ZodType,
  Caller extends Access = Access,
> = {
  id: string;
  method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  path: string;
  /** Other paths that mean the same operation. */
  aliases?: readonly string[];
  tag: string;
  summary: string;
  /** What the summary leaves open, for the documents. */
  description?: string;
  access: Caller;
  params?: Params;
  query?: Query;
  body?: Body;
  headers?: Readonly<Record<string, RouteHeader>>;
  success: { status: 200 | 201 | 202 | 204; schema?: Success; headers?: readonly AnswerHeader[]; isBare?: true };
  list?: boolean;
  beside?: Readonly<Record<string, z.ZodType>>;
  errors: readonly ErrorCode[];
};

/** Keeps the schemas' types, so that a handler's input and output are checked against the contract. */
export function defineRoute<
  Params extends z.ZodType,
  Query extends z.ZodType,
  Body extends z.ZodType,
  Success extends z.ZodType,
  Caller extends Access,
>(route: Route<Params, Query, Body, Success, Caller>): Route<Params, Query, Body, Success, Caller> {
  return route;
}
