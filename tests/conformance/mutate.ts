/**
 * Mutants of component binaries that keep their form: sections stay sections, and say how long they are. So they get
 * further than mutants of single bytes do.
 *
 * @module
 */
import { unsigned } from "./echo_component.ts";
import type { Random } from "./wit_types.ts";

/** A section; of a nested component with the sections in it. */
interface Section {
  readonly id: number;
  readonly content: readonly number[] | readonly Section[];
}

const PREAMBLE = [0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0];
const CORE_MODULE = 1, COMPONENT = 4;

/** A component's sections. */
export function sectionsOf(bytes: Uint8Array): Section[] {
  const sections: Section[] = [];
  let at = PREAMBLE.length;
  while (at < bytes.length) {
    const id = bytes[at++]!;
    let size = 0;
    for (let shift = 1;; shift *= 128) {
      const byte = bytes[at++]!;
      size += (byte & 0x7f) * shift;
      if (byte < 0x80) break;
    }
    const content = bytes.subarray(at, at += size);
    sections.push({ id, content: id === COMPONENT ? sectionsOf(content) : Array.from(content) });
  }
  return sections;
}

function isNested(content: Section["content"]): content is readonly Section[] {
  return typeof content[0] === "object";
}

function bytesOf(sections: readonly Section[]): number[] {
  return [
    ...PREAMBLE,
    ...sections.flatMap(({ id, content }) => {
      const inside = id === COMPONENT && (content.length === 0 || isNested(content))
        ? bytesOf(content as readonly Section[])
        : content as readonly number[];
      return [id, ...unsigned(inside.length), ...inside];
    }),
  ];
}

type Change = (sections: readonly Section[], random: Random, others: readonly Section[]) => Section[];

const place = (list: readonly unknown[], random: Random) => random.below(list.length);

const at = (sections: readonly Section[], index: number, ...instead: Section[]): Section[] => [
  ...sections.slice(0, index),
  ...instead,
  ...sections.slice(index + 1),
];

/** Changes the content of a section that holds a vector. */
function inside(change: (content: readonly number[], random: Random) => readonly number[]): Change {
  return (sections, random) => {
    const fit = [...sections.keys()].filter((i) => {
      const { id, content } = sections[i]!;
      return id !== CORE_MODULE && content.length > 0 && !isNested(content);
    });
    if (fit.length === 0) return [...sections];
    const index = random.one(fit);
    const { id, content } = sections[index]!;
    return at(sections, index, { id, content: change(content as readonly number[], random) });
  };
}

/** How many sections there may be in a mutant that makes more of them. */
const MOST_DEEP = 130;

const CHANGES: readonly Change[] = [
  // Two sections change places.
  (sections, random) => {
    const [a, b] = [place(sections, random), place(sections, random)];
    return at(at(sections, a, sections[b]!), b, sections[a]!);
  },
  // A section is there twice, or not at all, or stands for another kind.
  (sections, random) => {
    const index = place(sections, random);
    return at(sections, index, sections[index]!, sections[index]!);
  },
  (sections, random) => at(sections, place(sections, random)),
  (sections, random) => {
    const index = place(sections, random);
    return at(sections, index, { id: random.below(14), content: sections[index]!.content });
  },
  // A section of another component.
  (sections, random, others) => {
    const index = place(sections, random);
    return at(sections, index, sections[index]!, random.one(others));
  },
  // A vector says that it has one more, one less, or as many as can be said.
  inside(([count = 0, ...rest], random) => [random.one([count + 1 & 0x7f, count + 127 & 0x7f]), ...rest]),
  inside(([, ...rest]) => [0xff, 0xff, 0xff, 0xff, 0x0f, ...rest]),
  // An index is one off, far out of range, or that of what refers to it.
  inside((content, random) => {
    const index = place(content, random);
    const byte = content[index]!;
    return [
      ...content.slice(0, index),
      ...random.one([[byte + 1 & 0x7f], [byte + 127 & 0x7f], [0xff, 0xff, 0x03], [random.below(256)]]),
      ...content.slice(index + 1),
    ];
  }),
  // Something is repeated, so that what comes behind it is read as something else.
  inside((content, random) => {
    const [from, length] = [place(content, random), 1 + random.below(12)];
    return [...content.slice(0, from + length), ...content.slice(from)];
  }),
  // Everything is in a component, in a component, …
  (sections, random) => {
    let nested: Section[] = [...sections];
    for (let depth = random.one([1, 2, 99, 101, MOST_DEEP]); depth > 0; depth--) {
      nested = [{ id: COMPONENT, content: nested }];
    }
    return nested;
  },
  // A part of it is in a component of its own, where its indices mean others.
  (sections, random) => {
    const from = place(sections, random);
    const to = from + 1 + random.below(sections.length - from);
    return [...sections.slice(0, from), { id: COMPONENT, content: sections.slice(from, to) }, ...sections.slice(to)];
  },
  // The same inside a component that is in it.
  (sections, random, others) => {
    const nested = [...sections.keys()].filter((i) => sections[i]!.id === COMPONENT && isNested(sections[i]!.content));
    if (nested.length === 0) return [...sections];
    const index = random.one(nested);
    const content = changed(sections[index]!.content as readonly Section[], random, others);
    return at(sections, index, { id: COMPONENT, content });
  },
];

function changed(sections: readonly Section[], random: Random, others: readonly Section[]): readonly Section[] {
  return sections.length === 0 ? sections : random.one(CHANGES)(sections, random, others);
}

/**
 * A mutant of a component.
 *
 * @param others sections that may get into it
 */
export function mutant(
  original: readonly Section[],
  random: Random,
  others: readonly Section[],
): Uint8Array<ArrayBuffer> {
  let sections = original;
  for (let left = 1 + random.below(3); left > 0; left--) sections = changed(sections, random, others);
  return new Uint8Array(bytesOf(sections));
}
