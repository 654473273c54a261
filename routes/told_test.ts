import { expect } from "@std/expect";
import { type Failure, SkerryError, Task } from "../runtime/mod.ts";
import { errorPage } from "./error_page.ts";
import { hostTraces, operatorsMessage } from "./told.ts";

Deno.test("what is shown of a failure in development has none of the secrets that the function was given", () => {
  const task = new Task({ function: "f", record: true });
  const cause = new Error("the key hunter2 does not fit");
  const error = new SkerryError("guest-trapped", "calling f: cannot open with hunter2", { cause });
  const failure = { error, task, request: new Request("http://localhost/f") } as unknown as Failure;
  expect(operatorsMessage(failure)).toBe("calling f: cannot open with hunter2");
  task.keepSecret("hunter2");
  task.log("warn", "it is hunter2", "stderr");
  expect(operatorsMessage(failure)).toBe("calling f: cannot open with [secret]");
  expect(hostTraces(failure).map(({ title }) => title).join()).not.toContain("hunter2");
  const page = errorPage(failure, "id");
  expect(page).not.toContain("hunter2");
  expect(page).toContain("cannot open with [secret]");
  expect(page).toContain("it is [secret]");
  task.end();
});
