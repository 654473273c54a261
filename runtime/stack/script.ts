/**
 * Stacks of functions in JavaScript: they name places in the bundle inside of the component, and a person wants those in
 * the sources.
 *
 * @module
 */
import { SourceMap } from "./source_map.ts";

/** A larger map is not read: it would be for too long, and all of it stays in memory. */
const MAX_SOURCE_MAP_BYTES = 32 * 1024 * 1024;

/** Where the source map of a component is, if it has one. */
export function mapFileOf(wasm: string): string {
  return `${wasm}.map`;
}

/** What only a text has that names a place in JavaScript: `app.js:3:5`, or `"app.js", 3`. Most lines of a log do not. */
const MAY_NAME_PLACE = /\.js(?::|", )\d/;

/** The places that texts name, by the map of a bundle. */
interface Places {
  readonly map: SourceMap;
  readonly named: RegExp;
}

/**
 * The bundle inside of a component. Its map is read when the first stack comes, and never for a function that fails in
 * no request.
 *
 * @example
 * ```ts
 * import { Script } from "./script.ts";
 *
 * const script = new Script("no/such/app.wasm");
 * console.assert(script.toSource("fetch@app.js:3:5") === "fetch@app.js:3:5");
 * ```
 */
export class Script {
  readonly #mapFile: string;
  #places: Places | null | undefined;

  /** @param wasm the component's path */
  constructor(wasm: string) {
    this.#mapFile = mapFileOf(wasm);
  }

  /** `text` with each place in the bundle as the place in a source that it was made of, as far as that is known. */
  readonly toSource = (text: string): string => {
    if (!MAY_NAME_PLACE.test(text)) return text;
    const places = this.#places ??= read(this.#mapFile) ?? null;
    if (places === null) return text;
    return text.replace(
      places.named,
      (all: string, before: string, line?: string, column?: string, lineAlone?: string) => {
        const place = column === undefined
          ? places.map.place(Number(lineAlone) - 1)
          : places.map.place(Number(line) - 1, Number(column) - 1);
        if (place === undefined) return all;
        if (column === undefined) return `${before}"${place.source}", ${place.line + 1}`;
        return `${before}${place.source}:${place.line + 1}:${place.column + 1}`;
      },
    );
  };
}

/** At once, not later: the log would have to wait. It happens once for a function that fails. */
function read(path: string): Places | undefined {
  let text: string;
  try {
    if (Deno.statSync(path).size > MAX_SOURCE_MAP_BYTES) return undefined;
    text = Deno.readTextFileSync(path);
  } catch {
    return undefined; // Not built from source, or not to be read here.
  }
  const map = SourceMap.parse(text);
  if (map?.file === undefined) return undefined;
  const file = map.file.replace(/[^\w]/g, "\\$&");
  // StarlingMonkey: name@app.js:3:5, and "app.js", 3 where it shows an error; QuickJS: at name (/app.js:3:5).
  const named = new RegExp(`(^|[\\s@(])(?:/?${file}:(\\d+):(\\d+)|"${file}", (\\d+))(?!\\d)`, "gm");
  return { map, named };
}
