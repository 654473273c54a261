// The least that JavaScript in StarlingMonkey does for a request, over WASI 0.2.
addEventListener("fetch", (event) => event.respondWith(new Response("hello from StarlingMonkey\n")));
