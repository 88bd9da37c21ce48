import { createHash } from 'node:crypto';
import { connect, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { UserError } from './user-error.ts';

const WAIT_LIMIT_MS = 300_000;
const POLL_MS = 200;

/**
 * Only one command at a time may change a stack. The lock is an abstract unix socket: the kernel frees it with the
 * process that holds it, however that ends, so no stale lock file can stay behind.
 */
export async function withStackLock<T>(
  home: string,
  onWait: (holder: string) => void,
  work: () => Promise<T>,
): Promise<T> {
  const name = `\0punctual-${createHash('sha256').update(home).digest('hex').slice(0, 32)}`;
  const deadline = Date.now() + WAIT_LIMIT_MS;
  let hasWaited = false;
  for (;;) {
    const release = await tryLock(name);
    if (release) {
      try {
        return await work();
      } finally {
        release();
      }
    }
    const holder = await askHolder(name);
    if (!hasWaited) onWait(holder);
    hasWaited = true;
    if (Date.now() > deadline) {
      throw new UserError(
        `Another command (${holder}) has been at work on this stack for ${WAIT_LIMIT_MS / 60_000} minutes`,
        'Wait for it or end it, then run the command again.',
      );
    }
    await delay(POLL_MS);
  }
}

function tryLock(name: string): Promise<(() => void) | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.end(`process ${process.pid}: ${process.argv.slice(2).join(' ')}`);
    });
    server.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen({ path: name }, () => {
      server.unref();
      resolve(() => server.close());
    });
  });
}

function askHolder(name: string): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect({ path: name });
    socket.setTimeout(1000, () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    socket.on('error', () => resolve('a process that just ended'));
    socket.on('close', () => resolve(text || 'unknown'));
  });
}
