import { expect } from "@std/expect";
import { demangle, guestStack, originOf, parseStack, traceError } from "./mod.ts";

// What rustc 1.95 and clang 19 made of real sources, and what LLVM's demangler says of it, less hashes.
const RUST: [mangled: string, name: string][] = [
  ["_RNvCseulmdZsCeCG_7___rustc11___rdl_alloc", "__rustc::__rdl_alloc"],
  [
    "_RINvNtCsgEmfK2I1SDS_4core3ptr13drop_in_placeTINtNtCslNYArtu3iFV_5alloc3vec3VecNtNtBM_6string6StringEPhFmEbEECs4Q2Qx8jI5j6_1a",
    "core::ptr::drop_in_place::<(alloc::vec::Vec<alloc::string::String>, *const u8, fn(u32) -> bool)>",
  ],
  [
    "_RINvNtNtNtNtCsgEmfK2I1SDS_4core5slice4sort6shared5pivot11median3_recxNvYxNtNtBa_3cmp10PartialOrd2ltECs4Q2Qx8jI5j6_1a",
    "core::slice::sort::shared::pivot::median3_rec::<i64, <i64 as core::cmp::PartialOrd>::lt>",
  ],
  [
    "_RINvNtCsgEmfK2I1SDS_4core3ptr13drop_in_placeINtNtCslNYArtu3iFV_5alloc3vec3VecNtNtBL_6string6StringEECs4Q2Qx8jI5j6_1a.llvm.5248144603958494141",
    "core::ptr::drop_in_place::<alloc::vec::Vec<alloc::string::String>>",
  ],
  ["_RNvMs_Cs1_1aINtB4_1BKc78_Kb1_Kan3_E1f", "<a::B<'x', true, -3>>::f"],
  ["_RNCNvC1a4mains_0", "a::main::{closure#1}"],
  ["_RNvXs_C1aReNtB4_2Tr2go", "<&str as a::Tr>::go"],
  ["_ZN5hello4main17h0123456789abcdefE", "hello::main"],
  [
    "_ZN53_$LT$hello..Hello$u20$as$u20$wasi..Guest$LT$T$GT$$GT$6handle17h0123456789abcdefE",
    "<hello::Hello as wasi::Guest<T>>::handle",
  ],
];

const CPP: [mangled: string, name: string][] = [
  ["_Z1fv", "f()"],
  ["_ZN5hello4mainEv", "hello::main()"],
  ["_ZNK12_GLOBAL__N_11HclEi", "(anonymous namespace)::H::operator()(int) const"],
  ["_ZN1a12_GLOBAL__N_11HD2Ev", "a::(anonymous namespace)::H::~H()"],
  ["_ZNK1a1AIhLi4EE3getEi", "a::A<unsigned char, 4>::get(int) const"],
  ["_ZNSt10_Head_baseILm0EPiLb0EEC2Ev", "std::_Head_base<0ul, int*, false>::_Head_base()"],
  [
    "_ZN1a4callISt8functionIFiiEEEEiT_PFiPKcdE",
    "int a::call<std::function<int (int)>>(std::function<int (int)>, int (*)(char const*, double))",
  ],
  [
    "_ZStlsISt11char_traitsIcEERSt13basic_ostreamIcT_ES5_PKc",
    "std::basic_ostream<char, std::char_traits<char>>& " +
    "std::operator<<<std::char_traits<char>>(std::basic_ostream<char, std::char_traits<char>>&, char const*)",
  ],
];

for (const [mangled, name] of [...RUST, ...CPP]) {
  Deno.test(`demangle() reads ${mangled} as ${name}`, () => {
    expect(demangle(mangled)).toBe(name);
  });
}

Deno.test("demangle() leaves what it does not know as it is", () => {
  for (
    const name of [
      "main.handle",
      "$s5hello4mainyyF",
      "_start",
      "wasi_http",
      "_Z",
      "_R",
      "_ZN",
      "_ZN3fooE3",
      "_RNvC",
      "",
    ]
  ) {
    expect(demangle(name)).toBe(name);
  }
});

Deno.test("demangle() ends in bounded time and text, whatever a guest calls its functions", () => {
  // Each reference doubles the text; without bounds this would be 2^60 characters.
  let bomb = "_RINvC1a1f";
  let at = bomb.length - 2;
  bomb += "TuuE";
  for (let i = 0; i < 60; i++) {
    const reference = `B${(at - 1).toString(36)}_`;
    at = bomb.length - 2;
    bomb += `T${reference}${reference}E`;
  }
  demangle(bomb + "E");
  demangle("_RNv".padEnd(100_000, "NvMs_"));
  demangle("_Z1f" + "P".repeat(100_000) + "i");
  demangle("_ZN" + "1a".repeat(50_000) + "E");
  let seed = 3;
  const random = (below: number) => (seed = (seed * 48271) % 2147483647) % below;
  const names = [...RUST, ...CPP].map(([mangled]) => mangled);
  for (let round = 0; round < 5000; round++) {
    const name = names[random(names.length)]!;
    const from = random(name.length);
    const piece = names[random(names.length)]!.slice(random(20), 20 + random(20));
    demangle(name.slice(0, from) + piece + name.slice(from + random(4)));
  }
});

Deno.test("parseStack() tells the guest's frames from the host's", () => {
  const frames = parseStack(
    "RuntimeError: unreachable\n" +
      "    at _ZN5hello4main17h0123456789abcdefE (wasm://wasm/my.mod-0c8c66d2:wasm-function[0]:0x28)\n" +
      "    at hello::f(int) const (wasm://wasm/0c8c66d2:wasm-function[12]:0x2c)\n" +
      "    at <anonymous> (wasm://wasm/0c8c66d2:wasm-function[3]:0x2d)\n" +
      "    at wasm://wasm/0c8c66d2:wasm-function[4]:0x2e\n" +
      "    at async Dispatcher.dispatch (file:///app/dispatcher.ts:1:2)\n" +
      "    at file:///app/main.ts:3:4\n",
  );
  expect(frames).toEqual([
    { name: "hello::main", location: "my.mod, offset 0x28", guest: true },
    { name: "hello::f(int) const", location: "wasm, offset 0x2c", guest: true },
    { name: "function 3", location: "wasm, offset 0x2d", guest: true },
    { name: "function 4", location: "wasm, offset 0x2e", guest: true },
    { name: "Dispatcher.dispatch", location: "file:///app/dispatcher.ts:1:2", guest: false },
    { name: "(anonymous)", location: "file:///app/main.ts:3:4", guest: false },
  ]);
});

Deno.test("traceError() follows causes, and stops in a ring of them", () => {
  const inner = new WebAssembly.RuntimeError("unreachable");
  const outer = new Error("calling hello", { cause: inner });
  expect(traceError(outer).map(({ title }) => title)).toEqual(["Error: calling hello", "RuntimeError: unreachable"]);
  inner.cause = outer;
  expect(traceError(outer).length).toBe(8);
  expect(traceError("text")).toEqual([{ title: "text", frames: [] }]);
  expect(traceError(undefined)).toEqual([]);
});

Deno.test("guestStack() and originOf() have a trap's own frames, demangled", () => {
  // (module (func $_ZN5hello4main17h0123456789abcdefE (export "f") unreachable)), with its names.
  const bytes = Uint8Array.from(atob(BINARY), (character) => character.charCodeAt(0));
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes));
  let trap: unknown;
  try {
    (instance.exports.f as () => void)();
  } catch (error) {
    trap = error;
  }
  const failure = new Error("serving", { cause: new Error("calling", { cause: trap }) });
  expect(originOf(failure)).toMatch(/^RuntimeError: unreachable\n {4}at hello::main \(.*, offset 0x[0-9a-f]+\)$/);
  expect(originOf(new Error("serving", { cause: new TypeError("no") }))).toMatch(/^TypeError: no\n {4}at /);
  expect(originOf(new Error("serving"))).toBe(undefined);
  expect(guestStack(traceError(failure))).toMatch(/^ {4}at hello::main \(.*, offset 0x[0-9a-f]+\)$/);
});

const BINARY =
  "AGFzbQEAAAABBAFgAAADAgEABwUBAWYAAAoFAQMAAAsAMQRuYW1lASUBACJfWk41aGVsbG80bWFpbjE3aDAxMjM0NTY3ODlhYmNkZWZFAgMBAAA=";

Deno.test("a hostile guest's names for its functions are read at once, and told in part", () => {
  // Bracket against bracket, these would take minutes; V8 lets names be of a hundred thousand characters.
  const brackets = `    at ${" (".repeat(200_000)}`;
  expect(parseStack(brackets)[0]!.location.length).toBeLessThan(2100);
  expect(parseStack(`${brackets}) (wasm://wasm/1a:wasm-function[7]:0x1f3)`)[0]!.name.length).toBeLessThan(2100);
  expect(parseStack("    at forged (file:///main.ts:1:1)\n".repeat(5000)).length).toBe(100);
});

Deno.test("places of the host are read with their brackets", () => {
  const stack = [
    "Error: no",
    "    at async call (file:///a (1)/b.ts:1:2)",
    "    at file:///c.ts:3:4",
    "    at async file:///d.ts:5:6",
    "    at new Thing (file:///e.ts:7:8)",
  ];
  expect(parseStack(stack.join("\n"))).toEqual([
    { name: "call", location: "file:///a (1)/b.ts:1:2", guest: false },
    { name: "(anonymous)", location: "file:///c.ts:3:4", guest: false },
    { name: "(anonymous)", location: "file:///d.ts:5:6", guest: false },
    { name: "new Thing", location: "file:///e.ts:7:8", guest: false },
  ]);
});
