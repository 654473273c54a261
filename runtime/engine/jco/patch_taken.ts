/**
 * Where generated code takes memory of the host for its guest: {@linkcode Taking} hears of it there.
 *
 * @module
 */
import { LIFTED_VALUE_BYTES } from "../../limits.ts";

/** A place in generated code. */
interface Place {
  readonly at: RegExp;
  readonly by: string;
  /** What code has as often as it has such places. */
  readonly where: string;
}

/** Where patched code finds what it tells. */
export const TAKEN = "_skerry.taken";

/** Where a list's or string's bytes are known, before it is lifted. */
const LIFTS: readonly Place[] = [
  { at: /\b((?:TEXT_DECODER_UTF8|utf16Decoder))\.decode\(/g, by: `${TAKEN}.text($1, `, where: ".decode(" },
  {
    at: /\.buffer\.slice\((\w+), \1 \+ (\w+ \* \d+)\)/g,
    by: `.buffer.slice($1, $1 + ${TAKEN}.list($2))`,
    where: ".buffer.slice(",
  },
  {
    // Those of known length count with what they are in. Nothing here may ask for the isolate: none is there yet.
    at: /const readValuesAndReset = \(ctx, originalPtr, originalLen, dataPtr, len\) => \{/g,
    by: [
      `const ownBytes = typedArray === undefined ? ${LIFTED_VALUE_BYTES} * (1 + (meta.elemParts ?? 0)) : 0;`,
      `$& if (knownLen === undefined) ${TAKEN}.charge(len * (elemSize32 + ownBytes) + ${LIFTED_VALUE_BYTES});`,
    ].join("\n"),
    where: "function _liftFlatList(",
  },
  {
    // Numbers would be lifted one by one, at 200 ns each.
    at: /const val = \[\];(\s*)for \(var i = 0; (?=i < len; i\+\+\) \{\s*const elemPtr = dataPtr \+ i \* elemSize32;)/g,
    by: [
      "const isTyped = typedArray !== undefined;",
      "const val = isTyped ? new typedArray(ctx.memory.buffer, dataPtr, len) : [];",
      "if (isTyped) ctx.storagePtr += len * elemSize32;",
      "for (var i = 0; !isTyped && ",
    ].join("$1"),
    where: "function _liftFlatList(",
  },
  {
    at: /values = Array\.from\((new Uint8Array\(this\.#memory\.buffer, this\.#ptr, count\))\);/g,
    // Between guests, which is where resources are handed over, bytes need not become numbers one by one: 40 ns each.
    by: `${TAKEN}.chunk(count);\nvalues = opts.transferResources === true ? $1.slice() : Array.from($1);`,
    where: "class ManagedBuffer ",
  },
  {
    at: /if \(!Array\.isArray\(values\)\) \{(?= throw new TypeError\('values input to write\(\))/g,
    by: "if (!Array.isArray(values) && !(opts.transferResources === true && values instanceof Uint8Array)) {",
    where: "class ManagedBuffer ",
  },
  {
    at: /let currentCount = count;(?=\s*let startPtr = this\.#ptr;)/g,
    by: `${TAKEN}.charge(count * ${TAKEN}.elementBytes(this.#elemMeta));\n$&`,
    where: "class ManagedBuffer ",
  },
  // Neither is followed by a call of the host.
  {
    at: /^ *function taskReturn\(ctx\) \{/gm,
    by: `$& ${TAKEN}.another(); ${TAKEN}.charge(ctx.resultBytes ?? 0);`,
    where: "function taskReturn(",
  },
  { at: /^ *read\(count, opts = \{\}\) \{/gm, by: `$& ${TAKEN}.another();`, where: "class ManagedBuffer " },
];

/** Where one guest's stream is copied to another. */
const COPIES: readonly Place[] = [
  {
    at: /const count = (Math\.min\(pendingRemaining, bufferRemaining\));/g,
    by: `const count = ${TAKEN}.atOnce($1, this.#pendingBufferMeta.buffer, buffer);`,
    where: "class StreamReadableEnd ",
  },
  {
    at: /const numElements = (Math\.min\(buffer\.remaining\(\), (this\.#pendingBufferMeta\.buffer)\.remaining\(\)\));/g,
    by: `const numElements = ${TAKEN}.atOnce($1, buffer, $2);`,
    where: "class StreamWritableEnd ",
  },
];

/** Where a guest gets the ends of streams and futures, and where it drops them or gives them away. */
const ENDS: readonly Place[] = [
  ...["Stream", "Future"].map((kind) => ({
    at: new RegExp(`(function create${kind}\\(cstate, args\\) \\{[^]*?)(return \\{\\s*writeEnd,)`, "g"),
    by: `$1${TAKEN}.holds('streams', readEnd);\n$2`,
    where: `function create${kind}(`,
  })),
  // Where the host makes them, it keeps the other end.
  {
    at: /return \(?BigInt\(writeEndWaitableIdx\) << 32n\)? \| BigInt\(readEndWaitableIdx\);/g,
    by: `${TAKEN}.holds('streams', cstate.handles.get(writeEndWaitableIdx));\n$&`,
    where: "BigInt(writeEndWaitableIdx)",
  },
  {
    at: /(function deleteStreamEnd\(args\) \{[^]*?)(return streamEnd;)/g,
    by: `$1${TAKEN}.lets(streamEnd);\n$2`,
    where: "function deleteStreamEnd(",
  },
  {
    at: /(function removeFutureEndFromTable\(args\) \{[^]*?)(return futureEnd;)/g,
    by: `$1${TAKEN}.lets(futureEnd);\n$2`,
    where: "function removeFutureEndFromTable(",
  },
  {
    at: /if \((stream|future)End\.isInSet\(\)\) \{ throw new WebAssemblyRuntimeError\("cannot lift [^"]*"\); \}/g,
    by: `$& ${TAKEN}.lets($1End);`,
    // In a line of its own it stands where an end goes to another component, and is taken from its table as any other.
    where: '{ throw new WebAssemblyRuntimeError("cannot lift ',
  },
];

/** Where calls begin that the guest does not wait for, and where it forgets them. */
const SUBTASKS: readonly Place[] = [
  {
    at: /waitable\.setIdx\(cstate\.handles\.insert\(newSubtask\)\);/g,
    by: `if (isAsync && !isManualAsync) ${TAKEN}.holds('subtasks', newSubtask);\n$&`,
    where: "createSubtask(args) {",
  },
  {
    at: /if \(this\.#waitable\) \{ this\.#waitable\.drop\(\) \}(?=\s*this\.#dropped = true;)/g,
    by: `$& ${TAKEN}.lets(this);`,
    where: "class AsyncSubtask ",
  },
];

const HANDLES: readonly Place[] = [
  {
    at: /if \(free === 0\) \{\s*(?=table\.push\((?:0|scopeId)\);)/g,
    by: `$&${TAKEN}.handleAdded();\n`,
    where: "(free === 0)",
  },
  {
    at: /if \(freeIdx === 0\) \{\s*(?=this\.#data\.push\(val\);)/g,
    by: `$&${TAKEN}.handleAdded();\n`,
    where: "(freeIdx === 0)",
  },
];

/**
 * The generated text with calls to {@linkcode Taking} in it.
 *
 * @param unexpected what to throw where the text has not the shape that it has to have
 */
export function patchTaken(text: string, unexpected: (what: string) => Error): string {
  for (const { at, by, where } of [...LIFTS, ...COPIES, ...ENDS, ...SUBTASKS, ...HANDLES]) {
    const places = text.split(where).length - 1;
    // One that were passed over would have no limit.
    if ([...text.matchAll(at)].length !== places) throw unexpected(String(at));
    text = text.replace(at, by);
  }
  return text;
}
