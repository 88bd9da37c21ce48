import { dayText, formatMoney, idText, moneyInput } from '@punctual/contracts';
import { validationFailed } from '@punctual/http';
import { GraphQLError, GraphQLScalarType, Kind, type ValueNode } from 'graphql';
import type { z } from 'zod';

/** These take the place of what the schema says of them, descriptions included. Inside, money is integer minor units; outside, a decimal string. */
export const Money = new GraphQLScalarType<number | undefined, string>({
  name: 'Money',
  description: 'An amount as a decimal string such as `"25000.00"`. Numbers with at most two decimals are taken too.',
  serialize: (minor) => {
    if (!Number.isSafeInteger(minor)) throw new TypeError('an amount is no whole number of minor units');
    return formatMoney(Number(minor));
  },
  parseValue: (value) => accepted(moneyInput, value, 'Money'),
  parseLiteral: (node) => accepted(moneyInput, textOf(node), 'Money', node),
});

export const DateTime = new GraphQLScalarType<Date, string>({
  name: 'DateTime',
  description: 'An instant, RFC 3339 in UTC: `2026-01-31T09:30:00.000Z`.',
  serialize: (instant) => {
    if (!(instant instanceof Date)) throw new TypeError('an instant is no Date');
    return instant.toISOString();
  },
});

/** Input only; yields `YYYY-MM-DD`. */
export const Day = new GraphQLScalarType<string, string>({
  name: 'Day',
  description: 'A day in UTC: `2026-01-31` or `31-01-2026`.',
  parseValue: (value) => accepted(dayText, value, 'Day'),
  parseLiteral: (node) => accepted(dayText, textOf(node), 'Day', node),
});

/** Output only. */
export const JsonValue = new GraphQLScalarType<unknown, unknown>({
  name: 'JSON',
  description: 'Any JSON value.',
  serialize: (value) => value,
});

/** An ID of ours is a positive integer. `field` is the argument's path, such as `input.orderId`. */
export function parseId(id: string, field: string): number {
  const parsed = idText.safeParse(id);
  if (!parsed.success) throw validationFailed([{ field, message: 'must be a positive integer' }]);
  return parsed.data;
}

function accepted<S extends z.ZodType>(schema: S, value: unknown, name: string, node?: ValueNode): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new GraphQLError(`${name} ${issue?.message ?? 'is not valid'}`, node === undefined ? {} : { nodes: [node] });
}

/** What a literal says, digits kept as they were written. */
function textOf(node: ValueNode): unknown {
  const hasText = node.kind === Kind.STRING || node.kind === Kind.INT || node.kind === Kind.FLOAT;
  return hasText ? node.value : undefined;
}
