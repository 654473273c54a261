/**
 * The frame of every page that the platform itself shows: self-contained, light and dark, no script.
 *
 * @module
 */
import { html, raw } from "hono/html";
import type { HtmlEscapedString } from "hono/utils/html";

export { html };

/** Text that is markup already. What `html` makes of plain values is escaped and at hand at once. */
export type Markup = HtmlEscapedString;

/** Markup from a template without promises in it. */
export function markup(strings: TemplateStringsArray, ...values: unknown[]): Markup {
  return html(strings, ...values) as Markup;
}

/** What goes with a page: nothing is loaded from anywhere, and nothing in it runs. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = Object.freeze({
  "content-type": "text/html; charset=utf-8",
  "content-security-policy":
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
});

/** A whole page as text. */
export function page(title: string, body: Markup): string {
  return String(markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${raw(STYLE)}</style>
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`);
}

const STYLE = `
:root {
  --ground: light-dark(#f6f7f8, #14181c); --card: light-dark(#fff, #1c2227); --ink: light-dark(#1b2329, #e3e9ed);
  --soft: light-dark(#5c6b76, #93a3ae); --line: light-dark(#dde3e7, #2d363d); --sea: light-dark(#0b6e7f, #5fc3d4);
  --alarm: light-dark(#b3261e, #ff8a80); --warn: light-dark(#8a5a00, #f0b95c); --hit: light-dark(#fdf1ef, #2a1f20);
  color-scheme: light dark;
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 3rem 1.25rem 4rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: .35rem 0 .75rem; overflow-wrap: anywhere; }
h2 { font-size: 1rem; margin: 0; }
p { margin: .25rem 0; }
a { color: var(--sea); }
code, pre, td.code { font: .86rem/1.55 ui-monospace, "SF Mono", Menlo, Consolas, monospace; overflow-wrap: anywhere; }
pre { margin: 0; white-space: pre-wrap; }
.status { color: var(--alarm); font-weight: 600; letter-spacing: .02em; }
.soft { color: var(--soft); }
.message { border-left: 3px solid var(--alarm); background: var(--hit); padding: .75rem 1rem; border-radius: 0 6px 6px 0; }
section, details { background: var(--card); border: 1px solid var(--line); border-radius: 8px; margin-top: 1.25rem; padding: .9rem 1.1rem; }
section h2, summary { margin-bottom: .6rem; }
details:not([open]) summary { margin-bottom: 0; }
summary { cursor: pointer; font-weight: 600; }
table { border-collapse: collapse; width: 100%; }
td, th { text-align: left; padding: .18rem .8rem .18rem 0; vertical-align: top; font-weight: normal; }
th { color: var(--soft); white-space: nowrap; }
ol { margin: 0; padding: 0; list-style: none; }
li { padding: .12rem 0; }
.host { color: var(--soft); }
.error, .critical { color: var(--alarm); }
.warn { color: var(--warn); }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
footer { margin-top: 1.5rem; color: var(--soft); font-size: .86rem; }
`;
