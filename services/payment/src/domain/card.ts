/** The check digit of ISO/IEC 7812: finds a mistyped digit, and most swapped ones. */
export function isLuhn(digits: string): boolean {
  let sum = 0;
  for (let index = 0; index < digits.length; index += 1) {
    const digit = Number(digits[digits.length - 1 - index]);
    const doubled = digit * 2;
    sum += index % 2 === 0 ? digit : doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}

/** A card is good until the end of the month printed on it. */
export function isExpired({ month, year }: { month: number; year: number }, at: Date): boolean {
  return Date.UTC(year, month) <= at.getTime();
}
