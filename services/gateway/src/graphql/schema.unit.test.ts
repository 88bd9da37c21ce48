import assert from 'node:assert/strict';
import { type GraphQLType, isEnumType, isInputObjectType, isObjectType, parse, validate } from 'graphql';
import { EXAMPLES } from './examples.ts';
import { executableSchema } from './schema.ts';

const schema = executableSchema();
const types = Object.values(schema.getTypeMap()).filter(({ name }) => !name.startsWith('__'));
const own = types.filter(({ astNode }) => astNode !== undefined && astNode !== null);

/** Without its brackets and exclamation marks. */
const nameOf = (type: GraphQLType) => String(type).replace(/[[\]!]/g, '');

describe('the schema of the graph', () => {
  it('describes every type, field, argument and value', () => {
    const silent: string[] = [];
    const expect = (name: string, { description }: { description?: string | null | undefined }) => {
      if (!description) silent.push(name);
    };
    for (const type of own) {
      expect(type.name, type);
      if (isEnumType(type)) for (const value of type.getValues()) expect(`${type.name}.${value.name}`, value);
      if (!isObjectType(type) && !isInputObjectType(type)) continue;
      for (const field of Object.values(type.getFields())) {
        expect(`${type.name}.${field.name}`, field);
        if ('args' in field) for (const arg of field.args) expect(`${type.name}.${field.name}(${arg.name})`, arg);
      }
    }
    assert.deepEqual(silent, []);
  });

  it('lets every field of Query and Mutation fail alone, and each that another service answers', () => {
    const required: string[] = [];
    for (const name of ['Query', 'Mutation']) {
      const type = schema.getType(name);
      assert.ok(isObjectType(type));
      for (const field of Object.values(type.getFields())) {
        if (String(field.type).endsWith('!')) required.push(`${name}.${field.name}`);
      }
    }
    for (const [name, field] of [
      ['Order', 'user'],
      ['Order', 'payment'],
      ['Order', 'timeline'],
      ['OrderItem', 'product'],
      ['OrderStatusChange', 'order'],
    ] as const) {
      const type = schema.getType(name);
      assert.ok(isObjectType(type));
      if (String(type.getFields()[field]?.type).endsWith('!')) required.push(`${name}.${field}`);
    }
    assert.deepEqual(required, []);
  });

  it('is what every type is reached by', () => {
    const reached = new Set<string>();
    const visit = (name: string): void => {
      if (reached.has(name)) return;
      reached.add(name);
      const type = schema.getType(name);
      if (!isObjectType(type) && !isInputObjectType(type)) return;
      for (const field of Object.values(type.getFields())) {
        visit(nameOf(field.type));
        if ('args' in field) for (const arg of field.args) visit(nameOf(arg.type));
      }
    };
    for (const root of ['Query', 'Mutation', 'Subscription']) visit(root);
    assert.deepEqual(
      own.map(({ name }) => name).filter((name) => !reached.has(name)),
      [],
    );
  });

  it('takes the examples of GraphiQL', () => {
    for (const { query } of EXAMPLES) assert.deepEqual(validate(schema, parse(query)), [], query);
  });
});
