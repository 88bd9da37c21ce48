import { AmountRefused } from './provider.ts';

/** Whose smallest unit is the whole: Stripe takes 500 for ¥500. */
const WHOLE = new Set('BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF'.split(' '));
/** Whole too, but Stripe goes on to count them in hundredths, of which there must be none. */
const WHOLE_IN_HUNDREDTHS = new Set(['ISK', 'UGX']);
/** Counted in thousandths; banks take those in tens, which hundredths always are. */
const THOUSANDTHS = new Set(['BHD', 'JOD', 'KWD', 'OMR', 'TND']);
const HUNDREDTHS = 100;
const THOUSANDTHS_PER_HUNDREDTH = 10;

/**
 * An amount as Stripe counts it. The shop counts every currency in hundredths, `"25.00"` being 2500, whatever coins there are.
 * Throws AmountRefused for parts of a coin that does not exist.
 */
export function stripeAmount(amountMinor: number, currency: string): number {
  const isWhole = WHOLE.has(currency);
  if ((isWhole || WHOLE_IN_HUNDREDTHS.has(currency)) && amountMinor % HUNDREDTHS !== 0) {
    throw new AmountRefused(`${currency} has no hundredths`);
  }
  if (isWhole) return amountMinor / HUNDREDTHS;
  return THOUSANDTHS.has(currency) ? amountMinor * THOUSANDTHS_PER_HUNDREDTH : amountMinor;
}
