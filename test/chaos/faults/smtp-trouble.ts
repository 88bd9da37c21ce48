/**
 * What a mail server in trouble does, on the link between the mail service and the inbox. It understands as much of SMTP as it
 * takes to strike at the right moment: single-line commands, and the mail between 354 and the dot on a line of its own.
 */
import type { Inspected, Inspection } from '@punctual/testing';
import type { SmtpMode } from '../types.ts';

const OFFERS = /^250[- ](STARTTLS|PIPELINING)\r\n/im;
const END_OF_MAIL = '\r\n.\r\n';

export type SmtpTrouble = {
  inspect(connection: Inspected): Inspection;
  begin(mode: SmtpMode): void;
  end(): void;
  /** Message-IDs of mails that the server took and whose sender was left without an answer. */
  unanswered(): readonly string[];
};

export function createSmtpTrouble(): SmtpTrouble {
  let mode: SmtpMode | undefined;
  const unanswered: string[] = [];

  function inspect(connection: Inspected): Inspection {
    let isMail = false;
    let mail = '';
    let answersTheMail = false;
    return {
      toServer(chunk) {
        const text = chunk.toString('latin1');
        if (isMail) {
          mail += text;
          if (!mail.endsWith(END_OF_MAIL)) return chunk;
          isMail = false;
          answersTheMail = true;
          return chunk;
        }
        if (/^MAIL FROM:/i.test(text) && mode === 'refuse') {
          connection.answer('451 4.3.0 Mail server temporarily rejected message\r\n');
          return undefined;
        }
        if (!/^DATA\r\n/i.test(text)) return chunk;
        if (mode === 'hang') return undefined;
        isMail = true;
        mail = '';
        return chunk;
      },
      toClient(chunk) {
        if (!answersTheMail) return asPlainDialogue(chunk);
        answersTheMail = false;
        if (mode === undefined || !/^250/.test(chunk.toString('latin1'))) return chunk;
        if (mode === 'reset-before-answer') {
          unanswered.push(messageIdOf(mail));
          connection.reset();
          return undefined;
        }
        // The answer must be on its way before the connection is torn apart.
        if (mode === 'reset-after-answer') setTimeout(() => connection.reset(), 20);
        return chunk;
      },
    };
  }

  return {
    inspect,
    begin(next) {
      mode = next;
    },
    end() {
      mode = undefined;
    },
    unanswered: () => unanswered,
  };
}

/** Encrypted or sent in one go, commands cannot be told apart: so the answer to EHLO does not offer that. */
function asPlainDialogue(chunk: Buffer): Buffer {
  const text = chunk.toString('latin1');
  if (!OFFERS.test(text)) return chunk;
  const lines = text.split('\r\n').filter((line) => line !== '' && !OFFERS.test(`${line}\r\n`));
  const last = lines.pop() ?? '250 OK';
  return Buffer.from(`${[...lines, last.replace(/^250-/, '250 ')].join('\r\n')}\r\n`, 'latin1');
}

function messageIdOf(mail: string): string {
  return /^Message-ID:\s*(<[^>]+>)/im.exec(mail)?.[1] ?? 'unknown';
}
