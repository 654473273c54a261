// Calls another origin with fetch and passes on what it says. It may call the origins that
// `grants.http` in function.json lists, and no others; here that is the `hello` function of this server.
//
//   curl localhost:8000/call-out

addEventListener("fetch", (event) => event.respondWith(callOut()));

async function callOut(): Promise<Response> {
  try {
    const answer = await fetch("http://localhost:8000/hello?name=neighbour");
    return new Response(`It said ${answer.status}: ${await answer.text()}`);
  } catch (error) {
    return new Response(`The call failed: ${error instanceof Error ? error.message : error}\n`, { status: 502 });
  }
}

declare function addEventListener(type: "fetch", listener: (event: FetchEvent) => void): void;
interface FetchEvent {
  readonly request: Request;
  respondWith(response: Response | Promise<Response>): void;
}
export {};
