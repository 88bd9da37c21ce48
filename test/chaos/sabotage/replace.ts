import type { Replacement } from './sabotage.ts';

/** Throws unless the text occurs exactly once: a sabotage that spoils nothing would prove nothing. */
export function replaceOnce(source: string, { file, find, replace }: Replacement): string {
  const count = source.split(find).length - 1;
  if (count !== 1) throw new Error(`sabotage: the text to replace occurs ${count} times in ${file}: ${find}`);
  return source.replace(find, () => replace);
}
