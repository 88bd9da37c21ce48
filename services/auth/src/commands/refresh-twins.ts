/**
 * Tells a twin from a replay. Requests with one refresh token that are under way at the same time form a group. When
 * one of them spends the token, the others of its group are twins: they had come before it was answered. The group is
 * closed when that answer is given, so whoever shows the token afterwards stands outside, and is a replay.
 */
type Group = { members: number; spent: boolean };

export type GroupMember = {
  /** Call between spending the token and the commit: before anybody else can see that it is spent. */
  spend(): void;
  /** Whether a member of the group has spent the token. */
  isTwin(): boolean;
  leave(): void;
};

export type RefreshTwins = { join(tokenHash: Buffer): GroupMember };

/** Knows the requests of this process. It holds nothing but requests under way. */
export function createRefreshTwins(): RefreshTwins {
  const groups = new Map<string, Group>();
  return {
    join(tokenHash) {
      const key = tokenHash.toString('base64');
      const group = groups.get(key) ?? { members: 0, spent: false };
      group.members += 1;
      groups.set(key, group);
      let spender = false;
      return {
        spend() {
          spender = true;
          group.spent = true;
        },
        isTwin: () => group.spent,
        leave() {
          group.members -= 1;
          const closed = spender || group.members === 0;
          if (closed && groups.get(key) === group) groups.delete(key);
        },
      };
    },
  };
}
