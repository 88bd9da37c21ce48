export type Series = {
  readonly label: string;
  /** Beside the numbers of its axis, such as `ms` or `orders/s`. */
  readonly unit: string;
  /** One value per x; null where nothing was measured. */
  readonly values: readonly (number | null)[];
  /** `left` when absent. */
  readonly axis?: 'left' | 'right';
};

export type Chart = {
  readonly xLabel: string;
  readonly xs: readonly number[];
  readonly series: readonly Series[];
  /** Spans along x that are shaded and named, such as the time a fault lasted. */
  readonly bands?: readonly { readonly from: number; readonly to: number; readonly label: string }[];
};

export type Table = {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
};

export type Section = {
  readonly heading: string;
  readonly text?: string;
  readonly table?: Table;
  readonly chart?: Chart;
};

/** One HTML document that needs nothing but itself: no network, no other file. */
export function renderPage(page: { title: string; subtitle: string; sections: readonly Section[] }): string {
  throw new Error(`not written yet: ${page.title}`);
}
