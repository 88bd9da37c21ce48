import { z } from 'zod';
import type { Instance } from './resolver.ts';

const address = z.string().regex(/^[^\s:/]+:\d{1,5}$/);

/** What an instance says of itself in etcd. Fields that a later version adds are ignored. */
export const instanceRecord = z.object({
  http: address,
  grpc: address.optional(),
  version: z.string(),
  started_at: z.iso.datetime(),
});
export type InstanceRecord = z.infer<typeof instanceRecord>;

/** Where the instances of a service stand, one key each. */
export function serviceFolder(prefix: string, service: string): string {
  return `${prefix}/services/${service}/`;
}

/** Undefined for what is no such record. */
export function parseInstance(text: string): Instance | undefined {
  const parsed = instanceRecord.safeParse(parseJson(text));
  return parsed.success ? { http: parsed.data.http, grpc: parsed.data.grpc } : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
