// Streams its answer piece by piece: the first line arrives while the guest still waits for the next.
//
//   curl -N 'localhost:8000/countdown?from=5'

export default { fetch: countdown };

function countdown(request: Request): Response {
  const from = Number(new URL(request.url).searchParams.get("from") ?? 5);
  const text = new TextEncoder();
  let left = Math.min(Math.max(Math.trunc(from) || 0, 0), 60);
  const body = new ReadableStream<Uint8Array>({
    // Called when the reader has room: a slow reader slows the countdown.
    async pull(controller) {
      controller.enqueue(text.encode(left > 0 ? `${left}\n` : "Land!\n"));
      if (left-- === 0) return controller.close();
      await new Promise((resolve) => setTimeout(resolve, 500));
    },
  });
  return new Response(body, { headers: { "content-type": "text/plain; charset=utf-8" } });
}
