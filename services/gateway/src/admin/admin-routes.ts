import { adminApi } from '@punctual/contracts';
import { EtcdUnavailable, SettingRefused, type SettingState, type SettingsDesk } from '@punctual/coordination';
import {
  conflict,
  handle,
  type MountedRoute,
  methodNotAllowed,
  notFound,
  reply,
  unavailable,
  type Verifier,
  validationFailed,
} from '@punctual/http';
import express, { type RequestHandler, type Router } from 'express';
import { requestState } from '../edge/request-state.ts';

const BODY_LIMIT_BYTES = 65_536;
const RETRY_AFTER_SECONDS = 1;
const ETAG = /^(?:W\/)?"(\d+)"$/;

/** Settings that can be changed while services run, for administrators. Without etcd there are none: 503. */
export function adminRouter({ desk, verifier }: { desk: SettingsDesk | undefined; verifier: Verifier }): Router {
  const router = express.Router({ caseSensitive: true });
  const handlers = settingsRoutes(desk);
  for (const route of handlers) {
    const { method, path } = route.contract;
    router[method](path, noteGateway, route.mount({ verifier, bodyLimitBytes: BODY_LIMIT_BYTES }));
  }
  for (const path of new Set(handlers.map(({ contract }) => contract.path))) {
    const methods = handlers
      .filter(({ contract }) => contract.path === path)
      .map(({ contract }) => contract.method.toUpperCase());
    router.all(path, noteGateway, () => {
      throw methodNotAllowed(methods);
    });
  }
  return router;
}

const noteGateway: RequestHandler = (_req, res, next) => {
  requestState(res).upstream = 'gateway';
  next();
};

function settingsRoutes(desk: SettingsDesk | undefined): MountedRoute[] {
  return [
    handle(adminApi.listSettings, () => ask((present) => present.list())),
    handle(adminApi.listSettingChanges, ({ query }) => ask((present) => present.audit(query.limit))),
    handle(adminApi.changeSetting, async ({ params, body, identity, headers }) =>
      answer(
        await ask((present) => present.set(params.key, body.value, changeOptions(identity.email, headers['if-match']))),
      ),
    ),
    handle(adminApi.unsetSetting, async ({ params, identity, headers }) =>
      answer(await ask((present) => present.unset(params.key, changeOptions(identity.email, headers['if-match'])))),
    ),
  ];

  async function ask<T>(question: (desk: SettingsDesk) => Promise<T>): Promise<T> {
    if (desk === undefined) throw unavailable('etcd', RETRY_AFTER_SECONDS);
    try {
      return await question(desk);
    } catch (error) {
      throw translated(error);
    }
  }
}

function answer(state: SettingState) {
  return reply({ headers: { etag: `"${state.revision}"` }, data: state });
}

function changeOptions(email: string, ifMatch: string | undefined) {
  if (ifMatch === undefined || ifMatch === '*') return { who: email };
  const revision = ETAG.exec(ifMatch)?.[1];
  if (revision === undefined) throw validationFailed([{ field: 'if-match', message: 'must be the ETag of a setting' }]);
  return { who: email, revision };
}

function translated(error: unknown): unknown {
  if (error instanceof EtcdUnavailable) return unavailable('etcd', RETRY_AFTER_SECONDS, error);
  if (!(error instanceof SettingRefused)) return error;
  switch (error.reason) {
    case 'unknown_key':
      return notFound('setting');
    case 'not_valid':
      return validationFailed([...error.problems], error.message);
    case 'changed_meanwhile':
      return conflict('VERSION_CONFLICT', error.message);
    default:
      return error.reason satisfies never;
  }
}
