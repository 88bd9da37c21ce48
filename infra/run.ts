import { spawn } from 'node:child_process';

export type RunResult = { code: number; output: string };

/** Runs a command to its end, collecting what it writes (stdout and stderr together). A missing program is code 127. */
export function run(
  command: readonly string[],
  options: { timeoutMs: number; env?: Record<string, string | undefined>; input?: string; cwd?: string },
): Promise<RunResult> {
  const [program = '', ...args] = command;
  return new Promise((resolve) => {
    let output = '';
    const child = spawn(program, args, {
      env: { ...process.env, ...options.env },
      cwd: options.cwd,
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: options.timeoutMs,
      killSignal: 'SIGKILL',
    });
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    child.on('error', (error) => resolve({ code: 127, output: error.message }));
    child.on('close', (code, signal) => {
      const ended = signal ? `${output}\n(ended by ${signal}; the limit was ${options.timeoutMs / 1000} s)` : output;
      resolve({ code: code ?? 1, output: ended });
    });
    // The program may end before it has read its input; its exit code tells what matters.
    child.stdin.on('error', () => child.stdin.destroy());
    child.stdin.end(options.input ?? '');
  });
}
