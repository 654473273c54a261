/**
 * `deno task setup`: installs the npm packages that package-lock.json names, if they are not there already. The tasks run
 * it first, so that a fresh clone needs no other step. It imports no package, for there may be none yet.
 *
 * @module
 */

interface Lockfile {
  readonly packages?: Readonly<Record<string, LockedPackage>>;
}

interface LockedPackage {
  readonly version?: string;
  readonly optional?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/**
 * Why packages have to be installed; `undefined` if all are there.
 *
 * @param wanted The project's package.json, as a locked package.
 * @param locked package-lock.json.
 * @param installed node_modules/.package-lock.json, where npm notes what it has installed.
 */
export function whyInstall(
  wanted: LockedPackage,
  locked: Lockfile | undefined,
  installed: Lockfile | undefined,
  platform: Platform = Deno.build,
): string | undefined {
  if (installed === undefined) return "the packages are not installed yet";
  const root = locked?.packages?.[""];
  for (const kind of ["dependencies", "devDependencies"] as const) {
    const [ours, theirs] = [wanted[kind] ?? {}, root?.[kind] ?? {}];
    const names = new Set([...Object.keys(ours), ...Object.keys(theirs)]);
    for (const name of names) {
      if (ours[name] !== theirs[name]) return `package.json asks for ${name} ${ours[name] ?? "no longer"}`;
    }
  }
  for (const [path, { version, optional }] of expected(wanted, locked, platform)) {
    if (path === "") continue;
    const there = installed.packages?.[path];
    // Binaries for other platforms are optional, and stay away.
    if (there === undefined ? !optional : there.version !== version) {
      return `${path.replace(/^.*node_modules\//, "")} ${version} is not installed`;
    }
  }
  return undefined;
}

type Platform = Pick<typeof Deno.build, "os" | "arch">;

/** What has to be there: what the lockfile names; or, where it does not count, what the project asks for itself. */
function expected(wanted: LockedPackage, locked: Lockfile | undefined, platform: Platform): [string, LockedPackage][] {
  if (locked !== undefined && isLocked(locked, platform)) return Object.entries(locked.packages ?? {});
  return Object.entries({ ...wanted.dependencies, ...wanted.devDependencies })
    .map(([name, version]) => [`node_modules/${name}`, { version }]);
}

/**
 * Whether the lockfile names the binaries for a platform: for others npm would install none of them, and has to resolve
 * all packages anew.
 */
export function isLocked({ packages }: Lockfile, { os, arch }: Platform): boolean {
  const names: Record<string, string> = { windows: "win32", x86_64: "x64", aarch64: "arm64" };
  const platform = `node_modules/@deno/${names[os] ?? os}-${names[arch] ?? arch}`;
  return Object.keys(packages ?? {}).some((path) => path.startsWith(platform));
}

async function readJson<T>(url: URL): Promise<T | undefined> {
  try {
    return JSON.parse(await Deno.readTextFile(url));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

async function install(root: URL, locked: boolean): Promise<boolean> {
  const flags = ["--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"];
  for (const npm of Deno.build.os === "windows" ? ["npm.cmd"] : ["npm"]) {
    try {
      const command = new Deno.Command(npm, {
        args: ["install", ...flags, ...locked ? [] : ["--no-package-lock"]],
        cwd: root,
        stdout: "null",
      });
      return (await command.output()).success;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  console.error("setting up: there is no npm, which installs the packages. Install Node.js from https://nodejs.org.");
  return false;
}

if (import.meta.main) {
  const root = new URL("../../", import.meta.url);
  const [wanted, locked, installed] = await Promise.all([
    readJson<LockedPackage>(new URL("package.json", root)),
    readJson<Lockfile>(new URL("package-lock.json", root)),
    readJson<Lockfile>(new URL("node_modules/.package-lock.json", root)),
  ]);
  const why = whyInstall(wanted ?? {}, locked, installed);
  if (why !== undefined) {
    console.log(`Installing npm packages: ${why} …`);
    const began = performance.now();
    if (!(await install(root, isLocked(locked ?? {}, Deno.build)))) {
      console.error("setting up: npm could not install the packages. Run `npm install` to see why.");
      Deno.exit(1);
    }
    console.log(`Installed after ${((performance.now() - began) / 1000).toFixed(1)} s.`);
  }
}
