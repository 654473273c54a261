import { expect } from "@std/expect";
import { hasStackRoom } from "./stack_room.ts";

Deno.test("a stack has room until it is nearly full, and there is room for a word about it then", () => {
  const seen: boolean[] = [];
  const down = (): void => {
    if (seen.at(-1) !== hasStackRoom()) seen.push(!seen.at(-1));
    if (seen.length < 2) down();
  };
  down();
  expect([...seen, hasStackRoom()]).toEqual([true, false, true]);
});
