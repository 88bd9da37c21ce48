export { type Component, type Lifecycle, lifecycle, StopError, together } from './lifecycle.ts';
export { type Command, type CommandContext, type MainOptions, type MainProcess, runMain } from './run-main.ts';
export { pause, within } from './waiting.ts';
