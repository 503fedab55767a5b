/**
 * What must hold before any libp2p module is loaded; imported first, for its effect.
 * Tests: test/integration/net/lib-net-own.test.ts.
 */
import "../../promise-with-resolvers.ts";

// Noise writes session keys to its log when it finds this variable while it is loaded.
delete process.env["DUMP_SESSION_KEYS"];
