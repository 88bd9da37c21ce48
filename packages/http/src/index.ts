export { createHttpApp, type HttpAppOptions } from './app.ts';
export {
  AppError,
  type AppErrorOptions,
  conflict,
  type FieldProblem,
  forbidden,
  methodNotAllowed,
  notFound,
  payloadTooLarge,
  preconditionRequired,
  rateLimited,
  timedOut,
  unauthenticated,
  unavailable,
  unprocessable,
  unsupportedMediaType,
  validationFailed,
} from './app-error.ts';
export { bearerToken } from './authenticate.ts';
export { errorBody, internalError, sendError, toAppError } from './error-response.ts';
export type { DependencyStates, ReadinessCheck } from './health.ts';
export { type PagingOptions, pagingLinks, windowOf } from './paging.ts';
export { incomingContext, nameRoute } from './request-context.ts';
export { type Reply, type ReplyOptions, reply, sendJson, sendText } from './respond.ts';
export { type HandlerInput, type HandlerResult, handle, type MountedRoute } from './route.ts';
export { type HttpServer, type HttpServerOptions, httpServer } from './server.ts';
export { readServiceDocs, type ServiceDocs } from './service-docs.ts';
export { unsafeText } from './text-safety.ts';
export { problemsOf } from './validation.ts';
export { createLocalVerifier, createVerifier, type Identity, type Verifier, type VerifierOptions } from './verifier.ts';
