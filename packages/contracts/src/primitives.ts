import { z } from 'zod';
import { shownAs } from './documented.ts';

/** The largest price of one piece, in minor units: 99,999,999.99. With the limits on an order it keeps every total a safe integer. */
export const MAX_PRICE_MINOR = 9_999_999_999;
/** The most pieces of one product in one order. */
export const MAX_QUANTITY = 1_000;
/** The most different products in one order. */
export const MAX_ORDER_ITEMS = 50;
/** The longest list one page may hold. */
export const MAX_PAGE_SIZE = 100;
/** Offsets beyond this are refused: a deep page scans everything before it. */
export const MAX_PAGE = 10_000;

/** A positive integer that JSON carries without loss; ids are bigint identities in Postgres. */
export const id = z.int().positive();

/** An id in a path or a query, where it arrives as text: digits only, no sign, no leading zero, a safe integer. */
export const idText = shownAs(
  z
    .string()
    .regex(/^[1-9]\d{0,15}$/, 'must be a positive integer')
    .transform(Number)
    .refine(Number.isSafeInteger, 'must be a positive integer'),
  { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER, examples: [1] },
);

/** Text that a person typed: trimmed, between one and `max` characters. */
export const text = (max: number) =>
  shownAs(z.string().trim().min(1).max(max), { type: 'string', minLength: 1, maxLength: max, pattern: '\\S' });

/** The same, but it may be empty. */
export const optionalText = (max: number) => z.string().trim().max(max);

/** Something that is no space, and no control character anywhere. */
const ONE_LINE = '^[^\\x00-\\x1f\\x7f-\\x9f]*[^\\s\\x00-\\x1f\\x7f-\\x9f][^\\x00-\\x1f\\x7f-\\x9f]*$';

/** Text on one line: no carriage return, line feed or other control character, which would forge mail or log headers. */
export const line = (max: number) =>
  shownAs(
    text(max).refine((value) => !/\p{Cc}/u.test(value), 'must not contain control characters'),
    { type: 'string', minLength: 1, maxLength: max, pattern: ONE_LINE },
  );

/**
 * zod's pattern, bounded as mail servers bound it (RFC 5321, 4.5.3.1): 64 characters before the @, 63 in each label behind it, none of
 * which ends with a dash. Beyond that, no code would ever arrive.
 */
const ADDRESS =
  /^(?!\.)(?!.*\.\.)[A-Za-z0-9_'+.-]{0,63}[A-Za-z0-9_+-]@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}$/;

/** An address as SMTP takes it, in lower case; one recipient, ASCII only. */
export const email = shownAs(
  z
    .string()
    .trim()
    .toLowerCase()
    .max(254)
    .pipe(z.email({ pattern: ADDRESS, error: 'must be an e-mail address' })),
  {
    type: 'string',
    format: 'email',
    maxLength: 254,
    pattern: ADDRESS.source,
    examples: ['ada@example.com'],
  },
);

/** An instant, RFC 3339 in UTC with milliseconds: `2026-01-31T09:30:00.000Z`. */
export const instant = z.iso.datetime();

const DECIMAL = /^\d{1,8}(\.\d{1,2})?$/;

/**
 * An amount as clients send it: a decimal string (`"25000.00"`) or a number with at most two decimals.
 * Yields integer minor units. The text is cut apart rather than multiplied, since 1.005 * 100 is not 100.5.
 */
const money = z
  .union([z.string(), z.number()], { error: 'must be an amount such as "25000.00"' })
  .transform((value, ctx) => {
    const written = String(value);
    if (!DECIMAL.test(written)) {
      ctx.addIssue('must be an amount from 0 to 99999999.99 with at most two decimals');
      return z.NEVER;
    }
    const [whole = '0', fraction = ''] = written.split('.');
    return Number(whole) * 100 + Number(fraction.padEnd(2, '0'));
  });
const MONEY_TEXT = { type: 'string', pattern: '^[0-9]{1,8}(\\.[0-9]{1,2})?$', examples: ['25000.00'] };
/** Of numbers, more than two decimals are refused; `multipleOf` would make validators that divide floats refuse 25000.07 too. */
const MONEY_NUMBER = { type: 'number', minimum: 0, maximum: 99_999_999.99, description: 'At most two decimals.' };

/** In a body. */
export const moneyInput = shownAs(money.describe('An amount, best as text.'), { anyOf: [MONEY_TEXT, MONEY_NUMBER] });

/** In a query, where everything is text. */
export const moneyText = shownAs(money.describe('An amount.'), MONEY_TEXT);

/** An amount as we answer it: a decimal string with two digits after the point. */
export const moneyOutput = z
  .string()
  .regex(/^[0-9]+\.[0-9]{2}$/)
  .meta({ examples: ['25000.00'] });

/** Renders integer minor units as a decimal string: 2500000 → "25000.00". */
export function formatMoney(minor: number): string {
  const digits = String(minor).padStart(3, '0');
  return `${digits.slice(0, -2)}.${digits.slice(-2)}`;
}

/** A number in a query, from 1 to `max`; `fallback` when it is missing. */
export const wholeNumberText = (fallback: number, max: number) =>
  shownAs(
    z
      .string()
      .regex(/^[1-9]\d{0,8}$/, 'must be a whole number from 1')
      .transform(Number)
      .refine((value) => value <= max, `must be at most ${max}`),
    { type: 'integer', minimum: 1, maximum: max },
  ).default(fallback);

/** The paging part of every list's query: page from 1, limit from 1 to 100. */
export const pageQuery = {
  page: wholeNumberText(1, MAX_PAGE).describe('Which page, from 1.'),
  limit: wholeNumberText(20, MAX_PAGE_SIZE).describe('How many entries a page has.'),
};

/** Paging as every list answers it; links name the gateway's public address. */
export const paging = z.object({
  page: z.int().min(1),
  limit: z.int().min(1),
  total_items: z.int().min(0),
  total_is_exact: z
    .boolean()
    .describe(
      'False when there are at least `total_items`: not everything was counted, and `last` is the last page known.',
    ),
  total_pages: z.int().min(0),
  links: z.object({
    self: z.string(),
    first: z.string(),
    last: z.string(),
    prev: z.string().nullable(),
    next: z.string().nullable(),
  }),
});
export type Paging = z.infer<typeof paging>;

/**
 * A calendar day in a query, `YYYY-MM-DD` or `DD-MM-YYYY`; yields `YYYY-MM-DD`. Days that no calendar has
 * (30 February) are refused: Date would silently turn them into March.
 */
const day = z.string().transform((value, ctx) => {
  const iso = /^(\d{4})-(\d{2})-(\d{2})$/.exec(value);
  const european = /^(\d{2})-(\d{2})-(\d{4})$/.exec(value);
  const isoDay = iso ? value : european ? `${european[3]}-${european[2]}-${european[1]}` : undefined;
  const parsed = isoDay === undefined ? undefined : new Date(`${isoDay}T00:00:00.000Z`);
  if (
    isoDay === undefined ||
    parsed === undefined ||
    Number.isNaN(parsed.getTime()) ||
    !parsed.toISOString().startsWith(isoDay)
  ) {
    ctx.addIssue('must be a day, YYYY-MM-DD or DD-MM-YYYY');
    return z.NEVER;
  }
  return isoDay;
});
const MONTH = '(?:0[1-9]|1[0-2])';
const DAY_OF_MONTH = '(?:0[1-9]|[12][0-9]|3[01])';
export const dayText = shownAs(day, {
  type: 'string',
  description: 'A day of the calendar in UTC, YYYY-MM-DD or DD-MM-YYYY.',
  pattern: `^(?:[0-9]{4}-${MONTH}-${DAY_OF_MONTH}|${DAY_OF_MONTH}-${MONTH}-[0-9]{4})$`,
  examples: ['2026-01-31'],
});
