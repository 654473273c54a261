import { expect } from "@std/expect";
import { fileURLToPath } from "node:url";

const LAUNCHER = fileURLToPath(import.meta.resolve("./deno.js"));

Deno.test({
  name: "what npm has started ends when npm gets SIGTERM, although the shell between them says nothing",
  ignore: Deno.build.os === "windows",
  async fn() {
    const script = "Deno.addSignalListener('SIGTERM', () => { console.log('asked to stop'); Deno.exit(0); }); " +
      "console.log('runs'); setInterval(() => {}, 1000)";
    // As npm does: a shell that waits for the launcher, and is killed alone.
    const shell = new Deno.Command("sh", {
      args: ["-c", 'node "$0" eval "$1"; exit', LAUNCHER, script],
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    let output = "";
    for await (const text of shell.stdout.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>)) {
      output += text;
      if (output === "runs\n") shell.kill("SIGTERM");
    }
    // The pipe ends when the last of them has ended.
    expect(output).toBe("runs\nasked to stop\n");
    await shell.status;
  },
});
