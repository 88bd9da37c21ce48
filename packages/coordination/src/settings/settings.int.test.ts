import assert from 'node:assert/strict';
import { createMetrics, type Metrics, silentLogger } from '@punctual/telemetry';
import { eventually, tcpProxy, testEtcd } from '@punctual/testing';
import { type EtcdServer, etcdServer } from '../../test/etcd-server.ts';
import { connectEtcd, type Etcd } from '../etcd/etcd.ts';
import { ORDER_TIMERS, RATE_LIMIT, REGISTRATION_OPEN } from './definitions.ts';
import { createDynamicSettings, type DynamicSettings } from './dynamic-settings.ts';
import { auditFolder, settingsFolder } from './keys.ts';
import { createSettingsDesk, type SettingsDesk } from './settings-desk.ts';

const logger = silentLogger();
const BY_ME = { who: 'me@punctual.test' };

describe('settings in etcd', function () {
  this.timeout(60_000);
  let metrics: Metrics;
  let etcd: Etcd;
  let prefix: string;
  let desk: SettingsDesk;
  let settings: DynamicSettings;
  let stopListening: () => void;

  function open(endpoint: string, under: string): void {
    prefix = under;
    metrics = createMetrics('test');
    etcd = connectEtcd({ endpoints: [endpoint], logger, metrics });
    desk = createSettingsDesk(etcd, prefix);
    const created = createDynamicSettings({ prefix, logger, metrics });
    settings = created;
    stopListening = created.listen(etcd);
  }
  function close(): void {
    stopListening();
    etcd.close();
  }
  async function rejected(key: string): Promise<number> {
    const metric = await metrics.registry.getSingleMetric('dynamic_config_rejected_total')?.get();
    return metric?.values.find(({ labels }) => Object.values(labels).includes(key))?.value ?? 0;
  }

  describe('of the stack', () => {
    beforeEach(() => {
      const { endpoints, prefix: own } = testEtcd('settings');
      open(endpoints[0] ?? '', own);
    });
    afterEach(close);

    it('reach whoever follows them, and are their default again when they are unset', async () => {
      const told: unknown[] = [];
      const isOpen = settings.follow(REGISTRATION_OPEN, (value) => told.push(value));
      assert.equal(isOpen.current, undefined);
      await desk.set('flags.registration_open', false, BY_ME);
      await eventually(() => assert.equal(isOpen.current, false));
      await desk.unset('flags.registration_open', BY_ME);
      await eventually(() => assert.equal(isOpen.current, undefined));
      assert.deepEqual(told, [false, undefined]);
    });

    it('keep the value before when somebody writes one that is not valid, which is counted once', async () => {
      const timers = settings.follow(ORDER_TIMERS);
      settings.follow(ORDER_TIMERS);
      await desk.set('order.timers', { reminders: ['1h'], expiry: '2h' }, BY_ME);
      await eventually(() => assert.equal(timers.current?.expiryMs, 7_200_000));
      const key = `${settingsFolder(prefix)}order.timers`;
      await etcd.write([{ put: key, value: '{"reminders":["3h"],"expiry":"2h"}' }]);
      await eventually(async () => assert.equal(await rejected('order.timers'), 1));
      await etcd.write([{ put: key, value: 'no JSON' }]);
      await eventually(async () => assert.equal(await rejected('order.timers'), 2));
      assert.equal(timers.current?.expiryMs, 7_200_000);
      await desk.set('order.timers', { reminders: ['1h'], expiry: '3h' }, BY_ME);
      await eventually(() => assert.equal(timers.current?.expiryMs, 10_800_000));
    });

    it('are not written when they are not valid or not known', async () => {
      await assert.rejects(desk.set('rate_limit', { per_second: -1, burst: 2 }, BY_ME), {
        name: 'SettingRefused',
        reason: 'not_valid',
      });
      await assert.rejects(desk.set('flags.unheard_of', true, BY_ME), { reason: 'unknown_key' });
      await assert.rejects(desk.unset('flags.unheard_of', BY_ME), { reason: 'unknown_key' });
      assert.deepEqual(await desk.audit(10), []);
      assert.ok((await desk.list()).every(({ value, revision }) => value === null && revision === '0'));
    });

    it('tell who changed what, from what to what, latest first, and forget the oldest', async () => {
      const short = createSettingsDesk(etcd, prefix, { maxAuditEntries: 3 });
      for (const burst of [1, 2, 3, 4]) await short.set('rate_limit', { per_second: 1, burst }, BY_ME);
      await short.unset('rate_limit', { who: 'another' });
      const notes = await short.audit(10);
      const [first, second] = notes;
      assert.deepEqual(
        [first?.who, first?.key, first?.from, first?.to],
        ['another', 'rate_limit', { per_second: 1, burst: 4 }, null],
      );
      assert.deepEqual(second?.to, { per_second: 1, burst: 4 });
      assert.equal(notes.length, 3);
    });

    it('are changed by one at a time: nobody undoes what he has not seen, and no change is without its note', async () => {
      const { revision } = await desk.set('rate_limit', { per_second: 1, burst: 1 }, BY_ME);
      const attempts = await Promise.allSettled(
        [2, 3, 4].map((burst) => desk.set('rate_limit', { per_second: 1, burst }, { ...BY_ME, revision })),
      );
      assert.equal(attempts.filter(({ status }) => status === 'fulfilled').length, 1);
      await assert.rejects(desk.unset('rate_limit', { ...BY_ME, revision }), { reason: 'changed_meanwhile' });

      await Promise.all([5, 6, 7].map((burst) => desk.set('rate_limit', { per_second: 1, burst }, BY_ME)));
      const notes = await desk.audit(10);
      assert.equal(notes.length, 5);
      for (const [index, note] of notes.entries()) {
        if (index > 0)
          assert.deepEqual(notes[index - 1]?.from, note.to, 'a change did not begin where the one before ended');
      }
      assert.deepEqual((await desk.get('rate_limit')).value, notes[0]?.to);
    });

    for (const isAsSeen of [false, true]) {
      const condition = isAsSeen ? ', made under a condition,' : '';
      it(`are changed once, and said to be, when the answer to a change${condition} is lost`, async () => {
        const { endpoints } = testEtcd('settings');
        const endpoint = endpoints[0] ?? '';
        const { revision } = await desk.set('rate_limit', { per_second: 1, burst: 1 }, BY_ME);
        let isSilent = false;
        const proxy = await tcpProxy(`tcp://${endpoint}`, {
          inspect: () => ({
            toServer(chunk) {
              isSilent ||= chunk.includes('"burst":2');
              return chunk;
            },
            toClient: (chunk) => (isSilent ? undefined : chunk),
          }),
        });
        const unheard = connectEtcd({
          endpoints: [`127.0.0.1:${proxy.port}`, endpoint],
          logger,
          metrics: createMetrics('unheard'),
        });
        try {
          const { value } = await createSettingsDesk(unheard, prefix).set(
            'rate_limit',
            { per_second: 1, burst: 2 },
            isAsSeen ? { ...BY_ME, revision } : BY_ME,
          );
          assert.ok(isSilent);
          assert.deepEqual(value, { per_second: 1, burst: 2 });
          assert.equal((await desk.audit(10)).length, 2);
        } finally {
          unheard.close();
          await proxy.stop();
        }
      });
    }
  });

  describe('when etcd is away', () => {
    let server: EtcdServer;
    beforeEach(async () => {
      server = await etcdServer();
      await server.start();
      open(server.endpoint, '/own');
    });
    afterEach(async () => {
      close();
      await server.remove();
    });

    it('stay what they were, cannot be changed, and follow again when it is back', async () => {
      const limit = settings.follow(RATE_LIMIT);
      await desk.set('rate_limit', { per_second: 7, burst: 7 }, BY_ME);
      await eventually(() => assert.equal(limit.current?.burst, 7));
      await server.kill();
      await assert.rejects(desk.set('rate_limit', { per_second: 8, burst: 8 }, BY_ME), { name: 'EtcdUnavailable' });
      assert.equal(limit.current?.burst, 7);
      await server.start();
      await eventually(() => desk.set('rate_limit', { per_second: 9, burst: 9 }, BY_ME));
      await eventually(() => assert.equal(limit.current?.burst, 9));
    });

    it('are followed past a history that was compacted while nobody watched', async () => {
      const limit = settings.follow(RATE_LIMIT);
      await desk.set('rate_limit', { per_second: 1, burst: 1 }, BY_ME);
      await eventually(() => assert.equal(limit.current?.burst, 1));
      server.signal('SIGSTOP');
      await server.kill();
      await server.start();
      const other = connectEtcd({ endpoints: [server.endpoint], logger, metrics: createMetrics('other') });
      const { revision } = await eventually(() =>
        createSettingsDesk(other, '/own').set('rate_limit', { per_second: 1, burst: 2 }, BY_ME),
      );
      await compact(server.endpoint, revision);
      await eventually(() => assert.equal(limit.current?.burst, 2));
      // From the very revision that is gone: etcd cancels such a watch, and the list is read anew.
      await createSettingsDesk(other, '/own').set('rate_limit', { per_second: 1, burst: 3 }, BY_ME);
      await eventually(() => assert.equal(limit.current?.burst, 3));
      other.close();
      assert.equal((await etcd.list(auditFolder('/own'))).entries.length, 3);
    });
  });
});

/** Through etcd's own JSON gateway: the connection has no use for it. */
async function compact(endpoint: string, revision: string): Promise<void> {
  const response = await fetch(`http://${endpoint}/v3/kv/compaction`, {
    method: 'POST',
    body: JSON.stringify({ revision, physical: true }),
  });
  assert.ok(response.ok, await response.text());
}
