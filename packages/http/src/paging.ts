import type { IncomingMessage } from 'node:http';
import type { Paging } from '@punctual/contracts';

export type PagingOptions = {
  page: number;
  limit: number;
  totalItems: number;
  /** False when there are at least so many; true when absent. */
  totalIsExact?: boolean;
  /** What pages may lead to; those beyond are refused. No bound when absent. */
  maxItems?: number;
};

/** The window that a page is: what queries take, whoever asks. */
export function windowOf({ page, limit }: { page: number; limit: number }): { limit: number; offset: number } {
  return { limit, offset: (page - 1) * limit };
}

const basePattern = /^https?:\/\/[A-Za-z0-9.\-[\]:]+(?:\/[A-Za-z0-9._~-]+)*\/?$/;

/**
 * The `paging` of a list. Links keep the other query parameters and stand on `x-forwarded-base`, which the gateway
 * sets to its public address (`http://localhost:8080/api/v1`); without it they are relative to the root.
 */
export function pagingLinks(req: IncomingMessage, options: PagingOptions): Paging {
  const { page, limit, totalItems, totalIsExact = true, maxItems = Number.POSITIVE_INFINITY } = options;
  const totalPages = Math.min(Math.ceil(totalItems / limit), Math.floor(maxItems / limit));
  const lastPage = Math.max(1, totalPages);
  const url = req.url ?? '/';
  const queryStart = url.indexOf('?');
  const address = forwardedBase(req) + (queryStart === -1 ? url : url.slice(0, queryStart));
  const query = new URLSearchParams(queryStart === -1 ? '' : url.slice(queryStart));

  const link = (target: number): string => {
    query.set('page', String(target));
    return `${address}?${query.toString()}`;
  };
  return {
    page,
    limit,
    total_items: totalItems,
    total_is_exact: totalIsExact,
    total_pages: totalPages,
    links: {
      self: link(page),
      first: link(1),
      prev: page > 1 ? link(Math.min(page - 1, lastPage)) : null,
      next: page < totalPages ? link(page + 1) : null,
      last: link(lastPage),
    },
  };
}

function forwardedBase(req: IncomingMessage): string {
  const base = req.headers['x-forwarded-base'];
  if (typeof base !== 'string' || base.length > 300 || !basePattern.test(base)) return '';
  return base.endsWith('/') ? base.slice(0, -1) : base;
}
