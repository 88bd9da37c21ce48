import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  GraphQLInt,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  getOperationAST,
  getVariableValues,
  isObjectType,
  Kind,
  type SelectionSetNode,
  valueFromAST,
} from 'graphql';

/** What is about to be executed; the document is valid. */
export type Execution = {
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  readonly operationName?: string | null | undefined;
  readonly variableValues?: Readonly<Record<string, unknown>> | null | undefined;
};

type Variables = Readonly<Record<string, unknown>>;

/** The longest list that the services give. */
const MAX_LIST = 100;

/**
 * How many fields the answer may have: each counts 1, and what is below a list as often as its `limit` says. It is counted for each
 * execution, since the limit may be a variable.
 */
export function costOf({ schema, document, operationName, variableValues }: Execution): number {
  const operation = getOperationAST(document, operationName);
  const root = operation && schema.getRootType(operation.operation);
  if (!operation || !root) return 0;
  const { coerced } = getVariableValues(schema, operation.variableDefinitions ?? [], variableValues ?? {});
  // What is wrong with the variables is for the execution to say, which does nothing then.
  if (coerced === undefined) return 0;
  const variables: Variables = coerced;
  const ofFragments = fragmentCosts(document, ofFragment);

  function ofSelections({ selections }: SelectionSetNode, parent: GraphQLObjectType | undefined): number {
    return selections.reduce((sum, selection) => {
      if (selection.kind === Kind.FIELD) return sum + ofField(selection, parent);
      if (selection.kind === Kind.FRAGMENT_SPREAD) return sum + ofFragments(selection.name.value);
      const type = selection.typeCondition?.name.value;
      return sum + ofSelections(selection.selectionSet, type === undefined ? parent : objectType(type));
    }, 0);
  }

  function ofFragment({ selectionSet, typeCondition }: FragmentDefinitionNode): number {
    return ofSelections(selectionSet, objectType(typeCondition.name.value));
  }

  function ofField(node: FieldNode, parent: GraphQLObjectType | undefined): number {
    if (node.selectionSet === undefined) return 1;
    const field = parent?.getFields()[node.name.value];
    const type = field && getNamedType(field.type);
    const below = ofSelections(node.selectionSet, isObjectType(type) ? type : undefined);
    return 1 + sizeOf(node, field, variables) * below;
  }

  function objectType(name: string): GraphQLObjectType | undefined {
    const type = schema.getType(name);
    return isObjectType(type) ? type : undefined;
  }

  return ofSelections(operation.selectionSet, root);
}

/** Each is counted once, however often it is spread: fragments within fragments would double the work with every line. */
function fragmentCosts({ definitions }: DocumentNode, ofFragment: (fragment: FragmentDefinitionNode) => number) {
  const costs = new Map<string, number>();
  return (name: string): number => {
    const known = costs.get(name);
    if (known !== undefined) return known;
    const fragment = definitions.find((one) => one.kind === Kind.FRAGMENT_DEFINITION && one.name.value === name);
    const cost = fragment?.kind === Kind.FRAGMENT_DEFINITION ? ofFragment(fragment) : 0;
    costs.set(name, cost);
    return cost;
  };
}

/** How often what is below a field is answered, at most. */
function sizeOf(
  { arguments: given = [] }: FieldNode,
  field: GraphQLField<unknown, unknown> | undefined,
  variables: Variables,
): number {
  const limit = field?.args.find(({ name }) => name === 'limit');
  if (limit === undefined) return 1;
  const stated = given.find(({ name }) => name.value === 'limit');
  const size = stated && valueFromAST(stated.value, GraphQLInt, variables);
  return Math.min(MAX_LIST, Math.max(1, Number(size ?? limit.defaultValue ?? MAX_LIST)));
}
