// A function that uses a capability of one's own: capability.ts beside this file is its host.
//
//   curl localhost:8000/stopwatch
import { Lap, report, requestId } from "example:stopwatch/stopwatch@0.1.0";

export default { fetch: measure };

function measure(): Response {
  const counting = new Lap("counting");
  let sum = 0;
  for (let i = 0; i < 10_000; i++) sum += i;
  counting.stop();
  const writing = new Lap("writing");
  const text = `The sum is ${sum}.`;
  writing.stop();
  return Response.json({ request: requestId(), text, laps: report() });
}
