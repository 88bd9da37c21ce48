import { type ChannelModel, type ConfirmChannel, connect } from 'amqplib';
import type { World } from '../types.ts';

export type RabbitSession = { readonly channel: ConfirmChannel; close(): Promise<void> };

/** A connection of the fault's own. Another fault may break it: that is written to the log, and what is under way rejects. */
export async function openRabbit({ settings, log }: World): Promise<RabbitSession> {
  const connection: ChannelModel = await connect(settings.RABBITMQ_URL);
  let isOpen = true;
  const onError = (error: unknown) => log('a connection to RabbitMQ broke', { error: String(error) });
  connection.on('error', onError);
  connection.on('close', () => {
    isOpen = false;
  });
  const channel = await connection.createConfirmChannel();
  channel.on('error', onError);
  return {
    channel,
    async close() {
      if (isOpen) await connection.close();
    },
  };
}

export async function withRabbit<T>(world: World, work: (channel: ConfirmChannel) => Promise<T>): Promise<T> {
  const session = await openRabbit(world);
  try {
    return await work(session.channel);
  } finally {
    await session.close();
  }
}
