import { z } from 'zod';
import { instant, wholeNumberText } from '../primitives.ts';
import { defineRoute } from '../route.ts';

const MAX_AUDIT = 1_000;

/** One of the settings that can be changed while services run. `value` is as it was written, null while the default holds. */
export const setting = z.object({
  key: z.string(),
  about: z.string(),
  default_from: z.string(),
  value: z.unknown(),
  revision: z.string(),
});
export type SettingView = z.infer<typeof setting>;

/** One change: `from` and `to` are null where the default holds. */
export const settingChange = z.object({
  who: z.string(),
  when: instant,
  key: z.string(),
  from: z.unknown(),
  to: z.unknown(),
});

const byKey = z.strictObject({ key: z.string().regex(/^[a-z_]+(?:\.[a-z_]+)*$/, 'must be the key of a setting') });
const tag = 'admin';
const ifMatch = {
  'if-match': { description: 'The ETag of the value that is to be changed; any when absent', required: false },
} as const;

export const listSettings = defineRoute({
  id: 'listSettings',
  method: 'get',
  path: '/admin/config',
  tag,
  summary: 'Every setting that can be changed while services run',
  access: 'admin',
  success: { status: 200, schema: z.array(setting) },
  errors: ['UNAUTHENTICATED', 'FORBIDDEN', 'UNAVAILABLE'],
});

export const listSettingChanges = defineRoute({
  id: 'listSettingChanges',
  method: 'get',
  path: '/admin/config/audit',
  tag,
  summary: 'The latest changes of settings, latest first: who, when, what',
  access: 'admin',
  query: z.strictObject({ limit: wholeNumberText(100, MAX_AUDIT) }),
  success: { status: 200, schema: z.array(settingChange) },
  errors: ['VALIDATION_FAILED', 'UNAUTHENTICATED', 'FORBIDDEN', 'UNAVAILABLE'],
});

export const changeSetting = defineRoute({
  id: 'changeSetting',
  method: 'put',
  path: '/admin/config/:key',
  tag,
  summary: 'Change a setting; every service takes it up within a second, or keeps what it had when it is not valid',
  access: 'admin',
  params: byKey,
  body: z
    .strictObject({ value: z.unknown() })
    .refine(({ value }) => value !== undefined, { path: ['value'], message: 'is required' })
    .meta({ example: { value: { per_second: 100, burst: 200 } } }),
  headers: ifMatch,
  success: { status: 200, schema: setting },
  errors: ['VALIDATION_FAILED', 'UNAUTHENTICATED', 'FORBIDDEN', 'NOT_FOUND', 'VERSION_CONFLICT', 'UNAVAILABLE'],
});

export const unsetSetting = defineRoute({
  id: 'unsetSetting',
  method: 'delete',
  path: '/admin/config/:key',
  tag,
  summary: 'Take a setting back to its default',
  access: 'admin',
  params: byKey,
  headers: ifMatch,
  success: { status: 200, schema: setting },
  errors: ['VALIDATION_FAILED', 'UNAUTHENTICATED', 'FORBIDDEN', 'NOT_FOUND', 'VERSION_CONFLICT', 'UNAVAILABLE'],
});

export const adminRoutes = [listSettings, listSettingChanges, changeSetting, unsetSetting];
