/**
 * Stands in for the types of @whatwg-node/fetch, which bring the whole library of browser types into every file of the repository and
 * make `window` and `name` look like variables of ours. These are Node's own.
 */
export type FormDataLimits = { fieldNameSize?: number; fieldSize?: number; fields?: number };

type Api = Pick<
  typeof globalThis,
  | 'fetch'
  | 'Request'
  | 'Response'
  | 'Headers'
  | 'FormData'
  | 'ReadableStream'
  | 'WritableStream'
  | 'TransformStream'
  | 'CompressionStream'
  | 'DecompressionStream'
  | 'TextDecoderStream'
  | 'TextEncoderStream'
  | 'Blob'
  | 'File'
  | 'crypto'
  | 'btoa'
  | 'TextEncoder'
  | 'TextDecoder'
  | 'URLPattern'
  | 'URL'
  | 'URLSearchParams'
>;

export declare const Response: Api['Response'];
export declare function createFetch(options?: {
  useNodeFetch?: boolean;
  formDataLimits?: FormDataLimits;
  skipPonyfill?: boolean;
}): Api;
