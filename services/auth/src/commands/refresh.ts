import type { Database } from '@punctual/postgres';
import { decideRefused } from '../domain/session.ts';
import { drawRefreshToken, refreshTokenHash } from '../security/refresh-token.ts';
import { type Admitted, refusedRefresh, revokeSession, rotateToken } from '../store/sessions.ts';
import { type IssueDeps, type IssuedTokens, issueTokens } from './issue-tokens.ts';
import type { GroupMember, RefreshTwins } from './refresh-twins.ts';

export type RefreshDeps = IssueDeps & { readonly db: Database; readonly refreshTwins: RefreshTwins };

export type RefreshResult =
  | { readonly decision: 'refreshed'; readonly tokens: IssuedTokens }
  | { readonly decision: 'refused' | 'family-revoked' };

/** Exchanges a refresh token for the next one. A token that was spent before it came revokes its family. */
export async function refresh(deps: RefreshDeps, token: string): Promise<RefreshResult> {
  const tokenHash = refreshTokenHash(token);
  const nextToken = drawRefreshToken();
  const member = deps.refreshTwins.join(tokenHash);
  try {
    const outcome = await exchange(deps, { tokenHash, nextTokenHash: refreshTokenHash(nextToken), member });
    if (typeof outcome === 'string') return { decision: outcome };
    return { decision: 'refreshed', tokens: await issueTokens(deps, outcome, nextToken) };
  } finally {
    member.leave();
  }
}

type Exchange = { tokenHash: Buffer; nextTokenHash: Buffer; member: GroupMember };

function exchange(
  { db, refreshTtlMs }: RefreshDeps,
  { tokenHash, nextTokenHash, member }: Exchange,
): Promise<Admitted | 'refused' | 'family-revoked'> {
  return db.transaction(async (tx) => {
    const admitted = await rotateToken(tx, tokenHash, { tokenHash: nextTokenHash, ttlMs: refreshTtlMs });
    if (admitted !== undefined) {
      member.spend();
      return admitted;
    }
    const found = await refusedRefresh(tx, tokenHash);
    if (found === undefined) return 'refused';
    const twin = found.twin || member.isTwin();
    if (decideRefused({ ...found, twin }) === 'refuse') return 'refused';
    await revokeSession(tx, found.sessionId, 'reuse');
    return 'family-revoked';
  });
}
