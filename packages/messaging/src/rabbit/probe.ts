import { randomUUID } from 'node:crypto';
import { connect } from 'amqplib';
import { closeQuietly } from './link.ts';

const COMMAND_INVALID = 503;
const CONNECT_TIMEOUT_MS = 5_000;

/**
 * Whether the broker has the exchange type x-delayed-message. Declaring an unknown type closes the whole connection, so
 * this uses one of its own. Rejects when the broker cannot be asked.
 */
export async function hasDelayedMessagePlugin(url: string): Promise<boolean> {
  const connection = await connect(url, { timeout: CONNECT_TIMEOUT_MS });
  const failed = Promise.withResolvers<never>();
  connection.on('error', (error) => failed.reject(error));
  connection.on('close', () =>
    failed.reject(new Error('connection closed while asking for the delayed message plugin')),
  );
  const asked = (async () => {
    const channel = await connection.createChannel();
    channel.on('error', (error) => failed.reject(error));
    const name = `probe.${randomUUID()}`;
    await channel.assertExchange(name, 'x-delayed-message', {
      durable: false,
      autoDelete: true,
      arguments: { 'x-delayed-type': 'topic' },
    });
    await channel.deleteExchange(name);
    return true;
  })();
  try {
    return await Promise.race([asked, failed.promise]);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === COMMAND_INVALID) return false;
    throw error;
  } finally {
    asked.catch(() => undefined);
    await closeQuietly(connection);
  }
}
