/**
 * How long guest code runs, and who goes on next: the same on every engine.
 *
 * @module
 */
export { CpuClock } from "../cpu.ts";
export { fairTurn } from "../../streams/turn.ts";
