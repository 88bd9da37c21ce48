import { maxAliasesPlugin } from '@escape.tech/graphql-armor-max-aliases';
import { maxDepthPlugin } from '@escape.tech/graphql-armor-max-depth';
import { maxDirectivesPlugin } from '@escape.tech/graphql-armor-max-directives';
import { maxTokensPlugin } from '@escape.tech/graphql-armor-max-tokens';
import { validationFailed } from '@punctual/http';
import {
  type ASTVisitor,
  NoSchemaIntrospectionCustomRule,
  OperationTypeNode,
  type SelectionSetNode,
  type ValidationContext,
  type ValidationRule,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { costOf, type Execution } from './cost.ts';
import { refusedDocument } from './errors.ts';

/** How large a document may be. Each is a variable of the gateway; beyond one, nothing of the document is executed. */
export type DocumentLimits = {
  readonly depth: number;
  readonly aliases: number;
  readonly tokens: number;
  readonly directives: number;
  /** Fields of the answer: what is below a list counts as often as its `limit` says. */
  readonly cost: number;
  /** Fields of a mutation: they run one after the other, so that many would be many requests in one. */
  readonly mutations: number;
};

export type LimitOptions = { readonly limits: DocumentLimits; readonly hasIntrospection: boolean };

const NUL = '\0';
/** Deeper than any input of the schema, and far from what a stack of calls holds. */
const MAX_VARIABLES_DEPTH = 32;

/** Refuses a document as soon as it is read, in the order in which it becomes dear: tokens while it is parsed, then the rest. */
export function documentLimits({ limits, hasIntrospection }: LimitOptions): Plugin[] {
  const refuse = (limit: keyof DocumentLimits) => (): never => {
    throw refusedDocument(`The document exceeds the limit of ${limits[limit]} for ${limit}.`, {
      limit,
      maximum: limits[limit],
    });
  };
  const refusal = (limit: keyof DocumentLimits) => ({ onReject: [refuse(limit)] });
  return [
    maxTokensPlugin({ n: limits.tokens, ...refusal('tokens') }),
    maxDepthPlugin({ n: limits.depth, flattenFragments: true, ...refusal('depth') }),
    maxAliasesPlugin({ n: limits.aliases, allowList: [], ...refusal('aliases') }),
    maxDirectivesPlugin({ n: limits.directives, ...refusal('directives') }),
    rules([
      mutationLimit(limits.mutations, refuse('mutations')),
      storableText,
      ...(hasIntrospection ? [] : [NoSchemaIntrospectionCustomRule]),
    ]),
    storableVariables(),
    costLimit(limits.cost, refuse('cost')),
  ];
}

/** Not a rule: what the engine found valid once it does not validate again, and the next variables may say other limits. */
function costLimit(maximum: number, refuse: () => never): Plugin {
  const check = ({ args }: { args: Execution }) => {
    if (costOf(args) > maximum) refuse();
  };
  return { onExecute: check, onSubscribe: check };
}

function rules(added: readonly ValidationRule[]): Plugin {
  return {
    onValidate({ addValidationRule }) {
      for (const rule of added) addValidationRule(rule);
    },
  };
}

function mutationLimit(maximum: number, refuse: () => never): ValidationRule {
  return (context): ASTVisitor => ({
    OperationDefinition({ operation, selectionSet }) {
      if (operation === OperationTypeNode.MUTATION && countFields(selectionSet, context) > maximum) refuse();
    },
  });
}

/** Fields at the top of an operation, those of its fragments included. */
function countFields(selectionSet: SelectionSetNode, context: ValidationContext, seen = new Set<string>()): number {
  let count = 0;
  for (const selection of selectionSet.selections) {
    if (selection.kind === 'Field') count += 1;
    else if (selection.kind === 'InlineFragment') count += countFields(selection.selectionSet, context, seen);
    else {
      const { value: name } = selection.name;
      const fragment = seen.has(name) ? undefined : context.getFragment(name);
      // A fragment that is spread again gives the same fields, which are answered once.
      seen.add(name);
      if (fragment) count += countFields(fragment.selectionSet, context, seen);
    }
  }
  return count;
}

/** Text that no database of ours stores is refused here, wherever it stands. The parser refuses halves of surrogate pairs itself. */
const storableText: ValidationRule = (context) => ({
  StringValue(node) {
    if (node.value.includes(NUL))
      context.reportError(refusedDocument('A text must not contain a NUL character.', null));
  },
});

function storableVariables(): Plugin {
  return {
    onParams({ params }) {
      const problem = unstorable(params.variables, 'variables');
      if (problem !== undefined) throw validationFailed([problem]);
    },
  };
}

function unstorable(value: unknown, field: string, depth = 0): { field: string; message: string } | undefined {
  if (typeof value === 'string') {
    if (value.includes(NUL)) return { field, message: 'must not contain a NUL character' };
    return value.isWellFormed() ? undefined : { field, message: 'must not contain half of a surrogate pair' };
  }
  if (typeof value !== 'object' || value === null) return undefined;
  if (depth > MAX_VARIABLES_DEPTH) return { field: 'variables', message: 'is nested too deeply' };
  for (const [key, child] of Object.entries(value)) {
    const problem = unstorable(child, Array.isArray(value) ? `${field}[${key}]` : `${field}.${key}`, depth + 1);
    if (problem !== undefined) return problem;
  }
  return undefined;
}
