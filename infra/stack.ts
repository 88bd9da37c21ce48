/** The native stack's command line; `make` calls it. See infra/README.md. */
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { COMMANDS } from './commands.ts';
import { DEFAULT_STACK, readState, stackSettings, stateFile } from './stack-settings.ts';
import { UserError } from './user-error.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    profile: { type: 'string', default: 'all' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
    lines: { type: 'string', default: '50' },
    follow: { type: 'boolean', default: false },
    'time-scale': { type: 'string' },
    'accept-loss': { type: 'boolean', default: false },
  },
});

const [given = 'help', ...args] = positionals;
const name = values.help ? 'help' : given;

try {
  const command = COMMANDS[name];
  if (!command) {
    const list = Object.entries(COMMANDS).map(([key, { usage, about }]) => `  ${`${key} ${usage}`.padEnd(34)}${about}`);
    process.stdout.write(
      `node infra/stack.ts COMMAND   (STACK, PORT_BASE, TIME_SCALE, REPLICATION, FAILOVER, INSTANCES, PROFILE, PUNCTUAL_HOME from the environment)\n${list.join('\n')}\n`,
    );
    process.exitCode = name === 'help' ? 0 : 1;
  } else {
    // `env` and its like also take the stack's name as their argument, for callers without an environment of their own.
    const stackName = (command.takesStackName ? args[0] : undefined) ?? (process.env.STACK || DEFAULT_STACK);
    const settings = stackSettings({
      name: stackName,
      portBase: process.env.PORT_BASE,
      env: process.env,
      uid: process.getuid?.() ?? -1,
    });
    if (command.needsStack && !existsSync(stateFile(settings.home))) {
      throw new UserError(
        `The stack ${stackName} has never been brought up here`,
        `Start it with: make up${stackName === DEFAULT_STACK ? '' : ` STACK=${stackName}`}`,
      );
    }
    const timeScale = Number(values['time-scale'] ?? (process.env.TIME_SCALE || 1));
    if (!(timeScale > 0))
      throw new UserError(
        `TIME_SCALE=${process.env.TIME_SCALE} is not a positive number`,
        'For a day in 20 seconds: TIME_SCALE=4320',
      );
    const isWell = await command.run({
      settings,
      args,
      profile: values.profile === 'servers' ? 'servers' : 'all',
      json: values.json,
      lines: Number(values.lines),
      follow: values.follow,
      timeScale,
      lastTimeScale: readState(settings.home)?.timeScale ?? 1,
      acceptLoss: values['accept-loss'],
      write: (line) => process.stdout.write(`${line}\n`),
    });
    if (isWell === false) process.exitCode = 1;
  }
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  process.stderr.write(`\n${error.message}\n\n${error.advice}\n`);
  process.exitCode = 1;
}
