/**
 * What a browser sees in development when a request fails: the guest's stack, the task's log, its host calls.
 *
 * @module
 */
import { type ErrorTrace, type Failure, type LogRecord, type Task } from "../runtime/mod.ts";
import { type Markup, markup, page } from "./page.ts";
import { guestTraces, hostTraces, operatorsMessage } from "./told.ts";

/** More than this is not read on a page, and a guest may have written a megabyte. */
const MAX_RECORDS = 200;
const MAX_TEXT = 4000;

const WHO: Readonly<Record<string, string>> = {
  guest: "the function's code",
  caller: "the caller",
  operator: "the function's configuration",
  host: "Skerry itself",
};

/** The page of a failure, as text. Everything in it that others wrote is escaped. */
export function errorPage(failure: Failure, id: string): string {
  const { error, task, request } = failure;
  const guests = guestTraces(failure);
  // Its fetch() did, and the host has seen nothing of it but an answer.
  const threw = error.code === "guest-threw";
  return page(
    `${error.status} ${error.code}`,
    markup`<p class="status">${error.status} · ${error.code}</p>
<h1>${error.summary}</h1>
<p class="soft">${request.method} ${clip(request.url)}${task === null ? "" : markup` in <b>${task.function}</b>`}
 · to be fixed in ${WHO[error.culprit]}</p>
<section class="message"><pre>${clip(operatorsMessage(failure))}</pre></section>
${guests.length > 0 ? guestStack(guests) : ""}
${task === null ? "" : log(task)}
${task === null ? "" : hostCalls(task)}
${threw ? "" : hostStack(hostTraces(failure))}
${facts(task, id)}
<footer>Shown in development only. ${
      threw
        ? "All but browsers, and everybody in production, get what the function answers: a plain 500."
        : "Callers in production get the code, its summary and the request's id."
    }</footer>`,
  );
}

function guestStack(guests: readonly ErrorTrace[]): Markup {
  return markup`<section><h2>Stack of the function</h2>
${
    guests.map(({ title, frames }) =>
      markup`<p><code>${clip(title)}</code></p><ol>${
        frames.filter(({ guest }) => guest).map(({ name, location }) =>
          markup`<li><code>${clip(name)} <span class="host">${location}</span></code></li>`
        )
      }</ol>`
    )
  }</section>`;
}

function hostStack(traces: readonly ErrorTrace[]): Markup {
  return markup`<details><summary>Stack of the host</summary>
${
    traces.map(({ title, frames }) =>
      markup`<p><code>${clip(title)}</code></p><ol>${
        frames.map(({ name, location, guest }) =>
          markup`<li><code class="${guest ? "" : "host"}">${
            clip(name)
          } <span class="host">${location}</span></code></li>`
        )
      }</ol>`
    )
  }</details>`;
}

function log(task: Task): Markup {
  const { records } = task;
  if (records.length === 0) {
    return markup`<section><h2>Log</h2><p class="soft">The function wrote nothing.</p></section>`;
  }
  const left = records.length - MAX_RECORDS;
  return markup`<section><h2>Log</h2>
${left > 0 ? markup`<p class="soft">${left} earlier records are not shown.</p>` : ""}
<table>${records.slice(-MAX_RECORDS).map((record) => logRow(record, task.startedAt))}</table></section>`;
}

function logRow(record: LogRecord, startedAt: number): Markup {
  // The stack stands above.
  const { stack: _, ...rest } = record.fields ?? {};
  const fields = Object.keys(rest).length === 0 ? "" : ` ${JSON.stringify(rest)}`;
  return markup`<tr><th class="number">${record.time - startedAt} ms</th><th>${record.source}</th>
<td class="code ${record.level}">${clip(record.message + fields)}</td></tr>`;
}

function hostCalls(task: Task): Markup {
  const counts = [...task.calls].sort(([, a], [, b]) => b - a);
  if (counts.length === 0) return markup`<section><h2>Host calls</h2><p class="soft">None.</p></section>`;
  let total = 0;
  for (const [, count] of counts) total += count;
  return markup`<details><summary>Host calls (${total})</summary>
<table>${
    counts.slice(0, MAX_RECORDS).map(([name, count]) =>
      markup`<tr><td class="number">${count} ×</td><td class="code">${name}</td></tr>`
    )
  }</table>
<p class="soft">The last ${task.recordedCalls.length}, in order:</p>
<table>${
    task.recordedCalls.map(({ name, at }) =>
      markup`<tr><th class="number">${at} ms</th><td class="code">${name}</td></tr>`
    )
  }</table></details>`;
}

function facts(task: Task | null, id: string): Markup {
  const rows: [string, string][] = [["Request", id]];
  if (task !== null) {
    rows.push(["Function", task.function], ["Trace", task.trace.traceId]);
    rows.push(["After", `${Math.round(task.elapsedMs * 10) / 10} ms of ${task.deadline - task.startedAt}`]);
  }
  return markup`<section><h2>Request</h2>
<table>${
    rows.map(([name, value]) => markup`<tr><th>${name}</th><td class="code">${value}</td></tr>`)
  }</table></section>`;
}

function clip(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}… (${text.length - MAX_TEXT} more)` : text;
}
