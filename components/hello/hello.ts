// The shortest function: one answer to every request, each in a fresh isolate.
//
//   curl 'localhost:8000/hello?name=Skerry'

export default {
  fetch(request: Request): Response {
    const name = new URL(request.url).searchParams.get("name") ?? "world";
    return new Response(`Hello, ${name}!\n`);
  },
};
