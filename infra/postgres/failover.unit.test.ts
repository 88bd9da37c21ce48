import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stackSettings } from '../stack-settings.ts';
import { UserError } from '../user-error.ts';
import { failoverPrograms } from './failover-program.ts';
import { postgresFolder, postgresRoles, primaryFile } from './nodes.ts';
import { isFormerPrimary } from './rejoin.ts';

describe('failover', () => {
  const home = mkdtempSync(join(tmpdir(), 'failover-'));
  const settingsOf = (env: Record<string, string> = {}) =>
    stackSettings({ name: 'mine', portBase: '27000', env: { PUNCTUAL_HOME: home, ...env }, uid: 1000 });
  after(() => rmSync(home, { recursive: true, force: true }));

  it('is manual with asynchronous replication, unless the stack is told otherwise', () => {
    const { replication, failover } = settingsOf();
    assert.deepEqual([replication, failover], ['asynchronous', 'manual']);
    assert.equal(settingsOf({ REPLICATION: 'synchronous' }).replication, 'synchronous');
  });

  it('is not automatic where the replica may lack what was acknowledged', () => {
    assert.throws(() => settingsOf({ FAILOVER: 'automatic' }), UserError);
    assert.equal(settingsOf({ FAILOVER: 'automatic', REPLICATION: 'synchronous' }).failover, 'automatic');
    assert.throws(() => settingsOf({ REPLICATION: 'sync' }), UserError);
  });

  it('is kept by the stack until another is named', () => {
    const { home: stackHome } = settingsOf();
    mkdirSync(stackHome, { recursive: true });
    const kept = { portBase: null, timeScale: 1, replication: 'synchronous', failover: 'automatic' };
    writeFileSync(join(stackHome, 'stack.json'), JSON.stringify(kept));
    assert.equal(settingsOf().failover, 'automatic');
    assert.equal(settingsOf({ REPLICATION: 'asynchronous', FAILOVER: 'manual' }).failover, 'manual');
    rmSync(join(stackHome, 'stack.json'));
  });

  it('has a program of its own, which stops before the servers do, only when it is automatic', () => {
    assert.deepEqual(failoverPrograms(settingsOf(), 'node'), []);
    const [program] = failoverPrograms(settingsOf({ FAILOVER: 'automatic', REPLICATION: 'synchronous' }), 'node');
    assert.equal(program?.name, 'failover');
    assert.ok((program?.priority ?? 0) > 50);
  });

  it('takes the primary from one file, and postgres-primary in a stack that has none yet', () => {
    const settings = settingsOf();
    assert.equal(postgresRoles(settings).primary.name, 'postgres-primary');
    mkdirSync(postgresFolder(settings), { recursive: true });
    writeFileSync(primaryFile(settings), 'postgres-replica\n');
    const { primary, replica } = postgresRoles(settings);
    assert.deepEqual(
      [primary.name, primary.port, replica.name, replica.port],
      ['postgres-replica', settings.ports.postgresReplica, 'postgres-primary', settings.ports.postgresPrimary],
    );
  });

  it("tells a former primary's data from a replica's and from none", () => {
    const { replica } = postgresRoles(settingsOf());
    assert.equal(isFormerPrimary(replica), false);
    mkdirSync(replica.dataFolder, { recursive: true });
    writeFileSync(join(replica.dataFolder, 'PG_VERSION'), '15\n');
    assert.equal(isFormerPrimary(replica), true);
    writeFileSync(join(replica.dataFolder, 'standby.signal'), '');
    assert.equal(isFormerPrimary(replica), false);
  });
});
