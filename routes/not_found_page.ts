/**
 * What a browser sees in development at a path that no function has: the functions that there are.
 *
 * @module
 */
import { formatRoute, type FunctionEntry } from "../runtime/mod.ts";
import { type Markup, markup, page } from "./page.ts";

/** The page as text. */
export function notFoundPage(functions: readonly FunctionEntry[], request: Request, id: string): string {
  const pathname = URL.parse(request.url)?.pathname ?? request.url;
  const root = pathname === "/";
  return page(
    root ? "Skerry" : "404 route-not-found",
    markup`<p class="status">${root ? "Skerry is running" : "404 · route-not-found"}</p>
<h1>${root ? "No function serves / itself." : markup`No function serves <code>${pathname}</code>.`}</h1>
<section><h2>Functions</h2>${
      functions.length === 0
        ? markup`<p class="soft">There are none yet: make a folder with a <code>function.json</code> in it.</p>`
        : markup`<table>${functions.map(row)}</table>`
    }</section>
<footer>Shown in development only. Request <code>${id}</code></footer>`,
  );
}

function row(entry: FunctionEntry): Markup {
  const state = entry.problem === null
    ? ""
    : entry.served === null
    ? markup`<pre class="error">${entry.problem.message}</pre>`
    : markup`<pre class="warn">The last good version serves. ${entry.problem.message}</pre>`;
  return markup`<tr><th>${entry.name}</th><td class="code">${
    entry.routes.map((route) => {
      const fixed = route.host === null && !/\/[:*]/.test(route.path) && (route.methods?.includes("GET") ?? true);
      const text = formatRoute(route);
      return fixed ? markup`<div><a href="${encodeURI(route.path)}">${text}</a></div>` : markup`<div>${text}</div>`;
    })
  }${state}</td></tr>`;
}
