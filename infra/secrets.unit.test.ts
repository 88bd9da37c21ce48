import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ensureSecrets } from './secrets.ts';
import { stackSettings } from './stack-settings.ts';

describe("a stack's secrets", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'punctual-secrets-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const settings = () =>
    stackSettings({ name: 'mine', portBase: '27000', env: { PUNCTUAL_HOME: join(folder, 'deep/home') }, uid: 0 });
  const modeOf = (path: string) => statSync(path).mode & 0o777;

  it("are shut off, while every folder above can be passed through by the servers' account", () => {
    const { folders } = settings();
    ensureSecrets(settings());
    assert.equal(modeOf(folders.secrets), 0o700);
    for (let above = dirname(folders.secrets); above !== folder; above = dirname(above))
      assert.equal(modeOf(above), 0o755, above);
  });

  it('are made once and kept', () => {
    const made = ensureSecrets(settings());
    assert.deepEqual(ensureSecrets(settings()), made);
    assert.equal(modeOf(made.jwtSigningKeyFile), 0o600);
  });
});
