import { z } from 'zod';
import { id, instant } from '../primitives.ts';

export const userCreated = z.object({ user_id: id, email: z.string(), created_at: instant });
export const userVerified = z.object({ user_id: id, email: z.string(), verified_at: instant });
export const userUpdated = z.object({ user_id: id, active: z.boolean(), updated_at: instant });
export const userDeleted = z.object({ user_id: id, deleted_at: instant });
export type UserCreated = z.infer<typeof userCreated>;
export type UserVerified = z.infer<typeof userVerified>;
export type UserUpdated = z.infer<typeof userUpdated>;
export type UserDeleted = z.infer<typeof userDeleted>;
