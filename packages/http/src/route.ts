import type { Access, Paging, Route } from '@punctual/contracts';
import type { Request, RequestHandler, Response } from 'express';
import type { z } from 'zod';
import { forbidden } from './app-error.ts';
import { createAuthenticator } from './authenticate.ts';
import { createBodyReader } from './body.ts';
import { createInputParser } from './input.ts';
import { requestState } from './request-state.ts';
import { type Reply, writeResult } from './respond.ts';
import type { Identity, Verifier } from './verifier.ts';

export type HandlerInput<
  Params extends z.ZodType,
  Query extends z.ZodType,
  Body extends z.ZodType,
  Caller extends Access,
> = {
  params: z.output<Params>;
  query: z.output<Query>;
  body: z.output<Body>;
  /** Who asks; undefined on public routes, where a token is not even looked at. */
  identity: Caller extends 'public' ? undefined : Identity;
  headers: Request['headers'];
  req: Request;
  res: Response;
};

/**
 * What a handler returns: the data; for a list `{data, paging}`; a `reply` with its own status or headers;
 * nothing for 204, or when it has answered through `res` itself.
 */
export type HandlerResult<Success extends z.ZodType> =
  | z.input<Success>
  | { data: z.input<Success>[]; paging: Paging }
  | Reply<z.input<Success> | z.input<Success>[]>
  | undefined;

/** What exists once per app and every route needs. */
export type RouteRuntime = { verifier: Verifier | undefined; bodyLimitBytes: number };

/** A contract joined with its handler, for `createHttpApp`. */
export type MountedRoute = { readonly contract: Route; mount(runtime: RouteRuntime): RequestHandler };

/** Joins a contract with the function that answers it. Identity and the whole input are checked before `fn` runs. */
export function handle<
  Params extends z.ZodType,
  Query extends z.ZodType,
  Body extends z.ZodType,
  Success extends z.ZodType,
  Caller extends Access,
>(
  contract: Route<Params, Query, Body, Success, Caller>,
  fn: (
    input: HandlerInput<Params, Query, Body, Caller>,
  ) => HandlerResult<Success> | Promise<HandlerResult<Success>> | Promise<void>,
): MountedRoute {
  return {
    contract,
    mount(runtime) {
      const authenticate = contract.access === 'public' ? undefined : createAuthenticator(runtime.verifier, contract);
      const readBody = contract.method === 'get' ? undefined : createBodyReader(runtime.bodyLimitBytes);
      const parseInput = createInputParser(contract);
      const adminOnly = contract.access === 'admin';
      const successStatus = contract.success.status;
      const isList = contract.list === true;

      return async function serve(req, res) {
        let identity: Identity | undefined;
        if (authenticate !== undefined) {
          identity = await authenticate(req);
          const state = requestState(res);
          if (state !== undefined) state.userId = identity.userId;
          if (adminOnly && identity.role !== 'admin') throw forbidden('Only an administrator may do this.');
        }
        const input = parseInput(req, readBody === undefined ? undefined : await readBody(req));
        const result: unknown = await fn({
          params: input.params,
          query: input.query,
          body: input.body,
          identity,
          headers: req.headers,
          req,
          res,
        } as HandlerInput<Params, Query, Body, Caller>);
        writeResult(res, result, successStatus, isList);
      };
    },
  };
}
