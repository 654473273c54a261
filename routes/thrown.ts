/**
 * In development: a page for a browser, in the place of the plain answer of a function whose `fetch` threw.
 *
 * @module
 */
import { type FailureResponse, SkerryError, taskThatThrew, thrownBy } from "../runtime/mod.ts";
import { prefersPage } from "./failure.ts";

/** What the entry answers with that is built around a `fetch` handler (`runtime/build`). */
const ANSWER = "Internal Server Error\n";

/**
 * What a function has answered, or the page of its failure: for a browser alone, and only if its handler threw and the
 * answer is the one that stands for that. What a function itself answers passes as it is, whatever its status.
 */
export async function explainThrown(
  failed: FailureResponse,
  request: Request,
  answered: Response | Promise<Response>,
): Promise<Response> {
  const answer = await answered;
  if (answer.status !== 500 || !prefersPage(request.headers.get("accept"))) return answer;
  const { headers } = answer;
  if (headers.get("content-length") !== String(ANSWER.length) || headers.get("content-type") !== "text/plain") {
    return answer;
  }
  const task = taskThatThrew(headers.get("x-request-id") ?? "");
  const thrown = task && thrownBy(task);
  if (thrown === undefined || answer.body === null) return answer;
  const text = await answer.text();
  if (text !== ANSWER) return new Response(text, answer);
  const error = new SkerryError("guest-threw", `calling ${task!.function}: its fetch() threw ${thrown.title}`);
  return failed({ error, task: task!, request });
}
