import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');

/**
 * A checkout of a revision in `folder`, with its dependencies: hard links to those that are here when both lock files are equal
 * (links between workspaces are relative, so they lead into the new checkout), else installed by the lock file.
 */
export function createWorktree(revision: string, folder: string): void {
  git('worktree', 'add', '--quiet', '--detach', folder, revision);
  const lock = (root: string) => readFileSync(join(root, 'package-lock.json'), 'utf8');
  if (lock(ROOT) !== lock(folder)) {
    execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder, stdio: 'inherit' });
    return;
  }
  for (const modules of ['node_modules', ...globSync('{packages,services}/*/node_modules', { cwd: ROOT })]) {
    if (existsSync(join(ROOT, modules))) execFileSync('cp', ['-al', join(ROOT, modules), join(folder, modules)]);
  }
}

export function removeWorktree(folder: string): void {
  if (existsSync(folder)) git('worktree', 'remove', '--force', folder);
}

/** The full id of a revision; undefined when git does not know it. */
export function commitOf(revision: string): string | undefined {
  try {
    return execFileSync('git', ['rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`], {
      cwd: ROOT,
      encoding: 'utf8',
    }).trim();
  } catch (error) {
    // Git says so by its exit code and nothing else.
    if (error instanceof Error && 'status' in error && error.status === 1) return undefined;
    throw error;
  }
}

function git(...args: string[]): void {
  execFileSync('git', args, { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });
}
