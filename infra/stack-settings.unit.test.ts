import assert from 'node:assert/strict';
import fc from 'fast-check';
import { instancesOf, portNames, portsOf, stackSettings } from './stack-settings.ts';
import { UserError } from './user-error.ts';

const EPHEMERAL_START = 32_768;
const MACHINE_DEFAULTS = [1883, 4369, 5432, 5433, 5672, 6379, 9092, 9093, 15692, 25672, 26379];

const settingsOf = (name: string, portBase?: string) =>
  stackSettings({ name, portBase, env: { PUNCTUAL_HOME: '/nowhere/punctual' }, uid: 1000 });

describe('the ports of a stack', () => {
  it('are the well-known addresses for the default stack', () => {
    const { ports } = portsOf('punctual');
    assert.deepEqual([ports.public, ports.inbox, ports.smtp, ports.rabbitmqManagement], [8080, 8025, 1025, 15672]);
  });

  it('all move together with PORT_BASE, the well-known ones too', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1024, max: 60_000 }), (base) => {
        for (const port of Object.values(portsOf('punctual', base).ports)) assert.ok(port >= base && port < base + 100);
      }),
    );
  });

  it('are all different, below the ephemeral range, and none is a default of a server on the machine', () => {
    for (const name of ['punctual', 'test', 'bench', 'mine', 'a-b-c']) {
      const ports = Object.values(portsOf(name).ports);
      assert.equal(new Set(ports).size, portNames().length);
      for (const port of ports)
        assert.ok(port < EPHEMERAL_START && !MACHINE_DEFAULTS.includes(port), `${name}: ${port}`);
    }
  });

  it('of the default stack and the test stack have nothing in common', () => {
    const mine = new Set(Object.values(portsOf('punctual').ports));
    assert.deepEqual(
      Object.values(portsOf('test').ports).filter((port) => mine.has(port)),
      [],
    );
  });
});

describe('the settings of a stack', () => {
  it('keep everything it writes below its own folder', () => {
    const { home, folders } = settingsOf('mine');
    assert.equal(home, '/nowhere/punctual/mine');
    for (const folder of Object.values(folders)) assert.ok(folder.startsWith(`${home}/`));
  });

  it('turn a name into one that SQL takes without quotes', () => {
    assert.equal(settingsOf('my-shop').databasePrefix, 'my_shop');
  });

  it('refuse names and port bases that cannot work, with what to do', () => {
    for (const name of ['', 'Shop', '1st', '../up', 'a b', 'x'.repeat(21)]) {
      assert.throws(() => settingsOf(name), UserError, name);
    }
    for (const base of ['abc', '80', '70000', '29000.5'])
      assert.throws(() => settingsOf('mine', base), UserError, base);
  });

  it('refuse a folder that is too long for a unix socket', () => {
    const env = { PUNCTUAL_HOME: `/${'long/'.repeat(20)}` };
    assert.throws(() => stackSettings({ name: 'mine', env, uid: 1000 }), UserError);
  });

  it('have the servers that PROFILE names, and those of the core without it', () => {
    const profileOf = (PROFILE: string | undefined) =>
      stackSettings({ name: 'mine', env: { PUNCTUAL_HOME: '/nowhere', PROFILE }, uid: 1000 }).serverProfile;
    assert.deepEqual([profileOf(undefined), profileOf(''), profileOf('full')], ['core', 'core', 'full']);
    assert.throws(() => profileOf('servers'), UserError);
  });

  it('run Postgres as its own account when root starts the stack, and as the caller otherwise', () => {
    const env = { PUNCTUAL_HOME: '/nowhere' };
    assert.equal(stackSettings({ name: 'mine', env, uid: 0 }).serverUser, 'postgres');
    assert.equal(stackSettings({ name: 'mine', env, uid: 1000 }).serverUser, undefined);
  });
});

describe('the instances of a stack', () => {
  const withInstances = (text: string) =>
    stackSettings({ name: 'mine', env: { PUNCTUAL_HOME: '/nowhere', INSTANCES: text }, uid: 1000 });

  it('are one of each service, and more where it is asked for, each with ports of its own', () => {
    const settings = withInstances('{"product":3,"order":2}');
    const instances = instancesOf(settings, ['product', 'order', 'mail']);
    assert.deepEqual(
      instances.map(({ program }) => program),
      ['product', 'order', 'mail', 'product-2', 'product-3', 'order-2'],
    );
    const ports = instances.flatMap(({ http, grpc }) => (grpc === undefined ? [http] : [http, grpc]));
    assert.equal(new Set(ports.map((port) => settings.ports[port])).size, 11);
    assert.equal(settings.ports[instances[3]?.http ?? 'product'], settings.portBase + 80);
  });

  it('are refused, with what to do, when they are no number, of no service, too many, or of the gateway', () => {
    for (const text of ['2', '{"product":0}', '{"product":"two"}', '{"shop":2}', '{"gateway":2}', '{"order":12}', '{'])
      assert.throws(() => withInstances(text), UserError, text);
  });
});
