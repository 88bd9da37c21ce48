import type { AccessTokens } from '../security/access-tokens.ts';
import type { Admitted } from '../store/sessions.ts';

export type IssueDeps = { readonly accessTokens: AccessTokens; readonly refreshTtlMs: number };

export type IssuedTokens = {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly expiresInSeconds: number;
};

/** Signs an access token for whom the primary has let in. */
export async function issueTokens(
  { accessTokens }: IssueDeps,
  admitted: Admitted,
  refreshToken: string,
): Promise<IssuedTokens> {
  const accessToken = await accessTokens.issue(admitted, admitted.issuedAt);
  return { accessToken, refreshToken, expiresInSeconds: accessTokens.expiresInSeconds };
}
