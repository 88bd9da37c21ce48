/** What packages/lifecycle starts in order and stops last-in-first-out. */
export type Component = { readonly name: string; start(): Promise<void>; stop(): Promise<void> };
