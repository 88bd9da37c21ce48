/** A mail as it was received; the same whichever inbox server holds it. Header names are in lower case. */
export type Mail = {
  readonly id: string;
  readonly from: string;
  readonly to: readonly string[];
  readonly subject: string;
  readonly html: string;
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;
};
