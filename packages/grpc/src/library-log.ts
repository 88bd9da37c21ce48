import { logVerbosity, setLogVerbosity } from '@grpc/grpc-js';

/** gRPC's library writes lines of its own to standard error, which are no JSON; what they tell, our errors tell too. */
setLogVerbosity(logVerbosity.NONE);
