import type { MountedRoute } from './route.ts';

/** One address of a route: its contract's path or an alias. */
type TableEntry = {
  path: string;
  mounted: MountedRoute;
  /** Fixed paths of other routes that this one's parameters would match: `/orders/pay` for `/orders/:id`. */
  notFor: ReadonlySet<string>;
};

export type RouteTable = {
  /** Fixed segments before parameters, so that `/orders/pay` is never taken for an id. */
  routes: TableEntry[];
  /** The methods that answer at a concrete path, for Allow; empty when the path is unknown. */
  methodsOf(path: string): string[];
};

/** Orders the routes and refuses two that answer the same method and path. */
export function createRouteTable(mountedRoutes: readonly MountedRoute[]): RouteTable {
  const routes: Omit<TableEntry, 'notFor'>[] = [];
  const seen = new Set<string>();
  for (const mounted of mountedRoutes) {
    for (const path of [mounted.contract.path, ...(mounted.contract.aliases ?? [])]) {
      const key = `${mounted.contract.method} ${path.replaceAll(/:\w+/g, ':')}`;
      if (seen.has(key)) throw new Error(`two routes answer ${mounted.contract.method.toUpperCase()} ${path}`);
      seen.add(key);
      routes.push({ path, mounted });
    }
  }
  routes.sort((a, b) => compareSpecificity(a.path, b.path));
  const fixed = [...new Set(routes.map(({ path }) => path))].filter((path) => !path.includes(':'));

  return {
    routes: routes.map((route) => ({
      ...route,
      notFor: new Set(fixed.filter((path) => path !== route.path && matches(splitPath(route.path), splitPath(path)))),
    })),
    methodsOf(path) {
      const segments = splitPath(path);
      const owner = fixed.find((each) => matches(splitPath(each), segments));
      const methods = new Set<string>();
      for (const route of routes) {
        if (owner === undefined ? !matches(splitPath(route.path), segments) : route.path !== owner) continue;
        const method = route.mounted.contract.method.toUpperCase();
        methods.add(method);
        if (method === 'GET') methods.add('HEAD');
      }
      if (methods.size > 0) methods.add('OPTIONS');
      return [...methods].sort();
    },
  };
}

function splitPath(path: string): string[] {
  return path.split('/').filter((segment) => segment !== '');
}

function matches(template: readonly string[], segments: readonly string[]): boolean {
  if (template.length !== segments.length) return false;
  return template.every((part, index) => part.startsWith(':') || part === segments[index]);
}

function compareSpecificity(a: string, b: string): number {
  const left = splitPath(a);
  const right = splitPath(b);
  for (let index = 0; index < Math.min(left.length, right.length); index += 1) {
    const difference = Number(left[index]?.startsWith(':')) - Number(right[index]?.startsWith(':'));
    if (difference !== 0) return difference;
  }
  return 0;
}
