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
  unauthenticated,
  unavailable,
  unprocessable,
  unsupportedMediaType,
  validationFailed,
} from './app-error.ts';
export { errorBody, sendError, toAppError } from './error-response.ts';
export type { ReadinessCheck } from './health.ts';
export { type PagingOptions, pagingLinks } from './paging.ts';
export { nameRoute } from './request-context.ts';
export { type Reply, type ReplyOptions, reply, sendJson, sendText } from './respond.ts';
export { type HandlerInput, type HandlerResult, handle, type MountedRoute } from './route.ts';
export { type HttpServer, type HttpServerOptions, httpServer } from './server.ts';
export {
  createServiceClient,
  type ServiceClient,
  type ServiceClientOptions,
  type ServiceRequest,
} from './service-client.ts';
export { createLocalVerifier, createVerifier, type Identity, type Verifier, type VerifierOptions } from './verifier.ts';
