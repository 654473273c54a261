/**
 * Tasks of the repository's own.
 *
 * @module
 */

/** Runs `main` with the process's arguments: it says whether all is well, and throws a `TypeError` for words it does not know. */
export async function runMain(main: (args: string[]) => Promise<boolean>, help: string): Promise<void> {
  try {
    if (!await main(Deno.args)) Deno.exitCode = 1;
  } catch (error) {
    console.error(error instanceof TypeError ? `${error.message}\n\n${help}` : error);
    Deno.exitCode = 1;
  }
}
