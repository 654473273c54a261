/**
 * What the modules of `smith/` import, as `smith/host.wat` says it.
 *
 * @module
 */
const { Tag } = WebAssembly as unknown as { Tag: new (type: { parameters: string[] }) => WebAssembly.ImportValue };

export function smithHost(): Record<string, Record<string, unknown>> {
  let calls = 0;
  return {
    h: {
      tag: new Tag({ parameters: ["i32"] }),
      f0: () => void calls++,
      f1: (x: number) => x ^ calls++,
      f2: (x: bigint, _y: number) => x + BigInt(calls),
      f3: (x: number, y: number) => x + y,
      mem: new WebAssembly.Memory({ initial: 1, maximum: 20 }),
      tab: new WebAssembly.Table({ initial: 3, maximum: 40, element: "anyfunc" }),
      g0: new WebAssembly.Global({ value: "i32" }, 7),
      g1: new WebAssembly.Global({ value: "i64", mutable: true }, 9n),
    },
  };
}
