import { withStackLock } from './lock.ts';
import type { StackSettings } from './stack-settings.ts';

export type CommandInput = {
  settings: StackSettings;
  args: readonly string[];
  profile: 'servers' | 'all';
  json: boolean;
  lines: number;
  follow: boolean;
  /** The scale asked for now. */
  timeScale: number;
  /** The scale that the last `up` was given. */
  lastTimeScale: number;
  /** A promotion may give up what the replica has not received. */
  acceptLoss: boolean;
  write: (line: string) => void;
};

export type Command = {
  usage: string;
  about: string;
  /** Refused with words when the stack was never brought up. */
  needsStack?: boolean;
  /** The first argument may name the stack, for callers that set no environment. */
  takesStackName?: boolean;
  /** False makes the exit code 1. */
  run(input: CommandInput): Promise<boolean | void>;
};

/** Runs what changes a stack, one at a time. */
export function locked<T>(input: CommandInput, work: () => Promise<T>): Promise<T> {
  const onWait = (holder: string) => input.write(`Waiting for another command on this stack (${holder}).`);
  return withStackLock(input.settings.home, onWait, work);
}
