export { type Call, type CallExtra, clientAddressOf, requireAdmin, requireIdentity, requireService } from './caller.ts';
export type { CallerOptions } from './caller-options.ts';
export {
  createGrpcClient,
  type GrpcCalls,
  type GrpcClient,
  type GrpcClientOptions,
  isUnanswered,
  judgeCall,
} from './client.ts';
export { outsideCall } from './incoming-call.ts';
export { parseId, parseIds, parseMessage, parseWindow } from './parse-message.ts';
export { createGrpcServer, type GrpcServer, type GrpcServerOptions, type GrpcService } from './server.ts';
