import type { Access } from '@punctual/contracts';

/** What this table needs of a contract. */
export type AccessRule = { method: string; path: string; aliases?: readonly string[]; access: Access };

export type AccessTable = {
  /**
   * Who may call, as the contract says. Undefined when no contract knows the method and path: the service then answers 404 or 405
   * itself. Services check again, so this only spares them requests that cannot succeed.
   */
  find(method: string, segments: readonly string[]): Access | undefined;
};

type Pattern = { segments: readonly string[]; access: Access };

/** Looks routes up by method and number of segments, then compares segment by segment; literals win over parameters. */
export function createAccessTable(rules: readonly AccessRule[]): AccessTable {
  const patterns = new Map<string, Pattern[]>();
  for (const rule of rules) {
    for (const path of [rule.path, ...(rule.aliases ?? [])]) {
      const segments = path.slice(1).split('/');
      const key = keyOf(rule.method.toUpperCase(), segments.length);
      const known = [...(patterns.get(key) ?? []), { segments, access: rule.access }];
      patterns.set(
        key,
        known.sort((a, b) => parameterCount(a) - parameterCount(b)),
      );
    }
  }
  return {
    find(method, segments) {
      const candidates = patterns.get(keyOf(method === 'HEAD' ? 'GET' : method, segments.length));
      return candidates?.find((pattern) => matches(pattern, segments))?.access;
    },
  };
}

function keyOf(method: string, segmentCount: number): string {
  return `${method} ${segmentCount}`;
}

function parameterCount(pattern: Pattern): number {
  return pattern.segments.filter((segment) => segment.startsWith(':')).length;
}

function matches(pattern: Pattern, segments: readonly string[]): boolean {
  return pattern.segments.every((part, index) => part === segments[index] || part.startsWith(':'));
}
