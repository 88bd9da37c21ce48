/**
 * A session is a family of refresh tokens: each token works once and hands over to the next one.
 *
 *   fresh ── refresh ──▶ spent, and a new fresh token
 *     └─ its time is over ──▶ refused
 *   spent ── comes again ──▶ the family is revoked: one of the two who showed the token has stolen it
 *   any ── logout ──▶ the family is revoked
 *
 * Two refreshes at the same time are not a theft but a client with two tabs: one wins, the other is refused, and the
 * family lives. They are told apart by order, not by a grace period: a twin comes before the one that wins is answered,
 * a replay after.
 */
export type RefusedRefresh = {
  readonly spent: boolean;
  /** The request was under way together with the one that spent the token. */
  readonly twin: boolean;
  readonly revoked: boolean;
};

/** What follows from a refresh token that could not be spent. The client is told the same in every case. */
export function decideRefused(token: RefusedRefresh | undefined): 'revoke-family' | 'refuse' {
  if (token === undefined || token.revoked) return 'refuse';
  return token.spent && !token.twin ? 'revoke-family' : 'refuse';
}
