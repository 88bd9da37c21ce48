import { events, type UserCreated, type UserDeleted, type UserUpdated, type UserVerified } from '@punctual/contracts';
import type { OutboxMessage } from '@punctual/messaging';

type UserEventType = 'user.created' | 'user.verified' | 'user.updated' | 'user.deleted';

export function userCreated(user: { id: number; email: string; createdAt: Date }): OutboxMessage {
  const data: UserCreated = { user_id: user.id, email: user.email, created_at: user.createdAt.toISOString() };
  return userEvent('user.created', user.id, data);
}

export function userVerified(user: { id: number; email: string; verifiedAt: Date }): OutboxMessage {
  const data: UserVerified = { user_id: user.id, email: user.email, verified_at: user.verifiedAt.toISOString() };
  return userEvent('user.verified', user.id, data);
}

export function userUpdated(user: { id: number; active: boolean; updatedAt: Date }): OutboxMessage {
  const data: UserUpdated = { user_id: user.id, active: user.active, updated_at: user.updatedAt.toISOString() };
  return userEvent('user.updated', user.id, data);
}

export function userDeleted(user: { id: number; deletedAt: Date }): OutboxMessage {
  const data: UserDeleted = { user_id: user.id, deleted_at: user.deletedAt.toISOString() };
  return userEvent('user.deleted', user.id, data);
}

function userEvent(type: UserEventType, userId: number, data: unknown): OutboxMessage {
  return { transport: 'kafka', topic: events[type].topic, key: String(userId), type, data };
}
