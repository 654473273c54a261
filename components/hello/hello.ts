// The shortest function: one answer to every request, each in a fresh isolate.
//
//   curl 'localhost:8000/hello?name=Skerry'

addEventListener("fetch", (event) => event.respondWith(hello(event.request)));

function hello(request: Request): Response {
  const name = new URL(request.url).searchParams.get("name") ?? "world";
  return new Response(`Hello, ${name}!\n`);
}

declare function addEventListener(type: "fetch", listener: (event: FetchEvent) => void): void;
interface FetchEvent {
  readonly request: Request;
  respondWith(response: Response | Promise<Response>): void;
}
export {};
