import type { ProtoDocs, ProtoEnum, ProtoMessage, ProtoService } from '@punctual/contracts';
import { textPage } from './docs-layout.ts';
import { code, escaped, type Html, prose, table } from './html.ts';

type ProtoFile = ProtoDocs[number];

const INTRODUCTION = [
  "How the services call each other; the gateway's clients do not. Every service also answers `grpc.health.v1` and reflection.",
  "The user's access token travels as the metadata `authorization`; a call of one of our services also carries a short-lived",
  '`service-token`. A failure has the status that goes with its code, and the whole error as `ErrorDetail` in the trailer',
  '`punctual-error-bin`.',
].join(' ');

/** The page of the gRPC services, from their .proto files. `base` is the path of the documentation, such as `/api/v1/docs`. */
export function grpcPage(docs: ProtoDocs, base: string): Html {
  const links = new Set(docs.flatMap(({ messages, enums }) => [...messages, ...enums].map(({ name }) => name)));
  const raw = docs.map(({ file }) => ({ href: `${base}/proto/${file}`, name: file }));
  const content = ['<h1>gRPC</h1>', `<p>${prose(INTRODUCTION)}</p>`, ...docs.map((file) => fileSection(file, links))];
  return textPage({ base, current: '/grpc', title: 'Punctual gRPC', raw }, content.join('\n    '));
}

function fileSection({ file, package: name, services, messages, enums }: ProtoFile, links: ReadonlySet<string>): Html {
  const parts = [
    `<h2 id="${escaped(file)}">${escaped(file)}</h2>`,
    `<p class="who">Package ${code(name)}</p>`,
    ...services.map((service) => serviceSection(service, links)),
    ...messages.map((message) => messageSection(message, links)),
    ...enums.map(enumSection),
  ];
  return parts.join('\n    ');
}

function serviceSection({ name, comment, methods }: ProtoService, links: ReadonlySet<string>): Html {
  const rows = methods.map((method) => [
    code(method.name),
    typeLink(method.request, links),
    typeLink(method.response, links),
    method.idempotency === 'unknown' ? 'no' : `yes: ${escaped(method.idempotency)}`,
    prose(method.comment),
  ]);
  return `<section id="${escaped(name)}">
      <h3>service ${escaped(name)}</h3>
      <p>${prose(comment)}</p>
      ${table(['method', 'takes', 'answers', 'may be retried', 'what it does'], rows)}
    </section>`;
}

function messageSection({ name, comment, fields }: ProtoMessage, links: ReadonlySet<string>): Html {
  const rows = fields.map((field) => [
    code(field.name),
    `${field.isRepeated ? 'list of ' : ''}${typeLink(field.type, links)}${field.isOptional ? ', may be missing' : ''}`,
    String(field.number),
    prose(field.comment),
  ]);
  return `<section id="${escaped(name)}">
      <h3>${escaped(name)}</h3>
      <p>${prose(comment)}</p>
      ${fields.length === 0 ? '<p>No fields.</p>' : table(['field', 'type', 'number', 'note'], rows)}
    </section>`;
}

function enumSection({ name, comment, values }: ProtoEnum): Html {
  return `<section id="${escaped(name)}">
      <h3>enum ${escaped(name)}</h3>
      <p>${prose(comment)}</p>
      <p>${values.map(code).join(' ')}</p>
    </section>`;
}

/** Types of protobuf itself stand elsewhere. */
function typeLink(type: string, links: ReadonlySet<string>): Html {
  return links.has(type) ? `<a href="#${escaped(type)}">${code(type)}</a>` : code(type);
}
