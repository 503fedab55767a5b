/**
 * Adds `Promise.withResolvers` where it is missing: libp2p 3 calls it and Node 20 lacks it.
 *
 * Imported first by the binary, the library entry and the test setup. Goes when Node 20 goes.
 */
interface Resolvers {
  readonly promise: Promise<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason?: unknown) => void;
}

function withResolvers(this: PromiseConstructor): Resolvers {
  let resolve: Resolvers["resolve"] | undefined;
  let reject: Resolvers["reject"] | undefined;
  const promise = new this<unknown>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  // The executor above has run by now: a promise calls it before its constructor returns.
  return { promise, resolve: resolve!, reject: reject! };
}

if (!("withResolvers" in Promise)) {
  Object.defineProperty(Promise, "withResolvers", {
    value: withResolvers,
    configurable: true,
    writable: true,
  });
}
