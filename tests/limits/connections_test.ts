import { expect } from "@std/expect";
import { lines } from "../bench/_lines.ts";

/** More than it needs to start, and less than the callers open. */
const FILES = 200, CALLERS = 300;

Deno.test({
  name: "callers who take all files of the process with connections end neither it nor what it answers",
  ignore: Deno.build.os === "windows",
  async fn() {
    const script = new URL("testdata/listens.ts", import.meta.url).pathname;
    const command = `ulimit -n ${FILES}; exec "$0" run -A --quiet "$1"`;
    const server = new Deno.Command("sh", { args: ["-c", command, Deno.execPath(), script], stdout: "piped" }).spawn();
    let over = false;
    const ended = server.status.then(() => over = true);
    const said = lines(server.stdout);
    const port = Number((await said.next()).value);
    const ask = (path: string) =>
      fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: "close" } }).then((answer) => answer.text());
    const waits = ask("/waits").catch(() => "broken off");
    while (await ask("/") === "0");
    const callers: Deno.Conn[] = [];
    for (let i = 0; i < CALLERS; i++) {
      // While it does not listen, they are refused.
      const caller = await Deno.connect({ hostname: "127.0.0.1", port }).catch(() => undefined);
      if (caller !== undefined) callers.push(caller);
    }
    let answer: string | undefined;
    while (answer === undefined && !over) answer = await ask("/go").catch(() => undefined);
    expect([answer, await waits, over]).toEqual(["1", "1", false]);
    for (const caller of callers) caller.close();
    server.kill("SIGKILL");
    await ended;
    await said.return(undefined);
  },
});
