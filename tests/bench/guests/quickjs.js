// The least that JavaScript in QuickJS does for a request, over WASI 0.3.
import { Fields, Response } from "wasi:http/types@0.3.0";

// QuickJS has no TextEncoder.
const bytes = (text) => Uint8Array.from(text, (character) => character.charCodeAt(0));

export const handler = {
  // deno-lint-ignore require-await -- the handler that WASI exports is async
  async handle() {
    async function* body() {
      yield bytes("hello from QuickJS\n");
    }
    const headers = Fields.fromList([["content-type", bytes("text/plain")]]);
    const [response] = Response.new(headers, body(), Promise.resolve({ tag: "ok", val: null }));
    return response;
  },
};
