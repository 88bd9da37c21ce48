import { type AppError, conflict, notFound, validationFailed } from '@punctual/http';
import { ProductRefused, type Refusal } from '../commands/catalog.ts';

/** The answer to a refused change; undefined for every other error. */
export function refusalAnswer(error: unknown): AppError | undefined {
  return error instanceof ProductRefused ? answer(error.refusal) : undefined;
}

function answer(refusal: Refusal): AppError {
  const { productId } = refusal;
  switch (refusal.code) {
    case 'NOT_FOUND':
      return notFound('product', productId);
    case 'VERSION_CONFLICT':
      return conflict('VERSION_CONFLICT', 'The product has changed since. Read it again before you change it.', {
        product_id: productId,
        current_version: refusal.currentVersion,
      });
    case 'OUT_OF_STOCK':
      return conflict('OUT_OF_STOCK', 'Fewer pieces are available than are to be taken away.', {
        product_id: productId,
        available: refusal.available,
        change: refusal.change,
      });
    case 'STOCK_LIMIT':
      return validationFailed([{ field: 'change', message: `must not bring the stock above ${refusal.limit}` }]);
    default:
      return unknownRefusal(refusal);
  }
}

function unknownRefusal(refusal: never): never {
  throw new Error(`unknown refusal ${JSON.stringify(refusal)}`);
}
