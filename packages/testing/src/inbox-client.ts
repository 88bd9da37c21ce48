import { type EventuallyOptions, eventually } from './eventually.ts';
import type { Mail } from './mail.ts';
import { listMailHog } from './mailhog.ts';

export type InboxClient = {
  /** All mails to this address, oldest first. */
  mailsTo(address: string): Promise<Mail[]>;
  /** The first mail to this address that satisfies the predicate; polls until it is there. */
  waitForMail(address: string, predicate?: (mail: Mail) => boolean, options?: EventuallyOptions): Promise<Mail>;
  /** Removes every mail, also those of others: only for an inbox of one's own. */
  clear(): Promise<void>;
};

/** `search` lets the server choose, since an inbox may hold thousands of mails; it may find more than was asked for. */
type MailServer = { search(address: string): Promise<Mail[]>; clear(): Promise<void> };

/** Speaks to maildev 2 and to MailHog; finds out by itself which one answers at `url`. */
export function inboxClient(url: string): InboxClient {
  let found: Promise<MailServer> | undefined;
  const server = (): Promise<MailServer> => {
    found ??= findServer(url);
    return found;
  };
  const mailsTo = async (address: string): Promise<Mail[]> => {
    const { search } = await server();
    const wanted = address.toLowerCase();
    return (await search(wanted)).filter((mail) => mail.to.some((recipient) => recipient.toLowerCase() === wanted));
  };
  return {
    mailsTo,
    waitForMail: (address, predicate = () => true, options = {}) =>
      eventually(async () => {
        const mails = await mailsTo(address);
        const mail = mails.find(predicate);
        if (mail === undefined) {
          const subjects = mails.map(({ subject }) => JSON.stringify(subject)).join(', ');
          throw new Error(`no such mail to ${address}; there are ${mails.length}: ${subjects}`);
        }
        return mail;
      }, options),
    async clear() {
      await (await server()).clear();
    },
  };
}

async function findServer(url: string): Promise<MailServer> {
  const probe = await fetch(new URL('/api/v2/messages?limit=1', url));
  await probe.body?.cancel();
  return probe.ok && probe.headers.get('content-type')?.includes('json') === true ? mailHog(url) : mailDev(url);
}

function mailHog(url: string): MailServer {
  return {
    async search(address) {
      const query = new URLSearchParams({ kind: 'to', query: address, limit: '1000' });
      return listMailHog(await getJson(new URL(`/api/v2/search?${query}`, url)));
    },
    clear: () => remove(new URL('/api/v1/messages', url)),
  };
}

type MailDevAddress = { address: string };
type MailDevMail = {
  id: string;
  from?: MailDevAddress[];
  to?: MailDevAddress[];
  subject?: string;
  html?: string;
  text?: string;
  headers?: Record<string, string>;
};

function mailDev(url: string): MailServer {
  return {
    async search(address) {
      const query = new URLSearchParams({ 'to.address': address });
      const mails = await getJson<MailDevMail[]>(new URL(`/email?${query}`, url));
      return mails.map(({ id, from = [], to = [], subject = '', html = '', text = '', headers = {} }) => ({
        id,
        from: from[0]?.address ?? '',
        to: to.map(({ address }) => address),
        subject,
        html,
        text,
        headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
      }));
    },
    clear: () => remove(new URL('/email/all', url)),
  };
}

/** The type is what the server's documentation promises. */
async function getJson<T>(url: URL): Promise<T> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`the inbox answered ${response.status} to GET ${url.pathname}`);
  return (await response.json()) as T;
}

async function remove(url: URL): Promise<void> {
  const response = await fetch(url, { method: 'DELETE' });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`the inbox answered ${response.status} to DELETE ${url.pathname}`);
}
