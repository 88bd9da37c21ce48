import { randomInt } from 'node:crypto';
import type { MailJob } from '@punctual/contracts';
import { addToOutbox, NOTIFICATIONS } from '@punctual/messaging';
import type { Transaction } from '@punctual/postgres';
import {
  CODE_WINDOW_MS,
  type CodePolicy,
  decideSend,
  drawCode,
  mailIntent,
  type SendDecision,
} from '../domain/verification-code.ts';
import type { CodeHasher } from '../security/code-hasher.ts';
import { addCode, codeHistory } from '../store/verification-codes.ts';

export type SendCodeDeps = { readonly codes: CodeHasher; readonly codePolicy: CodePolicy };

/** Sends a code if the user may have one now. The caller holds the lock on the user and commits. */
export async function sendCode(
  tx: Transaction,
  { codes, codePolicy }: SendCodeDeps,
  user: { readonly id: number; readonly email: string },
): Promise<SendDecision> {
  const decision = decideSend(await codeHistory(tx, user.id, CODE_WINDOW_MS), codePolicy);
  if (decision !== 'send') return decision;
  const code = drawCode(randomInt);
  const added = await addCode(tx, {
    userId: user.id,
    codeHash: codes.hash(user.id, code),
    ttlMs: codePolicy.ttlMs,
    tries: codePolicy.maxTries,
  });
  const expiresAt = added.expiresAt.toISOString();
  const job: MailJob<'mail.verification'> = {
    intent: mailIntent(added),
    to: user.email,
    not_after: expiresAt,
    code,
    expires_at: expiresAt,
  };
  await addToOutbox(tx, [
    {
      transport: 'rabbit',
      exchange: NOTIFICATIONS,
      routingKey: 'mail.verification',
      type: 'mail.verification',
      subject: `user:${user.id}`,
      data: job,
    },
  ]);
  return decision;
}
