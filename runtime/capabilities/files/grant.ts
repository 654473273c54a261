/**
 * The grant of `files`: what a function sees, and where.
 *
 * @module
 */
import { z } from "zod";
import { checkedText } from "../../checked_text.ts";

/** The parameters of the grant. */
export interface FilesGrant {
  /** Folders of the function's own, by where it sees them. */
  readonly assets: Readonly<Record<string, string>>;
  /** Where the function sees a folder that is empty at the start of each request; `undefined` if it has none. */
  readonly scratch?: string | undefined;
}

function guestPathProblem(path: string): string | undefined {
  if (!path.startsWith("/")) return 'is where the function sees the folder, and must begin with "/"';
  if (path.includes("\0") || path.includes("\\")) return "holds a character that a path must not have";
  if (path !== "/" && path.endsWith("/")) {
    return `ends with "/"; write ${JSON.stringify(path.replace(/\/+$/, "") || "/")}`;
  }
  if (path !== "/" && path.slice(1).split("/").some((name) => name === "" || name === "." || name === "..")) {
    return 'must be written without "//", "." and ".."';
  }
}

function folderProblem(folder: string): string | undefined {
  if (folder === "" || folder.includes("\0")) return "is no folder; write the name of one";
  if (folder.includes("\\")) return `has backslashes; write ${JSON.stringify(folder.replaceAll("\\", "/"))}`;
  if (folder.startsWith("/") || /^[a-z][a-z0-9+.-]*:/i.test(folder)) {
    return "must be a folder inside the function's folder; copy it there and write its name";
  }
  if (folder.split("/").every((name) => name === "" || name === ".")) {
    return "is the function's own folder, with its manifest; write the name of a folder in it";
  }
  if (folder.split("/").includes("..")) return "leads out of the function's folder; copy it there and write its name";
}

/**
 * The schema of the grant.
 *
 * @example
 * ```ts
 * import { filesGrant } from "./grant.ts";
 *
 * console.assert(filesGrant.safeParse({ assets: { "/site": "public" }, scratch: "/tmp" }).success);
 * console.assert(!filesGrant.safeParse({ assets: { "/site": "../other" } }).success);
 * console.assert(!filesGrant.safeParse({ assets: { "/tmp": "public" }, scratch: "/tmp" }).success);
 * ```
 */
export const filesGrant: z.ZodType<FilesGrant> = z.strictObject({
  assets: z.record(checkedText(guestPathProblem), checkedText(folderProblem)).default({}).meta({
    description: "Folders inside the function's folder, to be read only, by where the function sees them.",
    examples: [{ "/site": "public" }],
  }),
  scratch: checkedText(guestPathProblem).optional().meta({
    description:
      "Where the function sees a folder to write to, empty at the start of each request and gone at its end.",
    examples: ["/tmp"],
  }),
}).check((context) => {
  const { assets, scratch } = context.value;
  if (scratch === undefined || !Object.hasOwn(assets, scratch)) return;
  const message = `${JSON.stringify(scratch)} is where assets are already; write another path`;
  context.issues.push({ code: "custom", path: ["scratch"], message, input: scratch });
}).meta({ description: "Files: assets to read, and a scratch folder." });
