import assert from 'node:assert/strict';
import { createMetrics, silentLogger } from '@punctual/telemetry';
import { eventually } from '@punctual/testing';
import { type EtcdServer, etcdCluster } from '../../test/etcd-server.ts';
import { createRegistration } from '../discovery/registration.ts';
import { connectEtcd, type Etcd } from './etcd.ts';
import type { Snapshot } from './snapshot.ts';

const CALLS = 30;
/** Two shares of a call's time: none of the calls may come to the frozen member twice. */
const PASS_OVER_LIMIT_MS = 2_000;
const NEWS_LIMIT_MS = 5_000;
/** Twice the lease of a registration. */
const WITNESS_TTL_SECONDS = 6;
const logger = silentLogger();

/** A frozen member keeps its connections and says nothing, which no error tells. */
describe('an etcd of which a member is frozen', function () {
  this.timeout(90_000);
  let members: EtcdServer[];
  const etcds: Etcd[] = [];

  before(async () => {
    members = await etcdCluster(3);
    await Promise.all(members.map((member) => member.start()));
  });
  afterEach(async () => {
    for (const member of members) member.signal('SIGCONT');
    for (const etcd of etcds.splice(0)) etcd.close();
    const etcd = connect(members);
    await eventually(() => etcd.write([{ put: '/thawed', value: '1' }]));
  });
  after(async () => {
    for (const etcd of etcds.splice(0)) etcd.close();
    await Promise.all(members.map((member) => member.remove()));
  });

  /** Asks the first of them first. */
  function connect(asked: readonly EtcdServer[]): Etcd {
    const etcd = connectEtcd({
      endpoints: asked.map(({ endpoint }) => endpoint),
      logger,
      metrics: createMetrics('test'),
    });
    etcds.push(etcd);
    return etcd;
  }

  /** The victim first. */
  function from(victim: number): EtcdServer[] {
    return [...members.slice(victim), ...members.slice(0, victim)];
  }

  async function follow(etcd: Etcd, prefix: string): Promise<() => Snapshot | undefined> {
    let latest: Snapshot | undefined;
    etcd.watch(prefix, (snapshot) => {
      latest = snapshot;
    });
    await eventually(() => assert.ok(latest));
    return () => latest;
  }

  for (const victim of [0, 1, 2]) {
    it(`fails no call while that is member ${victim}`, async () => {
      const prefix = `/calls-${victim}/`;
      const etcd = connect(from(victim));
      const lease = await etcd.grantLease(60);
      members[victim]?.signal('SIGSTOP');
      // Whichever member is frozen, the others have agreed on a leader when one of them takes a write.
      const other = connect(from(victim).slice(1));
      await eventually(() => other.write([{ put: `${prefix}first`, value: '1' }]));

      const askedAt = performance.now();
      await Promise.all(['a', 'b', 'c'].map((key) => etcd.get(prefix + key)));
      const elapsedMs = performance.now() - askedAt;
      assert.ok(elapsedMs < PASS_OVER_LIMIT_MS, `three calls at once took ${elapsedMs} ms`);
      for (let call = 0; call < CALLS; call += 1) {
        assert.equal(await etcd.keepLeaseAlive(lease), true);
        assert.equal(await etcd.write([{ put: `${prefix}${call}`, value: '1', lease }]), true);
        assert.equal((await etcd.list(prefix)).entries.length, call + 2);
      }
    });

    it(`tells a change within 5 s to whoever watches there, and makes no calls, while that is member ${victim}`, async () => {
      const prefix = `/news-${victim}/`;
      const other = connect(from(victim).slice(1));
      const latest = await follow(connect(from(victim)), prefix);

      const frozenAt = performance.now();
      members[victim]?.signal('SIGSTOP');
      await eventually(() => other.write([{ put: `${prefix}news`, value: '1' }]));
      await eventually(() => assert.equal(latest()?.entries.length, 1));
      const elapsedMs = performance.now() - frozenAt;
      assert.ok(elapsedMs < NEWS_LIMIT_MS, `it was heard of after ${elapsedMs} ms`);
    });

    it(`keeps those who registered there registered while that is member ${victim}`, async () => {
      const prefix = `/own-${victim}`;
      const other = connect(from(victim).slice(1));
      const latest = await follow(other, prefix);
      const registration = createRegistration({
        etcd: connect(from(victim)),
        prefix,
        service: 'product',
        instance: 'own',
        describe: () => ({ http: '127.0.0.1:1', version: '1', started_at: new Date().toISOString() }),
        logger,
        metrics: createMetrics('test'),
      });
      await registration.start();
      const { revision, key } = await eventually(() => latest()?.entries[0] ?? assert.fail('is not registered'));

      members[victim]?.signal('SIGSTOP');
      // When a longer lease that nobody keeps alive is over, so would be that of the registration.
      const witness = await eventually(() => other.grantLease(WITNESS_TTL_SECONDS));
      await eventually(() => other.write([{ put: `${prefix}-witness`, value: '1', lease: witness }]));
      await eventually(async () => assert.equal(await other.get(`${prefix}-witness`), undefined));
      assert.equal((await other.get(key))?.revision, revision, 'the registration lapsed');
      await registration.stop();
    });
  }
});
