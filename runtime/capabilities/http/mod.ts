/**
 * The capability `http`: `wasi:http`. Every function has it, to be called; what it may call itself is what it was
 * granted: `"http": { "allow": ["https://api.example.com"] }`.
 *
 * @module
 */
import { defineCapability } from "../../capability.ts";
import { httpGrant } from "./grant.ts";
import { p2 } from "./p2.ts";
import { p3 } from "./p3.ts";

export { serveP2 } from "./serve_p2.ts";
export { serveP3 } from "./serve_p3.ts";

export const http = defineCapability({
  name: "http",
  interfaces: Object.keys({ ...p2({ allow: [] }), ...p3({ allow: [] }) }),
  ungranted: { allow: [] },
  grant: httpGrant,
  open: () => undefined,
  link: ({ grant }) => ({ ...p2(grant), ...p3(grant) }),
});
