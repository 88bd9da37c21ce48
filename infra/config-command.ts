import {
  connectEtcd,
  createSettingsDesk,
  EtcdUnavailable,
  SettingRefused,
  type SettingsDesk,
} from '@punctual/coordination';
import { createMetrics, silentLogger } from '@punctual/telemetry';
import type { CommandInput } from './command.ts';
import { ETCD_PREFIX } from './connections.ts';
import { etcdEndpoints } from './etcd/etcd.ts';
import { columns } from './table.ts';
import { UserError } from './user-error.ts';

const CONFIG_USAGE = 'get [KEY] | set KEY VALUE | unset KEY | audit';
const AUDIT_LINES = 50;

/** Settings that can be changed while services run, from the command line; the gateway's admin route does the same. */
export function runConfig(input: CommandInput): Promise<void> {
  return withDesk(input, (desk) => perform(input, desk));
}

async function perform({ args, write, json }: CommandInput, desk: SettingsDesk): Promise<void> {
  const [action = 'get', key, ...rest] = args;
  const who = `command line of ${process.env.SUDO_USER || process.env.USER || 'the operator'}`;
  if (action === 'get') {
    const states = key === undefined ? await desk.list() : [await desk.get(key)];
    const rows = states.map(({ key: name, value, default_from }) => [
      name,
      value === null ? `(default: ${default_from})` : JSON.stringify(value),
    ]);
    for (const line of json ? [JSON.stringify(states, null, 2)] : columns(rows)) write(line);
  } else if (action === 'audit') {
    for (const { when, who: by, key: name, from, to } of await desk.audit(AUDIT_LINES)) {
      write(`${when}  ${by}  ${name}: ${JSON.stringify(from)} → ${JSON.stringify(to)}`);
    }
  } else if (action === 'set' && key !== undefined && rest[0] !== undefined) {
    const { value } = await desk.set(key, settingValue(rest[0]), { who });
    write(`${key} is ${JSON.stringify(value)}`);
  } else if (action === 'unset' && key !== undefined) {
    const { default_from } = await desk.unset(key, { who });
    write(`${key} is the default: ${default_from}`);
  } else throw new UserError(`config ${args.join(' ')} is not understood`, `config ${CONFIG_USAGE}`);
}

/** JSON, or a word as it stands: `debug` need not be quoted. Throws UserError for JSON of which a shell has taken the quotes. */
export function settingValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!/^[{["]/.test(text)) return text;
    throw new UserError(
      `${text} is not JSON: ${error instanceof Error ? error.message : String(error)}`,
      `Keep its quotes from the shell, e.g. make config ARGS="set rate_limit.product '{\\"per_second\\":50,\\"burst\\":100}'"`,
    );
  }
}

async function withDesk(input: CommandInput, work: (desk: SettingsDesk) => Promise<void>): Promise<void> {
  const options = {
    endpoints: [etcdEndpoints(input.settings)],
    logger: silentLogger(),
    metrics: createMetrics('stack'),
  };
  const etcd = connectEtcd(options);
  try {
    await work(createSettingsDesk(etcd, ETCD_PREFIX));
  } catch (error) {
    if (error instanceof EtcdUnavailable) throw new UserError('etcd does not answer', 'Start the stack with: make up');
    if (!(error instanceof SettingRefused)) throw error;
    const problems = error.problems.map(({ field, message }) => `${field}: ${message}`);
    throw new UserError(error.message, problems.length > 0 ? problems.join('\n') : 'Nothing was changed.');
  } finally {
    etcd.close();
  }
}
