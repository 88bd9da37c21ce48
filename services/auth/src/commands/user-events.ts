import { events, type UserCreated, type UserVerified } from '@punctual/contracts';
import type { OutboxMessage } from '@punctual/messaging';

export function userCreated(user: { id: number; email: string; createdAt: Date }): OutboxMessage {
  const data: UserCreated = { user_id: user.id, email: user.email, created_at: user.createdAt.toISOString() };
  return userEvent('user.created', user.id, data);
}

export function userVerified(user: { id: number; email: string; verifiedAt: Date }): OutboxMessage {
  const data: UserVerified = { user_id: user.id, email: user.email, verified_at: user.verifiedAt.toISOString() };
  return userEvent('user.verified', user.id, data);
}

function userEvent(type: 'user.created' | 'user.verified', userId: number, data: unknown): OutboxMessage {
  return { transport: 'kafka', topic: events[type].topic, key: String(userId), type, data };
}
