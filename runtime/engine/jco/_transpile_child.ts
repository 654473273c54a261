/**
 * The throw-away process that runs jco's transpiler: a component on standard input, the generated files on standard
 * output, both framed. Some valid components trap the transpiler, and a trapped transpiler fails for every one after it.
 *
 * @module
 */
import { $init, generate, type Transpiled } from "@bytecodealliance/jco-transpile/component";
import { SkerryError } from "../../errors.ts";
import { frame, unframe } from "./_frame.ts";
import { hoist } from "./hoist.ts";
import { patch, unexpected } from "./patch.ts";
import { TAKEN } from "./patch_taken.ts";
import { weigh } from "./weigh.ts";

const CODE_FILE = "component.js";

/** What the child is told; the component follows. */
export interface TranspileQuestion {
  /** What messages call the component. */
  readonly name: string;
  /** Every imported interface, by the name in the binary. */
  readonly imports: string[];
  /** The imports that may wait, `interface#function`. */
  readonly waiting: string[];
  /** The exports that may wait: all, for each can call an import that waits. */
  readonly exported: string[];
}

/** What the child answers; the files' contents follow in order. */
export type TranspileAnswer =
  | {
    readonly ok: true;
    readonly files: readonly { readonly name: string; readonly size: number }[];
  }
  | {
    readonly ok: false;
    /** Whether the transpiler itself broke, which says nothing against the component. */
    readonly trapped: boolean;
    /** Whether the message is ours, and whole. */
    readonly refused?: boolean;
    readonly message: string;
  };

/** The generated code, with hooks in it, and with what all instances share made once. */
function rewritten(code: Uint8Array, name: string): Uint8Array<ArrayBuffer> {
  const refuse = (what: string) => unexpected(name, what);
  const weighed = weigh(new TextDecoder().decode(code), TAKEN, refuse);
  return new TextEncoder().encode(hoist(patch(weighed, name), refuse));
}

function transpile(
  { name, imports, waiting, exported }: TranspileQuestion,
  bytes: Uint8Array,
): Transpiled["files"] {
  const { files } = generate(bytes, {
    name: "component",
    noTypescript: true,
    noNodejsCompat: true,
    noComponentErrorWrapping: true,
    base64Cutoff: 0,
    instantiation: { tag: "async" },
    // Without a map, imports are looked up without their versions, and 0.2 and 0.3 of one interface are taken for one.
    map: imports.map((name) => [name, name]),
    asyncMode: { tag: "jspi", val: { imports: waiting, exports: exported } },
  });
  return files.map(([file, content]) => [file, file === CODE_FILE ? rewritten(content, name) : content]);
}

function answer(input: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const { header, body } = unframe(input);
  try {
    const files = transpile(header as TranspileQuestion, body);
    return frame(
      {
        ok: true,
        files: files.map(([name, content]) => ({ name, size: content.length })),
      } satisfies TranspileAnswer,
      files.map(([, content]) => content),
    );
  } catch (error) {
    const { payload, message } = error as { payload?: unknown; message?: string };
    return frame(
      {
        ok: false,
        trapped: error instanceof WebAssembly.RuntimeError,
        message: String(payload ?? message ?? error),
        ...(error instanceof SkerryError ? { refused: true } : {}),
      } satisfies TranspileAnswer,
      [],
    );
  }
}

if (import.meta.main) {
  await $init;
  const input = await new Response(Deno.stdin.readable).arrayBuffer();
  const output = answer(new Uint8Array(input));
  await new Blob([output]).stream().pipeTo(Deno.stdout.writable);
}
