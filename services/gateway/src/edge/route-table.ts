import { z } from 'zod';

/** What the gateway answers itself; no upstream may claim these. */
export const PLATFORM_SEGMENTS: ReadonlySet<string> = new Set([
  'admin',
  'health',
  'metrics',
  'docs',
  'openapi.json',
  'asyncapi.json',
  'graphql',
]);

const PREFIX = /^(?:\/[A-Za-z0-9._~-]+)+$/;

const upstreamRoute = z.strictObject({
  /** The service by the name under which discovery knows it; names the upstream in limits, logs and metrics too. */
  name: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'a name in lower case such as order'),
  prefixes: z
    .array(
      z
        .string()
        .regex(PREFIX, 'a path such as /orders, without a trailing slash')
        .refine(
          (prefix) => !PLATFORM_SEGMENTS.has(prefix.split('/')[1] ?? ''),
          'a path that the gateway does not answer itself',
        ),
    )
    .min(1),
  timeoutMs: z.int().positive().optional(),
  rateLimit: z.strictObject({ perSecond: z.number().positive(), burst: z.int().positive() }).optional(),
});
export type UpstreamRoute = z.infer<typeof upstreamRoute>;

/** The whole routing table, from GATEWAY_ROUTES. */
export const routesSchema = z
  .array(upstreamRoute)
  .min(1)
  .refine((routes) => isUnique(routes.map((route) => route.name)), 'every name once')
  .refine((routes) => isUnique(routes.flatMap((route) => route.prefixes)), 'every prefix once');

export type RouteTable<T> = {
  /** What owns the path with these segments: the longest prefix wins. Undefined when nobody does. */
  find(segments: readonly string[]): T | undefined;
};

/** Prefixes match whole segments: `/orders` owns `/orders/5` and not `/ordersheet`. */
export function createRouteTable<T>(entries: readonly { prefixes: readonly string[]; value: T }[]): RouteTable<T> {
  const byFirstSegment = new Map<string, { segments: string[]; value: T }[]>();
  for (const { prefixes, value } of entries) {
    for (const prefix of prefixes) {
      const segments = prefix.slice(1).split('/');
      const first = segments[0] ?? '';
      const candidates = [...(byFirstSegment.get(first) ?? []), { segments, value }];
      byFirstSegment.set(
        first,
        candidates.sort((a, b) => b.segments.length - a.segments.length),
      );
    }
  }
  return {
    find(segments) {
      const candidates = byFirstSegment.get(segments[0] ?? '');
      return candidates?.find((candidate) => startsWith(segments, candidate.segments))?.value;
    },
  };
}

function startsWith(segments: readonly string[], prefix: readonly string[]): boolean {
  return prefix.length <= segments.length && prefix.every((segment, index) => segments[index] === segment);
}

function isUnique(values: readonly string[]): boolean {
  return new Set(values).size === values.length;
}
