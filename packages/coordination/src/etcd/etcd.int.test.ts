import assert from 'node:assert/strict';
import { createMetrics, silentLogger } from '@punctual/telemetry';
import { eventually, tcpProxy } from '@punctual/testing';
import { type EtcdServer, etcdCluster, etcdServer } from '../../test/etcd-server.ts';
import { connectEtcd, type Etcd } from './etcd.ts';
import type { Snapshot } from './snapshot.ts';

const CALLS = 30;
const RECONNECT_LIMIT_MS = 5_000;

describe('an etcd of three members', function () {
  this.timeout(90_000);
  let members: EtcdServer[];
  let etcd: Etcd;

  before(async () => {
    members = await etcdCluster(3);
    await Promise.all(members.map((member) => member.start()));
    etcd = connectEtcd({
      endpoints: members.map(({ endpoint }) => endpoint),
      logger: silentLogger(),
      metrics: createMetrics('test'),
    });
  });
  after(async () => {
    etcd.close();
    await Promise.all(members.map((member) => member.remove()));
  });

  for (const victim of [0, 1, 2]) {
    it(`fails no call and misses no change while member ${victim} is away`, async () => {
      const prefix = `/away-${victim}/`;
      let latest: Snapshot | undefined;
      const watch = etcd.watch(prefix, (snapshot) => {
        latest = snapshot;
      });
      await eventually(() => assert.ok(latest));
      const lease = await etcd.grantLease(60);

      await members[victim]?.kill();
      // Whichever member is gone, the others have agreed on a leader when one of them takes a write.
      await eventually(() => etcd.write([{ put: `${prefix}first`, value: '1' }]), { timeoutMs: 15_000 });
      for (let call = 0; call < CALLS; call += 1) {
        assert.equal(await etcd.write([{ put: `${prefix}${call}`, value: '1', lease }]), true);
        assert.equal((await etcd.list(prefix)).entries.length, call + 2);
        assert.equal(await etcd.keepLeaseAlive(lease), true);
      }
      await eventually(() => assert.equal(latest?.entries.length, CALLS + 1));

      await members[victim]?.start();
      await etcd.revokeLease(lease);
      await eventually(() => assert.equal(latest?.entries.length, 1));
      watch.close();
    });
  }
});

/** packages/testing loads packages/grpc, as services do, and with it the time limit of an attempt to connect. */
describe('an etcd at an address where nobody answered', function () {
  this.timeout(60_000);

  it('is connected to anew, since what was silent then stays silent', async () => {
    const server = await etcdServer();
    await server.start();
    let connections = 0;
    const proxy = await tcpProxy(`tcp://${server.endpoint}`, {
      inspect() {
        connections += 1;
        const isLost = connections === 1;
        return { toServer: (chunk) => (isLost ? undefined : chunk) };
      },
    });
    const etcd = connectEtcd({
      endpoints: [`127.0.0.1:${proxy.port}`],
      logger: silentLogger(),
      metrics: createMetrics('test'),
    });
    try {
      await eventually(() => etcd.list('/'), { timeoutMs: RECONNECT_LIMIT_MS });
      assert.ok(connections > 1);
    } finally {
      etcd.close();
      await proxy.stop();
      await server.remove();
    }
  });
});
