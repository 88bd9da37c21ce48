import { setTimeout as delay } from 'node:timers/promises';
import type { Evidence, Queue, RabbitDeadLetter } from './evidence.ts';

const DEAD_LETTER_QUEUES = ['mail.jobs.dead', 'order.timers.dead'];
const WORK_QUEUES = ['mail.jobs', 'order.timers.due'];
const MOST_DEAD_LETTERS = 1_000;
const STATISTICS_SETTLE_MS = 6_000;
const POLL_MS = 500;

type Settings = {
  readonly RABBITMQ_MANAGEMENT_URL: string;
  readonly RABBITMQ_USER: string;
  readonly RABBITMQ_PASSWORD: string;
};
type Message = {
  payload: string;
  payload_encoding: string;
  properties: { message_id?: string; headers?: Record<string, unknown> };
};

/** The work that is left in RabbitMQ, and its dead letters, which stay where they are. */
export async function gatherRabbit(settings: Settings): Promise<Pick<Evidence, 'queues' | 'rabbitDeadLetters'>> {
  const { RABBITMQ_MANAGEMENT_URL: url, RABBITMQ_USER: user, RABBITMQ_PASSWORD: password } = settings;
  const headers = {
    authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
    'content-type': 'application/json',
  };
  const ask = async <T>(path: string, body?: object): Promise<T> => {
    const init = body === undefined ? { headers } : { headers, method: 'POST', body: JSON.stringify(body) };
    const response = await fetch(new URL(path, url), init);
    if (!response.ok) throw new Error(`RabbitMQ's management answered ${response.status} to ${path}`);
    return (await response.json()) as T;
  };
  const queues: Queue[] = [];
  for (const name of WORK_QUEUES) queues.push({ name, messages: await depthOf(ask, name) });
  const rabbitDeadLetters: RabbitDeadLetter[] = [];
  for (const queue of DEAD_LETTER_QUEUES) {
    const found = await ask<Message[]>(`/api/queues/%2F/${queue}/get`, {
      count: MOST_DEAD_LETTERS,
      ackmode: 'ack_requeue_true',
      encoding: 'auto',
      truncate: 4_000,
    });
    rabbitDeadLetters.push(...found.map((message) => deadLetterOf(queue, message)));
  }
  return { queues, rabbitDeadLetters };
}

/** The management's counts are some seconds old, so a queue that seems to have work is looked at again. */
async function depthOf(ask: <T>(path: string) => Promise<T>, name: string): Promise<number> {
  const deadlineMs = Date.now() + STATISTICS_SETTLE_MS;
  for (;;) {
    const { messages = 0 } = await ask<{ messages?: number }>(`/api/queues/%2F/${name}`);
    if (messages === 0 || Date.now() > deadlineMs) return messages;
    await delay(POLL_MS);
  }
}

function deadLetterOf(queue: string, { payload, payload_encoding, properties }: Message): RabbitDeadLetter {
  const { message_id: id = null, headers = {} } = properties;
  const reason = headers['x-reason'] ?? headers['x-first-death-reason'] ?? '';
  const text = payload_encoding === 'base64' ? Buffer.from(payload, 'base64').toString('utf8') : payload;
  return { queue, id, reason: String(reason), text };
}
