import { expect } from "@std/expect";
import { withTask } from "../../context.ts";
import { Task } from "../../task.ts";
import { inTask, payloadOf } from "../_testing.ts";
import { blobstore, bucketAt, fill, hostOf, names, put, types } from "./_testing.ts";
import { startS3Server } from "./_s3_server.ts";

Deno.test("a bucket is asked with signatures, in parts that S3 takes, and nothing is left of what is broken off", () =>
  inTask(async (records) => {
    await using server = startS3Server();
    const host = hostOf(bucketAt(server.endpoint, "bucket", "pre/"));
    const container = await blobstore(host).createContainer("default");
    const { OutgoingValue } = types(host);
    const large = new Uint8Array(17 * 2 ** 20);
    const dropped = OutgoingValue.newOutgoingValue();
    await container.writeData("large", dropped);
    await fill(dropped, large);
    dropped[Symbol.dispose]();
    while (server.uploads.size > 0) await new Promise((resolve) => setTimeout(resolve, 1));
    await put(host, container, "2026/large.bin", large);
    expect([...server.objects.keys()].sort()).toEqual([
      "bucket/pre/functions/f/=default/2026~/large.bin",
      "bucket/pre/functions/f/=default/~container",
    ]);
    expect(server.uploads.size).toBe(0);
    server.instead = (request) =>
      request.method === "PUT"
        ? new Response("<Error><Code>SlowDown</Code><Message>not now</Message></Error>", { status: 503 })
        : undefined;
    expect(await payloadOf(() => put(host, container, "a", "1"))).toBe("the store failed to finish an object");
    expect(records.at(-1)!.message).toContain("status 503 SlowDown not now");
    // S3 may say that a copy has failed after it has said 200.
    server.instead = (request) =>
      request.headers.has("x-amz-copy-source") ? new Response("<Error><Code>InternalError</Code></Error>") : undefined;
    const ref = { container: "default", object: "2026/large.bin" };
    expect(await payloadOf(() => blobstore(host).moveObject(ref, { ...ref, object: "b" }))).toBe(
      "the store failed to move an object",
    );
    server.instead = undefined;
    expect(await names(container)).toEqual(["2026/large.bin"]);
  }));

Deno.test("a task that ends leaves no request to a bucket behind", async () => {
  await using server = startS3Server();
  const host = hostOf(bucketAt(server.endpoint));
  await inTask(async () => void await blobstore(host).createContainer("default"));
  const asked = Promise.withResolvers<void>();
  const left = Promise.withResolvers<void>();
  server.instead = (request) => {
    request.signal.addEventListener("abort", () => left.resolve());
    asked.resolve();
    return left.promise.then(() => new Response());
  };
  const task = new Task({ function: "f" });
  const attempt = withTask(task, () => payloadOf(() => blobstore(host).containerExists("default")));
  await asked.promise;
  task.end();
  await left.promise;
  expect(await attempt).toBe("the store failed to look for a container");
});
