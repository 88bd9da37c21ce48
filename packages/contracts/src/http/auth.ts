import { z } from 'zod';
import { named } from '../documented.ts';
import { email, id } from '../primitives.ts';
import { defineRoute } from '../route.ts';

/** Long enough to resist guessing, short enough that hashing it is no attack on us. */
const password = z
  .string()
  .min(10)
  .max(128)
  .meta({ examples: ['correct-horse-battery'] });

export const registerBody = z
  .strictObject({ email, password })
  .meta({ example: { email: 'ada@example.com', password: 'correct-horse-battery' } });
export const verifyBody = z
  .strictObject({
    email,
    verification_token: z
      .string()
      .regex(/^[0-9]{6}$/, 'must be the six digits of the code')
      .meta({ description: 'The six digits of the code, from the mail.', examples: ['123456'] }),
  })
  .meta({ example: { email: 'ada@example.com', verification_token: '123456' } });
export const resendBody = z.strictObject({ email }).meta({ example: { email: 'ada@example.com' } });
/** Lengths are not told apart at login: a wrong password is a wrong password. */
export const loginBody = z
  .strictObject({ email, password: z.string().min(1).max(128) })
  .meta({ example: { email: 'customer@punctual.test', password: 'punctual-customer' } });
export const refreshBody = z
  .strictObject({ refresh_token: z.string().min(1).max(512) })
  .meta({ example: { refresh_token: 'the one from the last answer' } });

export const registeredUser = named('RegisteredUser', z.object({ id, email: z.string(), verified: z.boolean() }));
export const tokens = named(
  'Tokens',
  z.object({
    access_token: z.string().describe('A JWT; send it as `Authorization: Bearer …`.'),
    refresh_token: z.string().describe('For POST /auth/refresh, once.'),
    token_type: z.literal('Bearer'),
    expires_in: z.int().positive().describe('Seconds until the access token ends.'),
  }),
);
export type Tokens = z.infer<typeof tokens>;
const accepted = z.object({ message: z.string() });
/** As libraries expect it (RFC 7517). */
const keySet = named('JsonWebKeySet', z.object({ keys: z.array(z.looseObject({ kty: z.string(), kid: z.string() })) }));

const tag = 'auth';

export const register = defineRoute({
  id: 'register',
  method: 'post',
  path: '/auth/register',
  aliases: ['/users/register'],
  tag,
  summary: 'Register; a verification mail with a six-digit code follows',
  access: 'public',
  body: registerBody,
  success: { status: 201, schema: registeredUser },
  errors: ['VALIDATION_FAILED', 'FORBIDDEN', 'RATE_LIMITED', 'UNAVAILABLE'],
});

export const verify = defineRoute({
  id: 'verify',
  method: 'post',
  path: '/auth/verify',
  tag,
  summary: 'Prove the mail address with the code from the mail',
  access: 'public',
  body: verifyBody,
  success: { status: 200, schema: z.object({ email: z.string(), verified: z.literal(true) }) },
  errors: ['VALIDATION_FAILED', 'INVALID_CODE', 'RATE_LIMITED'],
});

export const resendVerification = defineRoute({
  id: 'resendVerification',
  method: 'post',
  path: '/auth/resend-verification',
  tag,
  summary: 'Ask for a new code, at most once a minute; the answer is the same whether or not the address is known',
  access: 'public',
  body: resendBody,
  success: { status: 202, schema: accepted },
  errors: ['VALIDATION_FAILED', 'RATE_LIMITED'],
});

export const login = defineRoute({
  id: 'login',
  method: 'post',
  path: '/auth/login',
  aliases: ['/users/login'],
  tag,
  summary: 'Log in; answers an access token and a refresh token',
  access: 'public',
  body: loginBody,
  success: { status: 200, schema: tokens },
  errors: ['VALIDATION_FAILED', 'INVALID_CREDENTIALS', 'EMAIL_NOT_VERIFIED', 'FORBIDDEN', 'RATE_LIMITED'],
});

export const refresh = defineRoute({
  id: 'refresh',
  method: 'post',
  path: '/auth/refresh',
  tag,
  summary: 'Exchange a refresh token for new tokens; each works once, reuse ends the whole session',
  access: 'public',
  body: refreshBody,
  success: { status: 200, schema: tokens },
  errors: ['VALIDATION_FAILED', 'UNAUTHENTICATED'],
});

export const logout = defineRoute({
  id: 'logout',
  method: 'post',
  path: '/auth/logout',
  tag,
  summary: 'End the session that the refresh token belongs to',
  access: 'public',
  body: refreshBody,
  success: { status: 204 },
  errors: ['VALIDATION_FAILED'],
});

export const jwks = defineRoute({
  id: 'jwks',
  method: 'get',
  path: '/.well-known/jwks.json',
  tag,
  summary: 'The public keys that verify access tokens',
  access: 'public',
  success: { status: 200, schema: keySet, isBare: true },
  errors: [],
});

export const authRoutes = [register, verify, resendVerification, login, refresh, logout, jwks];
