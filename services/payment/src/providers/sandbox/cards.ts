/** How a card of the sandbox behaves when it is charged. */
export type Behaviour = 'approve' | 'decline' | 'insufficient_funds' | 'slow' | 'lost_captured' | 'lost_not_captured';

/** How long a slow card takes. */
export const SLOW_MS = 3_000;

/** The test cards. Every other number is declined. */
export const TEST_CARDS: Readonly<Record<string, Behaviour>> = {
  '4242424242424242': 'approve',
  '4000000000000002': 'decline',
  '4000000000009995': 'insufficient_funds',
  '4000000000000077': 'slow',
  '4000000000000119': 'lost_captured',
  '4000000000000127': 'lost_not_captured',
};

export function behaviourOf(number: string): Behaviour {
  return TEST_CARDS[number] ?? 'decline';
}
