import assert from 'node:assert/strict';
import { cpuBetween, groupOf } from './processes.ts';

describe('groups of processes', () => {
  const cases: readonly [string, string, string][] = [
    ['node --max-old-space-size=192 /app/services/order/src/main.ts all', '/app', 'order'],
    ['postgres: bench: bench_order bench_order 127.0.0.1(42252) idle', '/data/postgres/primary', 'postgres order'],
    [
      'postgres: bench-a: bench-a_order bench-a_order 127.0.0.1(42252) COMMIT',
      '/data/postgres/primary',
      'postgres order',
    ],
    ['postgres: bench: walwriter ', '/data/postgres/primary', 'postgres (writers)'],
    [
      'postgres: bench: startup recovering 000000010000000000000003',
      '/data/postgres/postgres-replica',
      'postgres replica',
    ],
    ['pgpool: bench_order bench_order 127.0.0.1(42252) idle', '/', 'pgpool'],
    ['/usr/bin/java -Xmx256m kafka.Kafka', '/', 'kafka'],
    ['/usr/sbin/haproxy -f haproxy.cfg', '/', 'haproxy'],
  ];
  for (const [commandLine, folder, expected] of cases) {
    it(`call ${commandLine.slice(0, 50)} ${expected}`, () => assert.equal(groupOf({ commandLine, folder }), expected));
  }

  it('share out the time between two looks, with what ended meanwhile in its parent', () => {
    const before = new Map([
      [1, { parent: 0, cpuMs: 100, group: 'postgres (writers)' }],
      [2, { parent: 1, cpuMs: 50, group: 'postgres order' }],
    ]);
    const after = new Map([
      [1, { parent: 0, cpuMs: 190, group: 'postgres (writers)' }],
      [3, { parent: 1, cpuMs: 5, group: 'postgres order' }],
    ]);
    assert.deepEqual(cpuBetween(before, after), { 'postgres (writers)': 40, 'postgres order': 5 });
  });
});
