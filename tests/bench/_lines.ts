/**
 * How the benchmark and its processes talk: a line of JSON each way.
 *
 * @module
 */

/** The lines of a stream, without their ends. */
export async function* lines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const bytes of stream) {
    const parts = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = parts.pop()!;
    yield* parts;
  }
  if (rest !== "") yield rest;
}

/** Writes a value as one line to standard output. */
export async function say(value: unknown): Promise<void> {
  const bytes = new TextEncoder().encode(`${JSON.stringify(value)}\n`);
  for (let at = 0; at < bytes.length;) at += await Deno.stdout.write(bytes.subarray(at));
}

/**
 * Answers each line of standard input, in order, until it ends: then whoever started this process has gone, or wants it
 * gone.
 */
export async function answerLines(answer: (question: unknown) => Promise<unknown>): Promise<void> {
  for await (const line of lines(Deno.stdin.readable)) {
    try {
      await say({ ok: await answer(JSON.parse(line)) });
    } catch (error) {
      await say({ error: error instanceof Error ? `${error.name}: ${error.message}` : String(error) });
    }
  }
}
