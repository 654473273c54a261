/**
 * Counts of a process, as text that Prometheus and OpenTelemetry collectors read: how requests ended, what they computed,
 * which limits they met, and how full the process is.
 *
 * @module
 */
import type { Admission } from "./admission.ts";
import type { LimitName, QuotaName } from "./limits.ts";
import type { Task } from "./task.ts";

/** What one function has come to. */
interface Counts {
  readonly outcomes: Map<string, number>;
  readonly limits: Map<LimitName | QuotaName, number>;
  cpuMs: number;
}

/** How full a process is. */
export interface Fullness {
  readonly admission: Admission;
  /** Those to other servers. */
  readonly connections: Readonly<Record<"open" | "most" | "waiting" | "waited" | "refused", number>>;
  /** Those of threads and of calls inside isolates. */
  readonly stacks: Readonly<Record<"taken" | "most" | "refused", number>>;
  readonly tasks: number;
}

/** The content type of {@linkcode Metrics.text}. */
export const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/**
 * The counts of the tasks of a process since it started.
 *
 * @example
 * ```ts
 * import { Admission } from "./admission.ts";
 * import { Metrics } from "./metrics.ts";
 * import { Task } from "./task.ts";
 *
 * const metrics = new Metrics();
 * metrics.record(new Task({ function: "hello" }), "200");
 * const connections = { open: 0, most: 10, waiting: 0, waited: 0, refused: 0 };
 * const stacks = { taken: 0, most: 10, refused: 0 };
 * const text = metrics.text({ admission: new Admission({ isolates: 10 }), connections, stacks, tasks: 0 });
 * console.assert(text.includes('skerry_requests_total{function="hello",outcome="200"} 1'));
 * ```
 */
export class Metrics {
  readonly #functions = new Map<string, Counts>();

  /** Counts a task that is about to end. `outcome`: the status of its response, or the code of its error. */
  record({ function: name, cpuMs, met }: Task, outcome: string): void {
    let counts = this.#functions.get(name);
    if (counts === undefined) {
      this.#functions.set(name, counts = { outcomes: new Map(), limits: new Map(), cpuMs: 0 });
    }
    counts.cpuMs += cpuMs;
    counts.outcomes.set(outcome, (counts.outcomes.get(outcome) ?? 0) + 1);
    if (met.size === 0) return;
    for (const [limit, count] of met) counts.limits.set(limit, (counts.limits.get(limit) ?? 0) + count);
  }

  /** All of it, in Prometheus's text format. */
  text({ admission, connections, stacks, tasks }: Fullness): string {
    const { memory } = admission;
    const functions = [...this.#functions].map(([name, counts]) =>
      [`function=${JSON.stringify(name)}`, counts] as const
    );
    const families: readonly (readonly [name: string, type: string, help: string, samples: readonly Sample[]])[] = [
      [
        "skerry_requests_total",
        "counter",
        "Requests by how they ended: the status sent, or the code of the failure.",
        functions.flatMap(([label, { outcomes }]) =>
          [...outcomes].map(([outcome, count]) => [`{${label},outcome="${outcome}"}`, count] as const)
        ),
      ],
      [
        "skerry_cpu_seconds_total",
        "counter",
        "CPU time of guests.",
        functions.map(([label, { cpuMs }]) => [`{${label}}`, cpuMs / 1000] as const),
      ],
      [
        "skerry_limit_met_total",
        "counter",
        "How often a limit was met.",
        functions.flatMap(([label, { limits }]) =>
          [...limits].map(([limit, count]) => [`{${label},limit="${limit}"}`, count] as const)
        ),
      ],
      ["skerry_tasks", "gauge", "Requests under way.", [["", tasks]]],
      ["skerry_isolates", "gauge", "Isolates alive.", [["", admission.running]]],
      ["skerry_isolates_max", "gauge", "How many there may be at once.", [["", admission.places]]],
      ["skerry_waiting", "gauge", "Requests that wait for an isolate.", [["", admission.waiting]]],
      ["skerry_memory_bytes", "gauge", "Linear memory that isolates have declared.", [["", memory.used]]],
      ["skerry_memory_max_bytes", "gauge", "How much they may have together.", [["", memory.budget]]],
      ["skerry_memories", "gauge", "Memories of isolates that are alive.", [["", memory.memories]]],
      ["skerry_memories_existing", "gauge", "Memories that are not collected yet.", [["", memory.existing]]],
      ["skerry_growth_waiting", "gauge", "Guests that wait for memory to grow.", [["", memory.waiting]]],
      ["skerry_growth_waited_total", "counter", "How often a guest had to wait to grow.", [["", memory.waited]]],
      ["skerry_growth_refused_total", "counter", "How often the process refused.", [["", memory.refused]]],
      ["skerry_stacks", "gauge", "Stacks of threads and of calls inside isolates.", [["", stacks.taken]]],
      ["skerry_stacks_max", "gauge", "How many there may be at once.", [["", stacks.most]]],
      ["skerry_stacks_refused_total", "counter", "How often there was none.", [["", stacks.refused]]],
      ["skerry_outgoing_connections", "gauge", "Connections to other servers.", [["", connections.open]]],
      ["skerry_outgoing_connections_max", "gauge", "How many there may be at once.", [["", connections.most]]],
      ["skerry_outgoing_waiting", "gauge", "Outgoing requests that wait for one.", [["", connections.waiting]]],
      ["skerry_outgoing_waited_total", "counter", "How often one had to wait.", [["", connections.waited]]],
      ["skerry_outgoing_refused_total", "counter", "How often the process refused.", [["", connections.refused]]],
      ["process_resident_memory_bytes", "gauge", "Resident memory of the process.", [["", Deno.memoryUsage().rss]]],
    ];
    return families.map(([name, type, help, samples]) =>
      `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${
        samples.map(([labels, n]) => `${name}${labels} ${n}\n`).join("")
      }`
    ).join("");
  }
}

type Sample = readonly [labels: string, value: number];
