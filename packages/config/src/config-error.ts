/** `found` is already safe to print: a secret's value is not in it. */
export type ConfigProblem = { name: string; found: string; expected: string };

/** Lists every bad variable at once, one line each. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(problems.map(({ name, found, expected }) => `${name}: found ${found}, expected ${expected}`).join('\n'));
    this.problems = problems;
  }
}
