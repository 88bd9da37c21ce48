import { connect, type Socket } from 'node:net';
import { type Answer, ResponseParser } from './response-parser.ts';

export type Connection = {
  /** One request at a time. */
  send(request: string): void;
  close(): void;
};

export type ConnectionEvents = {
  answered(answer: Answer): void;
  /** The request in flight has no answer and will have none; the connection has come back by itself. */
  failed(error: Error): void;
};

/** A keep-alive connection that is made anew whenever the server closes it. */
export function openConnection(url: URL, events: ConnectionEvents): Connection {
  let socket: Socket | undefined;
  let isBusy = false;

  function open(): Socket {
    const parser = new ResponseParser();
    const opened = connect({ host: url.hostname, port: Number(url.port), noDelay: true });
    socket = opened;
    let problem: Error | undefined;
    opened.on('data', (bytes: Buffer) => {
      if (socket !== opened) return;
      let answer: Answer | undefined;
      try {
        answer = parser.feed(bytes);
      } catch (error) {
        opened.destroy(error instanceof Error ? error : new Error(String(error)));
        return;
      }
      if (answer === undefined) return;
      isBusy = false;
      if (answer.closes) drop(opened);
      events.answered(answer);
    });
    opened.on('error', (error) => {
      problem = error;
    });
    opened.on('close', () => {
      if (socket !== opened) return;
      socket = undefined;
      if (!isBusy) return;
      isBusy = false;
      events.failed(problem ?? new Error('closed before the answer'));
    });
    return opened;
  }

  function drop(old: Socket): void {
    socket = undefined;
    old.destroy();
  }

  return {
    send(request) {
      isBusy = true;
      // The bytes wait in the socket until it is connected.
      (socket ?? open()).write(request, 'latin1');
    },
    close() {
      isBusy = false;
      if (socket !== undefined) drop(socket);
    },
  };
}
