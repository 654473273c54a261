/** Listens, says where, and answers one request when another comes. */
import { listen } from "../../../runtime/server.ts";
import { readSettings } from "../../../runtime/settings.ts";

const gone = Promise.withResolvers<void>();
let waiting = 0;
const { addr } = listen(async ({ url }) => {
  if (url.endsWith("/waits")) {
    waiting++;
    await gone.promise;
  }
  if (url.endsWith("/go")) gone.resolve();
  return new Response(`${waiting}`);
}, readSettings({ PORT: "0", SKERRY_HOST: "127.0.0.1" }));
console.log(addr.port);
