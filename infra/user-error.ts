/** Something the person at the keyboard can put right: what is wrong, and what to do about it. Printed without a stack. */
export class UserError extends Error {
  readonly advice: string;

  constructor(message: string, advice: string) {
    super(message);
    this.name = 'UserError';
    this.advice = advice;
  }
}
