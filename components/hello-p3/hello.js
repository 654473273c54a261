// A function for WASI 0.3 in JavaScript, on QuickJS: bodies are streams of bytes, and waiting is `await`.
// It greets whom the request's body names; its second line comes half a second after the first.
//
//   curl -N -d Skerry localhost:8000/hello-p3
import { waitFor } from "wasi:clocks/monotonic-clock@0.3.0";
import { Fields, Request, Response } from "wasi:http/types@0.3.0";

const ok = () => Promise.resolve({ tag: "ok", val: null });

export const handler = {
  async handle(request) {
    const [contents] = Request.consumeBody(request, ok());
    let name = "";
    for await (const chunk of contents) name += String.fromCharCode(...chunk);

    async function* body() {
      yield bytes(`Hello, ${name || "world"}!\n`);
      await waitFor(500_000_000);
      yield bytes("This is WASI 0.3.\n");
    }
    const headers = Fields.fromList([["content-type", bytes("text/plain; charset=utf-8")]]);
    const [response] = Response.new(headers, body(), ok());
    return response;
  },
};

// QuickJS has no TextEncoder: here a text is what its bytes are, one character each.
const bytes = (text) => Uint8Array.from(text, (character) => character.charCodeAt(0));
