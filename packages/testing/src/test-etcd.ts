import { servers } from './servers.ts';
import { testName } from './test-name.ts';

/** The stack's etcd, and a prefix of a test file's own in it. */
export type TestEtcd = { readonly endpoints: readonly string[]; readonly prefix: string };

export function testEtcd(label: string): TestEtcd {
  return { endpoints: servers().etcd.endpoints, prefix: `/${testName(label)}` };
}
