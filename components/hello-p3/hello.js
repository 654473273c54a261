// A function for WASI 0.3 in JavaScript, on QuickJS: the handler is async, and a body is a stream of bytes.
// It answers at once, and writes its second line when the reader has taken the first.
//
//   curl localhost:8000/hello-p3
import { Fields, Response } from "wasi:http/types@0.3.0";

// QuickJS has no TextEncoder; these texts are ASCII.
const encode = (text) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

export const handler = {
  async handle(request) {
    const path = request.getPathWithQuery() ?? "/";
    async function* body() {
      yield encode("Hello from WASI 0.3,\n");
      yield encode(`at ${path}\n`);
    }
    const headers = Fields.fromList([["content-type", encode("text/plain")]]);
    const noTrailers = Promise.resolve({ tag: "ok", val: null });
    const [response] = Response.new(headers, body(), noTrailers);
    return response;
  },
};
