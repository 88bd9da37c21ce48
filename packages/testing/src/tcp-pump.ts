import type { Socket } from 'node:net';

/** Chunks that wait in a pump; beyond that the sender is held back, as a slow network would. */
const MOST_WAITING_BYTES = 4_194_304;

export type Direction = 'to-server' | 'to-client';

export type Pump = {
  /** To be called after the gate has changed. */
  update(): void;
};

type PumpOptions = {
  readonly direction: Direction;
  readonly gate: { isStalled(direction: Direction): boolean; delayMs(): number };
  readonly look: ((chunk: Buffer) => Buffer | undefined) | undefined;
};

/** Passes on what one socket sends, in order, each chunk after the gate's delay and none while the gate is stalled. */
export function createPump(from: Socket, to: Socket, { direction, gate, look }: PumpOptions): Pump {
  const waiting: { readonly chunk: Buffer; readonly dueAt: number }[] = [];
  let waitingBytes = 0;
  let hasEnded = false;
  let isFull = false;
  let timer: NodeJS.Timeout | undefined;

  const update = (): void => {
    const isHeldBack = gate.isStalled(direction) || isFull || waitingBytes > MOST_WAITING_BYTES;
    if (isHeldBack) from.pause();
    else from.resume();
    passOn();
  };

  const send = (chunk: Buffer): void => {
    const looked = look === undefined ? chunk : look(chunk);
    if (looked === undefined || to.destroyed || to.writableEnded || to.write(looked)) return;
    isFull = true;
    to.once('drain', () => {
      isFull = false;
      update();
    });
  };

  const passOn = (): void => {
    clearTimeout(timer);
    if (gate.isStalled(direction)) return;
    for (;;) {
      const [first] = waiting;
      if (first === undefined) break;
      const remainingMs = first.dueAt - performance.now();
      if (remainingMs > 0) {
        timer = setTimeout(update, Math.ceil(remainingMs));
        return;
      }
      waiting.shift();
      waitingBytes -= first.chunk.length;
      send(first.chunk);
    }
    if (hasEnded && !to.destroyed) to.end();
  };

  from.on('data', (chunk: Buffer) => {
    const delayMs = gate.delayMs();
    waiting.push({ chunk, dueAt: delayMs === 0 ? 0 : performance.now() + delayMs });
    waitingBytes += chunk.length;
    update();
  });
  from.on('end', () => {
    hasEnded = true;
    passOn();
  });
  to.on('close', () => clearTimeout(timer));
  if (gate.isStalled(direction)) from.pause();
  return { update };
}
