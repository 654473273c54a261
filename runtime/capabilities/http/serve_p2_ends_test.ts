import { expect } from "@std/expect";
import { GuestExit, SkerryError, WitError } from "../../errors.ts";
import { ByteChannel } from "../../streams/bytes.ts";
import type { IoError } from "../../streams/p2/mod.ts";
import { HttpFailure } from "./error_code.ts";
import { Fields } from "./p2_fields.ts";
import { OutgoingBody } from "./p2_outgoing.ts";
import { ResponseOutparam } from "./p2_outparam.ts";

import { answer, caught, code, drain, type Handle, httpErrorCode, response, serve, utf8 } from "./_serve_p2_testing.ts";

for (
  const [what, expected, handle] of [
    ["returns without a response", "guest-no-response", () => {}],
    ["drops the outparam", "guest-no-response", (_, out) => out[Symbol.dispose]()],
    [
      "sets an error",
      "guest-error",
      (_, out) => ResponseOutparam.set(out, { tag: "err", val: { tag: "internal-error", val: "no luck" } }),
    ],
    ["traps", "guest-trapped", () => {
      throw new WebAssembly.RuntimeError("unreachable");
    }],
    ["exits", "guest-exited", () => {
      throw new GuestExit(3);
    }],
    [
      "announces a body that it does not have",
      "guest-response-invalid",
      (_, out) => ResponseOutparam.set(out, { tag: "ok", val: response([["content-length", "5"]]) }),
    ],
  ] satisfies [string, string, Handle][]
) {
  Deno.test(`a guest that ${what} ends in ${expected}`, async () => {
    const { exchange, task } = serve(handle);
    expect(await code(exchange.response)).toBe(expected);
    await exchange.finished?.catch(() => {});
    task.end();
  });
}

Deno.test("a failure tells the operator what the guest said, and where it trapped", async () => {
  const error = serve((_, out) =>
    ResponseOutparam.set(out, { tag: "err", val: { tag: "DNS-error", val: { rcode: "NXDOMAIN" } } })
  );
  await expect(error.exchange.response).rejects.toThrow("DNS-error (rcode NXDOMAIN)");
  error.task.end();
  const trap = new WebAssembly.RuntimeError("unreachable");
  const trapped = serve(() => {
    throw trap;
  });
  await expect(trapped.exchange.response).rejects.toMatchObject({ cause: trap });
  await expect(trapped.exchange.finished).rejects.toMatchObject({ cause: trap });
  trapped.task.end();
});

const BREAKS = [
  ["returns", "guest-response-incomplete", () => {}],
  ["drops the body", "guest-response-incomplete", (body) => body[Symbol.dispose]()],
  ["traps", "guest-trapped", () => {
    throw new WebAssembly.RuntimeError("unreachable");
  }],
  ["exits", "guest-exited", () => {
    throw new GuestExit(0);
  }],
] satisfies [string, string, (body: OutgoingBody) => void][];

for (const [what, , end] of BREAKS) {
  Deno.test(`a body is broken off when the guest ${what} before it has finished it`, async () => {
    const sent = Promise.withResolvers<void>();
    const { exchange, task } = serve(async (_, out) => {
      const set = response();
      const body = set.body();
      ResponseOutparam.set(out, { tag: "ok", val: set });
      body.write().write(utf8("half"));
      await sent.promise;
      end(body);
    });
    const { body } = await exchange.response;
    sent.resolve();
    expect(body!.source.remaining).toBe(undefined);
    expect(await code(drain(body))).toBe("guest-response-incomplete");
    expect(await code(body!.trailers)).toBe("guest-response-incomplete");
    await exchange.finished?.catch(() => {});
    task.end();
  });
}

for (const [what, expected, end] of BREAKS) {
  Deno.test(`a guest that ${what} before anything of its body was sent gets the caller told ${expected}`, async () => {
    for (const written of ["", "half"]) {
      const { exchange, task } = serve((_, out) => {
        const set = response();
        const body = set.body();
        ResponseOutparam.set(out, { tag: "ok", val: set });
        const stream = body.write();
        stream.write(utf8(written));
        stream[Symbol.dispose]();
        end(body);
      });
      expect([written, await code(exchange.response)]).toEqual([written, expected]);
      await exchange.finished?.catch(() => {});
      task.end();
    }
  });
}

Deno.test("a response without a body goes out whatever becomes of the body that its guest writes", async () => {
  for (const [method, status] of [["HEAD", 200], ["GET", 204], ["GET", 304]] as const) {
    const { exchange, task } = serve((_, out) => {
      const set = response();
      set.setStatusCode(status);
      const body = set.body();
      ResponseOutparam.set(out, { tag: "ok", val: set });
      body[Symbol.dispose]();
    }, { method });
    expect((await exchange.response).status).toBe(status);
    await exchange.finished;
    task.end();
  }
});

Deno.test("too few bytes for content-length are an error when the body is finished, and break it off", async () => {
  const { exchange, task } = serve((_, out) => {
    const set = response([["content-length", "10"]]);
    const body = set.body();
    ResponseOutparam.set(out, { tag: "ok", val: set });
    const stream = body.write();
    stream.write(utf8("short"));
    stream[Symbol.dispose]();
    expect(caught(() => OutgoingBody.finish(body, undefined))).toEqual({ tag: "HTTP-response-body-size", val: 5n });
  });
  expect(await code(exchange.response)).toBe("guest-response-incomplete");
  await exchange.finished;
  task.end();
});

Deno.test("too many bytes for content-length fail the stream, and break the body off", async () => {
  const { exchange, task } = serve((_, out) => {
    const set = response([["content-length", "3"]]);
    const body = set.body();
    ResponseOutparam.set(out, { tag: "ok", val: set });
    const stream = body.write();
    const failed = caught(() => stream.write(utf8("much"))) as { tag: string; val: IoError };
    expect(failed.tag).toBe("last-operation-failed");
    expect(httpErrorCode(failed.val)).toEqual({ tag: "HTTP-response-body-size", val: 4n });
    expect(caught(() => stream.write(utf8("more")))).toEqual({ tag: "closed" });
    stream[Symbol.dispose]();
    expect(caught(() => OutgoingBody.finish(body, undefined))).toEqual({ tag: "HTTP-response-body-size", val: 4n });
  });
  expect(await code(exchange.response)).toBe("guest-response-incomplete");
  await exchange.finished;
  task.end();
});

Deno.test("the answer to HEAD, and 304, may announce a length and write nothing", async () => {
  for (const [method, status] of [["HEAD", 200], ["GET", 304]] as const) {
    const { exchange, task } = serve((_, out) => {
      const set = response([["content-length", "10"]]);
      set.setStatusCode(status);
      const body = set.body();
      ResponseOutparam.set(out, { tag: "ok", val: set });
      OutgoingBody.finish(body, undefined);
    }, { method });
    expect(await drain((await exchange.response).body)).toBe("");
    await exchange.finished;
    task.end();
  }
});

Deno.test("a content-length that is no number is refused with the body", async () => {
  for (const value of ["-1", "1, 2", "1e3", ""]) {
    const { exchange, task } = serve((_, out) => {
      const set = response([["content-length", value]]);
      expect(() => set.body()).toThrow(WitError);
      ResponseOutparam.set(out, { tag: "ok", val: set });
    });
    expect(await code(exchange.response)).toBe("guest-response-invalid");
    task.end();
  }
});

Deno.test("when the caller leaves, the guest's stream closes and it may end in peace", async () => {
  const go = Promise.withResolvers<void>();
  const { exchange, task } = serve(async (_, out) => {
    const set = response([["content-length", "100"]]);
    const body = set.body();
    const stream = body.write();
    ResponseOutparam.set(out, { tag: "ok", val: set });
    stream.write(utf8("some"));
    await go.promise;
    expect(caught(() => stream.write(utf8("more")))).toEqual({ tag: "closed" });
    stream[Symbol.dispose]();
    OutgoingBody.finish(body, undefined);
  });
  (await exchange.response).body!.source.cancel();
  go.resolve();
  await exchange.finished;
  task.end();
});

Deno.test("a task that ends takes the response and the body with it", async () => {
  const never = new Promise<void>(() => {});
  const held: Disposable[] = [];
  const waiting = serve((_, out) => {
    held.push(out);
    return never;
  });
  // As an isolate does that ends with its task: what the guest holds is dropped, which is not what failed.
  waiting.task.defer(() => held[0]![Symbol.dispose]());
  waiting.task.end(new SkerryError("deadline-exceeded", "too late"));
  expect(await code(waiting.exchange.response)).toBe("deadline-exceeded");
  expect(await code(waiting.exchange.finished)).toBe("deadline-exceeded");
  const streaming = serve((_, out) => {
    const set = response();
    const body = set.body();
    ResponseOutparam.set(out, { tag: "ok", val: set });
    body.write().write(utf8("half"));
    return never;
  });
  const { body } = await streaming.exchange.response;
  streaming.task.end(new SkerryError("deadline-exceeded", "too late"));
  expect(await code(drain(body))).toBe("guest-response-incomplete");
});

Deno.test("the rest of a request's body is not wanted when the guest has ended", async () => {
  const { sink, source } = new ByteChannel();
  const { exchange, task } = serve((_, out) => answer(out, ""), {
    body: { source, trailers: Promise.resolve(undefined) },
  });
  await exchange.response;
  await exchange.finished;
  expect(sink.state).toBe("closed");
  task.end();
});

Deno.test("informational responses are refused as the WIT says", async () => {
  const { exchange, task } = serve((_, out) => {
    expect(caught(() => out.sendInformational(200, new Fields()))).toEqual({ tag: "HTTP-protocol-error" });
    expect(caught(() => out.sendInformational(103, new Fields()))).toMatchObject({ tag: "internal-error" });
    answer(out, "");
  });
  await exchange.response;
  task.end();
});

Deno.test("an error-code reads well in a message", () => {
  expect(new HttpFailure({ tag: "HTTP-request-header-size", val: { fieldName: "a" } }).message).toBe(
    "HTTP-request-header-size (fieldName a)",
  );
  expect(new HttpFailure({ tag: "internal-error", val: undefined }).message).toBe("internal-error");
});
