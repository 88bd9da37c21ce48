import type { Metrics } from '@punctual/telemetry';
import { type DocumentNode, type GraphQLError, getOperationAST } from 'graphql';
import type { Plugin } from 'graphql-yoga';

/** What came of one operation: `refused` before anything was executed, `partial` with some fields failed, `failed` without data. */
export type Outcome = 'ok' | 'partial' | 'failed' | 'refused';

/** Written while an operation runs, counted once when it is over. */
export type Operation = { type: 'query' | 'mutation' | 'subscription' | 'none'; outcome: Outcome };

export function newOperation(): Operation {
  return { type: 'none', outcome: 'refused' };
}

export function operationMeter(metrics: Metrics): (operation: Operation) => void {
  const operations = metrics.counter({
    name: 'graphql_operations_total',
    help: 'Operations by their type (none when it was not known yet) and by what came of them.',
    labelNames: ['operation_type', 'outcome'],
  });
  return ({ type, outcome }) => operations.inc({ operation_type: type, outcome });
}

type Context = { operation: Operation };

/** Notes type and outcome, and brings every error into the one shape. */
export function observeOperation(maskError: (error: unknown) => GraphQLError): Plugin<Context, Context> {
  return {
    onExecute: ({ args }) => noteType(args),
    onSubscribe: ({ args }) => noteType(args),
    onExecutionResult({ result, setResult, context: { operation } }) {
      if (result === undefined || isStream(result)) {
        operation.outcome = 'ok';
        return;
      }
      const hasData = result.data !== null && result.data !== undefined;
      const errors = result.errors?.map(maskError);
      operation.outcome = outcomeOf(operation, { hasData, hasErrors: errors !== undefined });
      if (errors === undefined) return;
      // An answer with data is 200, whatever failed in it; without data it has the status of what went wrong.
      if (hasData) for (const error of errors) delete error.extensions.http;
      setResult({ ...result, errors });
    },
  };
}

type Executed = { contextValue: Context; document: DocumentNode; operationName?: string | null | undefined };

function noteType({ contextValue, document, operationName }: Executed): void {
  contextValue.operation.type = getOperationAST(document, operationName)?.operation ?? 'none';
}

function isStream<Result>(result: Result | AsyncIterable<Result>): result is AsyncIterable<Result> {
  return typeof result === 'object' && result !== null && Symbol.asyncIterator in result;
}

function outcomeOf({ type }: Operation, { hasData, hasErrors }: { hasData: boolean; hasErrors: boolean }): Outcome {
  if (!hasErrors) return 'ok';
  if (hasData) return 'partial';
  return type === 'none' ? 'refused' : 'failed';
}
