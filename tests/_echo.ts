/**
 * A plain server that sends back what it is sent.
 *
 * @module
 */

/**
 * The request's body as a response's. It goes through JavaScript: a body that is only handed on loses its last bytes now
 * and then with Deno 2.8.2.
 */
export function echo(request: Request, headers: HeadersInit = {}): Response {
  return new Response(request.body?.pipeThrough(new TransformStream()) ?? null, { headers });
}
