// Calls another origin with fetch and passes on what it says. It may call the origins that `grants.http` in
// function.json lists, and no others; here that is this very server, whose function `hello` answers.
//
//   curl localhost:8000/call-out

export default {
  async fetch(request: Request): Promise<Response> {
    try {
      const answer = await fetch(new URL("/hello?name=neighbour", request.url));
      return new Response(`It said ${answer.status}: ${await answer.text()}`);
    } catch (error) {
      return new Response(`The call failed: ${error instanceof Error ? error.message : error}\n`, { status: 502 });
    }
  },
};
