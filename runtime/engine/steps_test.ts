import { expect } from "@std/expect";
import { atOnce, inTurns, type Steps } from "./steps.ts";

function* counting(to: number, said: string[]): Steps<number> {
  for (let i = 0; i < to; i++) {
    said.push(`${i}`);
    yield;
  }
  return to;
}

Deno.test("work in turns lets others run when it has had its time, and not before", async () => {
  const said: string[] = [];
  let time = 0;
  // The clock moves by 4 ms whenever it is looked at: it is after the third step that it has had 10.
  setTimeout(() => said.push("other"), 0);
  const result = inTurns(counting(5, said), () => time += 4);
  expect(said).toEqual(["0", "1", "2"]);
  expect(await result).toBe(5);
  expect(said).toEqual(["0", "1", "2", "other", "3", "4"]);
});

Deno.test("work at once does all of it, and fails with what it throws", async () => {
  const said: string[] = [];
  expect(atOnce(counting(3, said))).toBe(3);
  expect(said.length).toBe(3);
  function* failing(): Steps<number> {
    yield;
    throw new RangeError("too much");
  }
  expect(() => atOnce(failing())).toThrow("too much");
  await expect(inTurns(failing())).rejects.toThrow("too much");
});
