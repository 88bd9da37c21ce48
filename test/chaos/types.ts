/**
 * The words of the chaos run.
 *
 *   schedule   which fault strikes when, made from the seed alone
 *   fault      something that really happens to a server, a process, a link or a message, and is healed again
 *   operation  one thing a customer did, with all its attempts, and what came of it
 *   history    every operation and every fault of a run, as lines of JSON
 *   evidence   what the databases, the brokers, the payment ledger and the inbox hold once the platform has come to rest
 *   verdict    what an invariant says of history and evidence
 */
import type { Settings } from './stack.ts';

export type Outcome =
  /** Answered with success. */
  | 'ok'
  /** Answered with a definite no: it did not happen. */
  | 'failed'
  /** No answer, or one that leaves it open, even after every retry. */
  | 'unknown';

export type OperationKind = 'register' | 'order' | 'pay' | 'cancel' | 'refund' | 'read';

export type Operation = {
  /** Counts up through the run. */
  readonly id: number;
  readonly kind: OperationKind;
  readonly userId: number | null;
  readonly email: string;
  /** The same in every attempt; null for what has none. */
  readonly requestId: string | null;
  /** The order it is about: for `order` known once answered. */
  readonly orderId: number | null;
  /** Milliseconds since the run began. */
  readonly startedMs: number;
  readonly endedMs: number;
  readonly attempts: number;
  readonly outcome: Outcome;
  /** Of the last attempt; null when there was no answer. */
  readonly status: number | null;
  readonly code: string | null;
  /**
   * Of the last answer, as far as the checker needs it: an order's view, a payment's, what a read saw.
   * I10 wants `{status, stock}` of the order (`status` PENDING, PAID …) of order, pay, cancel, refund and of each read of one
   * order; a read that looked at a list (which may lag) says `{list: true}`.
   */
  readonly answer: Readonly<Record<string, unknown>> | null;
  /** Of `order`: the body that was sent, for I2: `{items: [{product_id, quantity}], shipping_address, description, notes}`. */
  readonly asked?: Readonly<Record<string, unknown>> | null;
};

/**
 * What `Operation.answer` holds, all taken from the platform's own words; never more than the answer told. `{…order}` is
 * {id, request_id, status, reason, stock, total_amount, created_at, updated_at, expires_at, items: [{product_id, quantity, unit_price}]}.
 *
 *   register  {id, email, verified}
 *   order     {…order}; of a refusal {details}
 *   pay       {card, payment: {id, status, failure, …} | null} and, when the answer showed the order, {…order}
 *             `card` is what the sandbox does with it, such as `approve` or `lost-captured`
 *   cancel    {…order}; of a refusal {details}
 *   refund    {payment: {id, status, …} | null}
 *   read      what the customer saw: {of: 'order', …order},
 *             {of: 'list', list: true, total, orders: [{id, status}]} the first page of the own orders, newest first,
 *             {of: 'timeline', types, statuses}, {of: 'product', product_id, quantity, version}
 */
export type ReadOf = 'order' | 'list' | 'timeline' | 'product';

/** One line of the history for each fault that struck. */
export type FaultRecord = {
  readonly name: string;
  readonly target: string;
  readonly struckMs: number;
  readonly healedMs: number;
  /** From the end of healing until orders were accepted and every lag was back; null when that did not happen in the run. */
  readonly recoveredMs: number | null;
  /** What the checker has to know: `poison: Poison[]` of messages that no consumer can ever take. */
  readonly notes: Readonly<Record<string, unknown>>;
};

/** A message that a fault put in, which has to end among the dead letters: told in `FaultRecord.notes.poison`. */
export type Poison = {
  readonly kind: 'kafka' | 'rabbit';
  /** The topic without its prefix, or the queue that it was put in. */
  readonly topicOrQueue: string;
  /** `ce_id` or the AMQP message id; absent when the message has none, then `marker` is a text in its body or key. */
  readonly id?: string;
  readonly marker?: string;
  /** The consumers that have to keep it, such as `product`; at least one, whichever, when absent. */
  readonly consumers?: readonly string[];
  readonly reason: string;
};

/** All that the checker is told of a run, beside the evidence. */
export type History = {
  readonly operations: readonly Operation[];
  readonly faults: readonly FaultRecord[];
  /** The instant that the milliseconds of operations and faults count from, in milliseconds since 1970. */
  readonly startedAtMs: number;
  /** From the end of the load until everything was at rest; null when it was not in the time that is given. */
  readonly quiescedMs: number | null;
};

/** What a fault may lay hands on. Everything belongs to the run's own stack. */
export type World = {
  readonly settings: Settings;
  /** Runs a command of the stack, such as `stack('kill', 'order')`. */
  stack(...args: string[]): Promise<void>;
  /** Variables added to a service's environment; the service is restarted with them. `{}` takes them back. */
  setServiceEnvironment(service: string, variables: Readonly<Record<string, string>>): Promise<void>;
  /** The proxies between services and servers, by the server's name. */
  readonly links: Links;
  /** A fault's own random numbers; the same for the same seed. */
  random(minimum: number, maximum: number): number;
  log(message: string, fields?: Readonly<Record<string, unknown>>): void;
};

export const LINK_NAMES = ['pgpool', 'kafka', 'rabbitmq', 'smtp'] as const;
export type LinkName = (typeof LINK_NAMES)[number];

export type Link = {
  /** Each chunk waits this long in both directions; 0 takes it back. */
  delay(delayMs: number): void;
  /** Connections stay open and nothing passes, in the given direction or both. */
  stall(direction?: 'to-server' | 'to-client' | 'both'): void;
  /** Open connections are reset, new ones refused. */
  cut(): void;
  /** Open connections are reset; new ones pass. */
  reset(): void;
  heal(): void;
};

export type SmtpMode =
  /** Answers each mail with 451. */
  | 'refuse'
  /** Never answers DATA. */
  | 'hang'
  /** The server takes the mail; its answer is lost with the connection. */
  | 'reset-before-answer'
  /** The server takes the mail and says so; then the connection is lost. */
  | 'reset-after-answer';

/** The way to the mail server, which can also behave like a mail server in trouble; healing ends that too. */
export type SmtpLink = Link & {
  trouble(mode: SmtpMode): void;
  /** Message-IDs of all mails so far that the server took and whose sender was left without an answer. */
  unanswered(): readonly string[];
};

export type Links = Readonly<Record<Exclude<LinkName, 'smtp'>, Link>> & { readonly smtp: SmtpLink };

export type Fault = {
  /** kebab-case; what FAULT= takes. */
  readonly name: string;
  /** One sentence for `LIST=1` and the report. */
  readonly about: string;
  /** The row of the table of faults to survive (docs/chaos.md) that this is a scenario of. */
  readonly row: string;
  /** What it can strike; one is drawn for each strike. */
  readonly targets: readonly string[];
  /** How long it lasts, in milliseconds: drawn between the two. */
  readonly lastsMs: readonly [minimum: number, maximum: number];
  /** Why it cannot be had on this machine, such as a mount that takes root; undefined when it can. */
  unavailable?(world: World): Promise<string | undefined>;
  /** Makes it happen. What it returns is what heals it, and may add to the record's notes. */
  strike(world: World, target: string): Promise<{ heal(): Promise<Readonly<Record<string, unknown>> | void> }>;
};

export type InvariantName = 'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'I6' | 'I7' | 'I8' | 'I9' | 'I10';

/** After the RabbitMQ Jepsen checker: what was tried, what was promised, and what became of it. */
export type Verdict = {
  readonly invariant: InvariantName;
  /** The invariant in one sentence. */
  readonly claim: string;
  readonly holds: boolean;
  readonly counts: {
    readonly attempted: number;
    readonly acknowledged: number;
    readonly unknown: number;
    /** Acknowledged, and not there. */
    readonly lost: number;
    /** There more than once. */
    readonly duplicated: number;
    /** There, and never asked for, or in a state that nothing explains. */
    readonly unexpected: number;
    /** Outcome unknown to the client, and found to have happened. */
    readonly recovered: number;
  };
  /** The first of what broke it, each with the ids that lead to it; at most 20. */
  readonly findings: readonly string[];
};
