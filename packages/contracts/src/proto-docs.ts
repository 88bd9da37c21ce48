/** What the .proto files say, comments included, in the form in which it is shown to people. */

export type ProtoField = {
  readonly name: string;
  readonly number: number;
  /** `int64`, or the name of a message or enum: those of this package without their package. */
  readonly type: string;
  readonly isRepeated: boolean;
  /** Whether its absence can be told from its default. */
  readonly isOptional: boolean;
  readonly comment: string;
};
export type ProtoMessage = {
  readonly name: string;
  readonly comment: string;
  readonly fields: readonly ProtoField[];
};
export type ProtoEnum = { readonly name: string; readonly comment: string; readonly values: readonly string[] };
export type ProtoMethod = {
  readonly name: string;
  readonly comment: string;
  readonly request: string;
  readonly response: string;
  /** Whether a client may send it again by itself. */
  readonly idempotency: 'unknown' | 'idempotent' | 'no side effects';
};
export type ProtoService = {
  readonly name: string;
  readonly comment: string;
  readonly methods: readonly ProtoMethod[];
};
export type ProtoDocs = readonly {
  /** Such as `order.proto`. */
  readonly file: string;
  readonly package: string;
  readonly services: readonly ProtoService[];
  readonly messages: readonly ProtoMessage[];
  readonly enums: readonly ProtoEnum[];
}[];

/** A FileDescriptorSet in protobuf's JSON, as far as it is read here. */
export type DescriptorSet = { readonly file: readonly FileDescriptor[] };
type FileDescriptor = {
  readonly name: string;
  readonly package: string;
  readonly service?: readonly {
    readonly name: string;
    readonly method: readonly {
      readonly name: string;
      readonly inputType: string;
      readonly outputType: string;
      readonly options?: { readonly idempotencyLevel?: string };
    }[];
  }[];
  readonly messageType?: readonly {
    readonly name: string;
    readonly field?: readonly {
      readonly name: string;
      readonly number: number;
      readonly label: string;
      readonly type: string;
      readonly typeName?: string;
      readonly proto3Optional?: boolean;
    }[];
  }[];
  readonly enumType?: readonly { readonly name: string; readonly value: readonly { readonly name: string }[] }[];
  readonly sourceCodeInfo?: {
    readonly location: readonly { readonly path?: readonly number[]; readonly leadingComments?: string }[];
  };
};

/** Numbers of fields in descriptor.proto, of which the paths of comments consist. */
const MESSAGE_TYPE = 4;
const ENUM_TYPE = 5;
const SERVICE = 6;
const MEMBER = 2;
const IDEMPOTENCY: Readonly<Record<string, ProtoMethod['idempotency']>> = {
  IDEMPOTENT: 'idempotent',
  NO_SIDE_EFFECTS: 'no side effects',
};

/** One entry for each file, in the order of their names. */
export function protoDocs({ file: files }: DescriptorSet): ProtoDocs {
  return files.map(describeFile).sort((a, b) => (a.file < b.file ? -1 : 1));
}

function describeFile(file: FileDescriptor): ProtoDocs[number] {
  const comments = new Map(
    file.sourceCodeInfo?.location.map(({ path, leadingComments }) => [(path ?? []).join('.'), leadingComments]),
  );
  const commentAt = (...path: number[]): string => (comments.get(path.join('.')) ?? '').replaceAll(/\s+/g, ' ').trim();
  const nameOf = (type: string): string => type.replace(`.${file.package}.`, '').replace(/^\./, '');
  return {
    file: file.name,
    package: file.package,
    services: (file.service ?? []).map(({ name, method }, index) => ({
      name,
      comment: commentAt(SERVICE, index),
      methods: method.map(({ name: methodName, inputType, outputType, options }, at) => ({
        name: methodName,
        comment: commentAt(SERVICE, index, MEMBER, at),
        request: nameOf(inputType),
        response: nameOf(outputType),
        idempotency: IDEMPOTENCY[options?.idempotencyLevel ?? ''] ?? 'unknown',
      })),
    })),
    messages: (file.messageType ?? []).map(({ name, field = [] }, index) => ({
      name,
      comment: commentAt(MESSAGE_TYPE, index),
      fields: field.map(({ name: fieldName, number, label, type, typeName, proto3Optional }, at) => ({
        name: fieldName,
        number,
        type: typeName === undefined ? type.replace('TYPE_', '').toLowerCase() : nameOf(typeName),
        isRepeated: label === 'LABEL_REPEATED',
        isOptional: proto3Optional === true,
        comment: commentAt(MESSAGE_TYPE, index, MEMBER, at),
      })),
    })),
    enums: (file.enumType ?? []).map(({ name, value }, index) => ({
      name,
      comment: commentAt(ENUM_TYPE, index),
      values: value.map((each) => each.name),
    })),
  };
}
