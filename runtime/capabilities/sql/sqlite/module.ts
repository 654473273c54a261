/**
 * SQLite as a module of WebAssembly, metered as guests are: so its statements can be interrupted, and let others run.
 *
 * @module
 */
import { SkerryError } from "../../../errors.ts";
import { METER, Meter } from "../../../engine/metering.ts";
import { meterModule } from "../../../engine/meter/mod.ts";
import { shimBytes } from "./shim.ts";

/** What one instance may have: a value or two of the largest there may be, with all that SQLite keeps beside them. */
export const MAX_INSTANCE_PAGES = 2048;

/** What the module says it begins with. */
const INITIAL_PAGES = 128;

/** What is compiled once for a process. */
interface SqliteModule {
  readonly sqlite: WebAssembly.Module;
  readonly shim: WebAssembly.Module;
  /** The name of its counter. */
  readonly counter: string;
  readonly meter: Meter;
}

let loaded: SqliteModule | undefined;

/**
 * Reads SQLite's module from its package, meters and compiles it: at the first database, for it takes a tenth of a second.
 *
 * @throws {SkerryError} `setting-invalid`.
 */
export function sqliteModule(): SqliteModule {
  return loaded ??= load();
}

function load(): SqliteModule {
  const metered = meterModule(moduleBytes(), { name: "SQLite", namespace: METER });
  return {
    sqlite: new WebAssembly.Module(metered.bytes),
    shim: new WebAssembly.Module(shimBytes()),
    counter: metered.counter!,
    // It has one memory, which it does not grow by itself, and one table, which does not grow.
    meter: new Meter({ limits: { memoryMb: 0, tableElements: 0 }, bytes: 0, elements: 0, allocates: false }),
  };
}

function moduleBytes(): Uint8Array<ArrayBuffer> {
  try {
    return Deno.readFileSync(new URL(import.meta.resolve("@sqlite.org/sqlite-wasm/sqlite3.wasm")));
  } catch (error) {
    throw new SkerryError(
      "setting-invalid",
      `opening the databases: SQLite's module cannot be read: ${error instanceof Error ? error.message : error}. ` +
        "Install the packages with `deno task setup`, and let the server read node_modules.",
      { cause: error },
    );
  }
}

/** A memory for one instance, with views of it as large as it is now. */
export class InstanceMemory {
  readonly memory: WebAssembly.Memory;
  #bytes: Uint8Array;
  #view: DataView;

  constructor() {
    this.memory = new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum: MAX_INSTANCE_PAGES });
    this.#bytes = new Uint8Array(this.memory.buffer);
    this.#view = new DataView(this.memory.buffer);
  }

  get bytes(): Uint8Array {
    // A memory that has grown has another buffer, and the old one none.
    if (this.#bytes.byteLength === 0) {
      this.#bytes = new Uint8Array(this.memory.buffer);
      this.#view = new DataView(this.memory.buffer);
    }
    return this.#bytes;
  }

  get view(): DataView {
    return this.bytes && this.#view;
  }
}

/** What an instance imports beside the hooks of the meter. It has no system but what {@linkcode Vfs} is to it. */
export function systemImports(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  mayGrow: (bytes: number) => boolean,
) {
  const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {};
  for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
    if (kind === "function") (imports[from] ??= {})[name] = () => NO_SUCH_CALL;
  }
  Object.assign(imports.env ??= {}, {
    memory,
    emscripten_date_now: () => Date.now(),
    emscripten_get_now: () => performance.now(),
    emscripten_get_heap_max: () => MAX_INSTANCE_PAGES * PAGE_BYTES,
    emscripten_resize_heap: (size: number) => grow(memory, size >>> 0, mayGrow) ? 1 : 0,
    _tzset_js: () => {},
    _localtime_js: (seconds: bigint, at: number) => writeLocalTime(new DataView(memory.buffer), Number(seconds), at),
  });
  return imports;
}

const PAGE_BYTES = 65_536;

/** `-ENOSYS`, where calls of Linux answer like that; for WASI's it is an error as well. */
const NO_SUCH_CALL = -52;

/** More at once than is asked for, so that it is not asked for each allocation. */
const GROW_PAGES = 16;

function grow(memory: WebAssembly.Memory, size: number, mayGrow: (bytes: number) => boolean): boolean {
  const pages = memory.buffer.byteLength / PAGE_BYTES;
  const wanted = Math.ceil(size / PAGE_BYTES);
  if (wanted > MAX_INSTANCE_PAGES) return false;
  const more = Math.min(Math.max(wanted, pages + GROW_PAGES), MAX_INSTANCE_PAGES) - pages;
  if (!mayGrow(more * PAGE_BYTES)) return false;
  try {
    memory.grow(more);
    return true;
  } catch {
    return false;
  }
}

/** `struct tm`. */
function writeLocalTime(view: DataView, seconds: number, at: number): void {
  const date = new Date(seconds * 1000);
  const midnight = Date.UTC(date.getFullYear(), date.getMonth(), date.getDate());
  const dayOfYear = Math.round((midnight - Date.UTC(date.getFullYear(), 0, 1)) / 86_400_000);
  const offset = -date.getTimezoneOffset();
  const winter = -Math.min(
    ...[0, 6].map((month) => -new Date(date.getFullYear(), month, 1).getTimezoneOffset()),
  );
  const fields = [
    ...[date.getSeconds(), date.getMinutes(), date.getHours(), date.getDate(), date.getMonth()],
    ...[date.getFullYear() - 1900, date.getDay(), dayOfYear, offset === -winter ? 0 : 1, offset * 60],
  ];
  for (const [i, value] of fields.entries()) view.setInt32(at + 4 * i, value, true);
}
