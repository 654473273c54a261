// A whole Hono app inside one component: routes, parameters, middleware and JSON, all in the guest.
//
//   curl localhost:8000/notes/7
//   curl -X POST --json '{"text":"buy salt"}' localhost:8000/notes
import { Hono } from "hono";

const app = new Hono().basePath("/notes");

app.use(async (c, next) => {
  await next();
  c.header("x-answered-by", "a Hono app in an isolate");
});

app.get("/", (c) => c.json({ routes: ["GET /notes/:id", "POST /notes"] }));
app.get("/:id{[0-9]+}", (c) => c.json({ id: Number(c.req.param("id")), text: "a note" }));
app.post("/", async (c) => {
  const { text } = await c.req.json<{ text?: string }>();
  return text === undefined ? c.json({ error: "a note needs a text" }, 400) : c.json({ id: 8, text }, 201);
});

export default app;
