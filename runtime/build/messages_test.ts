import { expect } from "@std/expect";
import { explainFailure } from "./messages.ts";

const context = { map: null, entry: "app.ts", wit: "/cache/tmp-1/wit" };

Deno.test("a bundler's error becomes file, line and cause, without colours and stack", () => {
  const printed = "(jco componentize) \x1b[31mError\x1b[0m: Build failed with 1 error:\n\n" +
    "\x1b[31m[UNRESOLVED_IMPORT] \x1b[0mCould not resolve './nope.ts' in app.ts\n" +
    "   ╭─[ app.ts:1:19 ]\n   │\n 1 │ import { y } from './nope.ts';\n   │                        ╰─────── Module not found.\n" +
    "    at unwrapBindingResult (file:///x/error.mjs:78:128)\n";
  expect(explainFailure(printed, context)).toBe(
    "app.ts:1:19: Could not resolve './nope.ts' in app.ts (module not found)",
  );
});

Deno.test("an error thrown while the module loads is traced back to the source through the map", () => {
  const map = JSON.stringify({
    version: 3,
    sources: ["../lib/boom.ts"],
    names: [],
    // Line 2 of the bundle, column 0, is line 5 of the source, column 2.
    mappings: ";AAIE",
  });
  const printed = "Error: Failed to initialize component (wizer (/x/wizer)):\n" +
    "Exception while evaluating top-level script\napp.js:2:1 Error: boom\nStack backtrace:\n   0: anyhow::error\n";
  expect(explainFailure(printed, { ...context, map })).toMatch(/^lib\/boom\.ts:5:3: Error: boom \(thrown while/);
});

Deno.test("a name that a WIT interface does not have is told as what the source imports", () => {
  const printed = "Error: Failed to initialize component (wizer (/x/wizer)):\n" +
    "Exception while evaluating top-level script\n" +
    "SyntaxError: The requested module '<internal>' doesn't provide an export named: 'opn'\nStack backtrace:\n";
  expect(explainFailure(printed, context)).toBe(
    'app.ts: it imports "opn" from a WIT interface that has no such name; an editor or `deno check` shows what each has',
  );
});

Deno.test("what is not understood is shown without stacks and without the build's own paths", () => {
  const printed =
    "(jco componentize) Error: no world 'x' in /cache/tmp-1/wit/world.wit\n    at f (file:///x.mjs:1:1)\n";
  expect(explainFailure(printed, context)).toBe("Error: no world 'x' in wit/world.wit");
});

Deno.test("a QuickJS source that imports what it cannot is told so, and what to do", () => {
  const printed = "(jco componentize) [Error: component imports instance `wasi:http/client@0.3.0`, but a matching " +
    "implementation was not found in the linker: instance export `send` has the wrong type: type mismatch with async] {\n";
  expect(explainFailure(printed, context)).toMatch(
    /^app\.ts: it imports "wasi:http\/client@0\.3\.0", whose "send" is async, and no QuickJS component can .*"backend"/,
  );
});

Deno.test("a package that is not installed is named with the command that installs it", () => {
  const printed = (id: string) =>
    `Error: Build failed with 1 error:\n\n[UNRESOLVED_IMPORT] Could not resolve '${id}' in app.ts\n   ╭─[ app.ts:1:19 ]\n`;
  for (const [id, name] of [["left-pad", "left-pad"], ["@scope/kit/part", "@scope/kit"], ["a/b.js", "a"]]) {
    expect(explainFailure(printed(id!), context)).toBe(
      `app.ts:1:19: Could not resolve '${id}' in app.ts: there is no such package; run "npm install ${name}", or mend the name`,
    );
  }
  expect(explainFailure(printed("./lib.ts"), context)).not.toContain("npm");
  expect(explainFailure(printed("../lib.ts"), context)).not.toContain("npm");
});

Deno.test("what Deno would take from where it is, and a build not, is named with what to do instead", () => {
  const unresolved = (id: string) =>
    `Error: Build failed with 1 error:\n\n[UNRESOLVED_IMPORT] Could not resolve '${id}' in app.ts\n   ╭─[ app.ts:1:22 ]\n`;
  for (
    const [id, advice] of [
      ["jsr:@hono/hono", 'run "npx jsr add @hono/hono", and import it as "@hono/hono"'],
      ["jsr:@std/path@1.0.0/posix", 'run "npx jsr add @std/path@1.0.0", and import it as "@std/path/posix"'],
      ["npm:hono@4", 'run "npm install hono@4", and import it as "hono"'],
      ["npm:/@scope/kit/part", 'run "npm install @scope/kit", and import it as "@scope/kit/part"'],
      ["https://esm.sh/left-pad", "install it with npm, and import it by its name, or put the file beside this"],
    ]
  ) {
    expect(explainFailure(unresolved(id!), context)).toBe(
      `app.ts:1:22: it imports "${id}", and a function's packages come from node_modules; ${advice}`,
    );
  }
  const loading = "Error: Failed to initialize component:\nException while evaluating top-level script\n" +
    'ReferenceError: Error loading module "https://esm.sh/left-pad" (resolved path "https:/"): No such file or directory\n';
  expect(explainFailure(loading, context)).toMatch(/^app\.ts: it imports "https:\/\/esm\.sh\/left-pad", .* npm/);
});

Deno.test("a label of a picture that is not shown is left out", () => {
  const printed =
    "[PARSE_ERROR] Expected `,` or `)` but found `;`\n   ╭─[ app.ts:3:29 ]\n   │            │     ╰── Opened here\n";
  expect(explainFailure(printed, context)).toBe("app.ts:3:29: Expected `,` or `)` but found `;`");
});

Deno.test("what another runtime has and a function not is told so, and what to write where nothing answers", () => {
  const printed = (message: string) =>
    `Error: Failed to initialize component:\nException while evaluating top-level script\napp.js:2:1 ${message}\nStack:\n`;
  expect(explainFailure(printed("ReferenceError: Deno is not defined"), context)).toMatch(
    /^app\.ts:2:1: ReferenceError: Deno is not defined \(.*\)\. A function has the Web's APIs .* such as Deno$/,
  );
  expect(explainFailure(printed("Error: process is not defined"), context)).toMatch(
    /not those of another runtime such as process$/,
  );
  expect(explainFailure(printed("TypeError: the default export has no method; write: export default {}"), context))
    .toBe(
      "app.ts:2:1: the default export has no method; write: export default {}",
    );
});
