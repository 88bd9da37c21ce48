/** Schemathesis, which makes requests from an OpenAPI document: in a virtual environment of its own in the cache, pinned. */
import { spawn } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { installPackages } from '../../infra/packages.ts';
import { run } from '../../infra/run.ts';
import { UserError } from '../../infra/user-error.ts';

const VERSION = '4.32.5';
const CONSTRAINTS = join(import.meta.dirname, 'constraints.txt');
const INSTALL_LIMIT_MS = 300_000;
const PROBE_LIMIT_MS = 20_000;

/** The command, installed if it is missing. Throws UserError when it cannot be. */
export async function installSchemathesis(cache: string, say: (line: string) => void): Promise<string> {
  const folder = join(cache, `schemathesis-${VERSION}`);
  const command = join(folder, 'bin/schemathesis');
  // Written last, so that an installation that was interrupted is made anew.
  const complete = join(folder, '.complete');
  if (existsSync(complete)) return command;
  say(`installing schemathesis ${VERSION}`);
  if ((await run(['python3', '-c', 'import ensurepip, venv'], { timeoutMs: PROBE_LIMIT_MS })).code !== 0) {
    await installPackages(['python3', 'python3-venv']);
  }
  rmSync(folder, { recursive: true, force: true });
  await mustWork(['python3', '-m', 'venv', folder]);
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--constraint', CONSTRAINTS];
  await mustWork([join(folder, 'bin/python'), ...pip, `schemathesis==${VERSION}`]);
  writeFileSync(complete, '');
  return command;
}

async function mustWork(command: readonly string[]): Promise<void> {
  const { code, output } = await run(command, { timeoutMs: INSTALL_LIMIT_MS });
  if (code === 0) return;
  throw new UserError(
    `schemathesis could not be installed:\n${output.trim().split('\n').slice(-8).join('\n')}`,
    'Check that this machine reaches the Python package index (pip config list), then run the command again.',
  );
}

export type SchemathesisRun = {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  onLine(line: string): void;
};

/** Resolves with the exit code: 0 when all is well, 1 with findings. It writes its reports itself. */
export function runSchemathesis({ command, args, env, signal, onLine }: SchemathesisRun): Promise<number> {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'], signal });
  for (const stream of [child.stdout, child.stderr]) {
    let rest = '';
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) onLine(line);
    });
    stream.on('close', () => onLine(rest));
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  });
}
