import { parse } from "@bytecodealliance/jco-transpile/wasm-tools";
import { expect } from "@std/expect";
import { call, inIsolate } from "./_testing.ts";
import { nativeEngine } from "./mod.ts";

/** A component whose memory is addressed by 64 bits. */
async function wide(fields: string) {
  const bytes = new Uint8Array(
    await parse(`(component
      (core module $libc
        (memory (export "m") i64 1)
        (table (export "t") i64 1 funcref)
        (global $next (mut i64) (i64.const 4096))
        (func (export "r") (param i64 i64 i64 i64) (result i64)
          (global.set $next (i64.and (i64.add (global.get $next) (i64.const 15)) (i64.const -8)))
          (global.get $next)
          (global.set $next (i64.add (global.get $next) (local.get 3)))))
      (core instance $l (instantiate $libc))
      (alias core export $l "m" (core memory $m))
      (alias core export $l "r" (core func $r))
      ${fields})`),
  );
  return await (await nativeEngine.load(bytes, { name: "wide" })).link({});
}

Deno.test("in a 64-bit memory, addresses and lengths have eight bytes, and what has them is aligned to that", async () => {
  const linked = await wide(`
    (type $v' (variant (case "x" string) (case "y" u8)))
    (export $v "v" (type $v'))
    (type $r' (record (field "a" u8) (field "s" string) (field "v" $v) (field "l" (list u16))))
    (export $r "r" (type $r'))
    (core module $guest
      (import "l" "m" (memory i64 1))
      (data (i64.const 104) "\\07")
      (data (i64.const 112) "\\00\\02\\00\\00\\00\\00\\00\\00\\03\\00\\00\\00\\00\\00\\00\\00")
      (data (i64.const 128) "\\00")
      (data (i64.const 136) "\\03\\02\\00\\00\\00\\00\\00\\00\\02\\00\\00\\00\\00\\00\\00\\00")
      (data (i64.const 152) "\\00\\03\\00\\00\\00\\00\\00\\00\\02\\00\\00\\00\\00\\00\\00\\00")
      (data (i64.const 512) "abcde")
      (data (i64.const 768) "\\01\\01\\02\\02")
      (func (export "get") (result i64) (i64.const 104))
      (func (export "sum") (param i64) (result i32)
        (i32.add (i32.add
          (i32.load8_u (local.get 0))
          (i32.load8_u (i64.load offset=8 (local.get 0))))
          (i32.add (i32.load8_u offset=24 (local.get 0))
            (i32.add (i32.load8_u offset=32 (local.get 0))
              (i32.wrap_i64 (i64.load offset=56 (local.get 0))))))))
    (core instance $g (instantiate $guest (with "l" (instance $l))))
    (func (export "get") (result $r) (canon lift (core func $g "get") (memory $m)))
    ;; Too many flat values: they travel through memory.
    (func (export "sum") (param "r" (tuple $r u8 u8 u8 u8 u8 u8 u8 u8 u8)) (result u32)
      (canon lift (core func $g "sum") (memory $m) (realloc $r)))`);
  await inIsolate(linked, async (isolate) => {
    const record = { a: 7, s: "abc", v: { tag: "x", val: "de" }, l: new Uint16Array([0x0101, 0x0202]) };
    expect(await call(isolate, "get")).toEqual(record);
    const given = { a: 1, s: "A", v: { tag: "y", val: 100 }, l: new Uint16Array(1000) };
    expect(await call(isolate, "sum", [given, 0, 0, 0, 0, 0, 0, 0, 0, 0])).toBe(1 + 65 + 1 + 100 + 1000);
  });
});

Deno.test("an address beyond a 64-bit memory is not taken for what is left of it in 32 bits", async () => {
  const linked = await wide(`
    (core module $guest
      (func (export "string") (result i64) (i64.const 0x100000010))
      (func (export "far") (result i64) (i64.const -8)))
    (core instance $g (instantiate $guest))
    (func (export "string") (result string) (canon lift (core func $g "string") (memory $m)))
    (func (export "far") (result string) (canon lift (core func $g "far") (memory $m)))`);
  for (const name of ["string", "far"]) {
    await inIsolate(linked, async (isolate) => {
      await expect(call(isolate, name)).rejects.toThrow("out of bounds of memory");
    });
  }
});

Deno.test("a length in a 64-bit memory is not taken for what is left of it in 32 bits", async () => {
  const linked = await wide(`
    (core module $guest
      (import "l" "m" (memory i64 1))
      (func (export "f") (param i64) (result i64)
        (i64.store (i64.const 8) (i64.const 0))
        (i64.store (i64.const 16) (local.get 0))
        (i64.const 8)))
    (core instance $g (instantiate $guest (with "l" (instance $l))))
    (func (export "utf8") (param "n" u64) (result string) (canon lift (core func $g "f") (memory $m)))
    (func (export "latin1") (param "n" u64) (result string)
      (canon lift (core func $g "f") (memory $m) string-encoding=latin1+utf16))
    (func (export "list") (param "n" u64) (result (list u8)) (canon lift (core func $g "f") (memory $m)))`);
  const long = 2n ** 32n + 1n;
  for (
    const [name, length] of [["utf8", long], ["latin1", long], ["latin1", 2n ** 63n + long], ["list", long]] as const
  ) {
    await inIsolate(linked, async (isolate) => {
      await expect(call(isolate, name, length)).rejects.toThrow("is too long");
    });
  }
  // The tag is the highest bit of all.
  await inIsolate(linked, async (isolate) => {
    expect(await call(isolate, "latin1", 2n ** 63n + 2n)).toBe("\0\0");
    expect(await call(isolate, "latin1", 2n)).toBe("\0\0");
  });
});

Deno.test("built-ins take addresses of 64 bits where the memory has them", async () => {
  const linked = await wide(`
    (type $s (stream u8))
    (core func $new (canon stream.new $s))
    (core func $read (canon stream.read $s (memory $m) async))
    (core func $write (canon stream.write $s (memory $m) async))
    (core func $set (canon waitable-set.new))
    (core func $join (canon waitable.join))
    (core func $poll (canon waitable-set.poll (memory $m)))
    (core func $error (canon error-context.new (memory $m)))
    (core func $message (canon error-context.debug-message (memory $m) (realloc $r)))
    (core module $guest
      (import "l" "m" (memory i64 1))
      (import "" "new" (func $new (result i64)))
      (import "" "read" (func $read (param i32 i64 i64) (result i64)))
      (import "" "write" (func $write (param i32 i64 i64) (result i64)))
      (import "" "set" (func $set (result i32)))
      (import "" "join" (func $join (param i32 i32)))
      (import "" "poll" (func $poll (param i32 i64) (result i32)))
      (import "" "error" (func $error (param i64 i64) (result i32)))
      (import "" "message" (func $message (param i32 i64)))
      (data (i64.const 16) "hello")
      (func (export "copy") (result i64)
        (local $ends i64) (local $set i32) (local $w i32)
        (local.set $ends (call $new))
        (local.set $w (i32.wrap_i64 (i64.shr_u (local.get $ends) (i64.const 32))))
        ;; All ones: nobody reads yet.
        (if (i64.ne (call $write (local.get $w) (i64.const 16) (i64.const 5)) (i64.const -1)) (then unreachable))
        (if (i64.ne (call $read (i32.wrap_i64 (local.get $ends)) (i64.const 64) (i64.const 9)) (i64.const 0x50))
          (then unreachable))
        (call $join (local.get $w) (local.tee $set (call $set)))
        (if (i32.ne (call $poll (local.get $set) (i64.const 128)) (i32.const 3)) (then unreachable))
        (if (i32.ne (i32.load offset=132 (i64.const 0)) (i32.const 0x50)) (then unreachable))
        (i64.load (i64.const 64)))
      (func (export "explain") (result i64)
        (call $message (call $error (i64.const 16) (i64.const 5)) (i64.const 256))
        (i64.const 256)))
    (core instance $g (instantiate $guest (with "l" (instance $l)) (with "" (instance
      (export "new" (func $new)) (export "read" (func $read)) (export "write" (func $write))
      (export "set" (func $set)) (export "join" (func $join)) (export "poll" (func $poll))
      (export "error" (func $error)) (export "message" (func $message))))))
    (func (export "copy") (result u64) (canon lift (core func $g "copy")))
    (func (export "explain") (result string) (canon lift (core func $g "explain") (memory $m)))`);
  await inIsolate(linked, async (isolate) => {
    expect(await call(isolate, "copy")).toBe(0x6f_6c6c_6568n);
    expect(await call(isolate, "explain")).toBe("hello");
  });
});

Deno.test("a 64-bit table is asked by 64 bits", async () => {
  const linked = await wide(`
    (core type $start (func (param i32)))
    (core func $thread (canon thread.new-indirect $start (core table $l "t")))
    (core module $guest
      (import "l" "t" (table i64 1 funcref))
      (import "" "thread" (func $thread (param i64 i32) (result i32)))
      (elem (i64.const 0) $run)
      (func $run (param i32))
      (func (export "f") (param i64) (result i32) (call $thread (local.get 0) (i32.const 1))))
    (core instance $g (instantiate $guest (with "l" (instance $l))
      (with "" (instance (export "thread" (func $thread))))))
    (func (export "f") (param "i" u64) (result u32) (canon lift (core func $g "f")))`);
  await inIsolate(linked, async (isolate) => expect(await call(isolate, "f", 0n)).toBeGreaterThan(0));
  await inIsolate(linked, async (isolate) => {
    await expect(call(isolate, "f", 2n ** 32n)).rejects.toThrow("out of bounds table access");
  });
});

Deno.test("what a 64-bit memory asks for is not what a 32-bit one does", async () => {
  const lift = (type: string, memory: string, realloc: string) =>
    wide(`(core module $g (func (export "f") (param ${type} ${type})))
      (core module $small (memory (export "m") 1)
        (func (export "r") (param i32 i32 i32 i32) (result i32) unreachable))
      (core instance $s (instantiate $small))
      (core instance $g (instantiate $g))
      (func (export "f") (param "s" string) (canon lift (core func $g "f")
        (memory (core memory $${memory} "m")) (realloc (core func $${realloc} "r"))))`);
  await lift("i64", "l", "l");
  await lift("i32", "s", "s");
  await expect(lift("i32", "l", "l")).rejects.toThrow("expected (i64, i64) -> ()");
  await expect(lift("i64", "s", "s")).rejects.toThrow("expected (i32, i32) -> ()");
  await expect(lift("i64", "l", "s")).rejects.toThrow("`realloc` uses a core function with an incorrect signature");
  await expect(lift("i32", "s", "l")).rejects.toThrow("`realloc` uses a core function with an incorrect signature");
});
