import assert from 'node:assert/strict';
import type { ConfigFile, Program } from './program.ts';
import { stackSettings } from './stack-settings.ts';
import { supervisorConfig } from './supervisor-config.ts';

const settings = stackSettings({ name: 'mine', env: { PUNCTUAL_HOME: '/nowhere' }, uid: 1000 });
const program: Program = {
  name: 'order',
  kind: 'service',
  command: ['/bin/node', '--flag=1', '/a folder/main.ts'],
  cwd: '/repo',
  env: { RATE: '100%', ROUTES: '[{"name":"auth"}]' },
  ports: ['order'],
  priority: 40,
};
const file: ConfigFile = { program: 'order', path: '/nowhere/mine/conf/order.conf', text: 'a = 1\n' };

/** The lines of one program's section as an object. */
function section(text: string, name: string): Record<string, string> {
  const lines =
    text
      .slice(text.indexOf(`[program:${name}]`))
      .split('\n\n')[0]
      ?.split('\n')
      .slice(1) ?? [];
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}

describe("supervisord's configuration", () => {
  it('restarts programs for ever, but starts services only at the word of up', () => {
    const order = section(supervisorConfig(settings, [program], []), 'order');
    assert.equal(order.autorestart, 'true');
    assert.equal(order.autostart, 'false');
    const server = section(supervisorConfig(settings, [{ ...program, kind: 'server' }], []), 'order');
    assert.equal(server.autostart, 'true');
  });

  it('quotes arguments with spaces, JSON values and percent signs', () => {
    const order = section(supervisorConfig(settings, [program], []), 'order');
    assert.equal(order.command, "/bin/node --flag=1 '/a folder/main.ts'");
    assert.match(order.environment ?? '', /RATE="100%%"/);
    assert.match(order.environment ?? '', /ROUTES='\[\{"name":"auth"\}\]'/);
  });

  it('refuses a value that it could not hold', () => {
    const both: Program = { ...program, env: { TEXT: `"it's"` } };
    assert.throws(() => supervisorConfig(settings, [both], []), /both kinds of quotes/);
  });

  it('changes for a program when one of its files changes, so that it is restarted', () => {
    const before = supervisorConfig(settings, [program], [file]);
    assert.equal(before, supervisorConfig(settings, [program], [{ ...file }]));
    assert.notEqual(before, supervisorConfig(settings, [program], [{ ...file, text: 'a = 2\n' }]));
  });

  it("does not change for a program when another's file changes", () => {
    const other: ConfigFile = { ...file, program: 'mail' };
    assert.equal(
      supervisorConfig(settings, [program], [other]),
      supervisorConfig(settings, [program], [{ ...other, text: 'b' }]),
    );
  });
});
