import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { run } from './run.ts';

const PROBE_LIMIT_MS = 4_000;
const POLL_MS = 100;
const KAFKA_METADATA_API = 3;
/** The oldest version that Kafka 4 answers. */
const KAFKA_METADATA_VERSION = 1;

/** Repeats a probe until it succeeds. Rejects with the last failure once the limit has passed or `abort` returns words. */
export async function untilReady(
  probe: () => Promise<void>,
  options: { limitMs: number; abort?: () => Promise<string | undefined> },
): Promise<void> {
  const deadline = Date.now() + options.limitMs;
  for (;;) {
    try {
      await probe();
      return;
    } catch (error) {
      const lastFailure = error instanceof Error ? error.message : String(error);
      const reason =
        (await options.abort?.()) ??
        (Date.now() > deadline ? `not ready after ${options.limitMs / 1000} s` : undefined);
      if (reason) throw new Error(`${reason} (${lastFailure})`);
      await delay(POLL_MS);
    }
  }
}

/** Runs SQL with psql and returns what it prints, unaligned and without headings. Connection URLs carry the password. */
export async function sql(url: string, text: string, limitMs = PROBE_LIMIT_MS): Promise<string> {
  const { code, output } = await run(['psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-f', '-'], {
    timeoutMs: limitMs,
    input: text,
    env: psqlEnvironment(url),
  });
  if (code !== 0) throw new Error(output.trim() || `psql ended with ${code}`);
  return output.trim();
}

/** Passed in the environment: a command line, with its password, would be readable by every user of the machine. */
function psqlEnvironment(url: string): Record<string, string> {
  const { hostname, port, username, password, pathname, searchParams } = new URL(url);
  return {
    PGHOST: hostname,
    PGPORT: port,
    PGUSER: username,
    PGPASSWORD: password,
    PGDATABASE: pathname.slice(1),
    PGCONNECT_TIMEOUT: '3',
    PGAPPNAME: searchParams.get('application_name') ?? 'stack',
  };
}

/** An AMQP 0-9-1 broker answers the protocol header with Connection.Start. */
export async function probeAmqp(port: number): Promise<void> {
  const answer = await exchange(port, Buffer.from('AMQP\0\0\x09\x01', 'latin1'), (bytes) => bytes.length >= 12);
  // A frame of type 1 (method); class 10 (connection), method 10 (start).
  if (answer[0] !== 1 || answer.readUInt16BE(7) !== 10 || answer.readUInt16BE(9) !== 10) {
    throw new Error('the broker did not answer with Connection.Start');
  }
}

/** Asks Kafka for its metadata: ready when it names at least one broker and a controller. */
export async function probeKafka(port: number): Promise<void> {
  const client = Buffer.from('stack');
  const body = Buffer.alloc(8 + 2 + client.length + 4);
  body.writeInt16BE(KAFKA_METADATA_API, 0);
  body.writeInt16BE(KAFKA_METADATA_VERSION, 2);
  body.writeInt32BE(1, 4);
  body.writeInt16BE(client.length, 8);
  client.copy(body, 10);
  // No topics: only brokers and controller.
  body.writeInt32BE(0, 10 + client.length);
  const size = Buffer.alloc(4);
  size.writeInt32BE(body.length);
  const answer = await exchange(
    port,
    Buffer.concat([size, body]),
    (bytes) => bytes.length >= 4 && bytes.length >= 4 + bytes.readInt32BE(0),
  );
  const brokers = answer.readInt32BE(8);
  if (brokers < 1) throw new Error('Kafka names no broker yet');
}

/** Sends one Redis command and returns the raw reply; rejects with an error reply's text. */
export async function redisCommand(port: number, ...words: string[]): Promise<string> {
  const request = `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`;
  const reply = (await exchange(port, Buffer.from(request), isCompleteReply)).toString();
  if (reply.startsWith('-')) throw new Error(reply.slice(1).trim());
  return reply.startsWith('$') ? reply.slice(reply.indexOf('\r\n') + 2).trimEnd() : reply.slice(1).trim();
}

/** Simple, error, integer and bulk replies are all that the commands used here answer with. */
function isCompleteReply(bytes: Buffer): boolean {
  const text = bytes.toString();
  const lineEnd = text.indexOf('\r\n');
  if (lineEnd < 0) return false;
  return !text.startsWith('$') || bytes.length >= lineEnd + 2 + Number(text.slice(1, lineEnd)) + 2;
}

export async function probeHttp(url: string, headers: Record<string, string> = {}): Promise<void> {
  const response = await fetch(url, { headers, signal: AbortSignal.timeout(PROBE_LIMIT_MS) });
  const body = await response.text();
  if (!response.ok) throw new Error(`${url} answers ${response.status}: ${body.slice(0, 300)}`);
}

/** An SMTP server greets with 220 of its own accord. */
export async function probeSmtp(port: number): Promise<void> {
  const greeting = (await exchange(port, Buffer.alloc(0), (bytes) => bytes.includes('\r\n'))).toString();
  if (!greeting.startsWith('220')) throw new Error(`the inbox greets with ${greeting.trim()}`);
}

/** Opens a connection on this machine, sends, and collects the answer until it is complete. */
function exchange(port: number, request: Buffer, isComplete: (answer: Buffer) => boolean): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let answer = Buffer.alloc(0);
    const socket = connect({ host: '127.0.0.1', port });
    socket.setTimeout(PROBE_LIMIT_MS, () => socket.destroy(new Error(`no answer on port ${port}`)));
    socket.on('connect', () => socket.write(request));
    socket.on('data', (chunk: Buffer) => {
      answer = Buffer.concat([answer, chunk]);
      if (!isComplete(answer)) return;
      resolve(answer);
      socket.destroy();
    });
    socket.on('error', reject);
    socket.on('close', () => reject(new Error(`port ${port} closed the connection`)));
  });
}
