// Runs the project's own Deno, for people who have none: `npm run dev` and `npm test` come here. Node runs this file, so
// it is JavaScript; it installs the npm packages first if Deno is not among them yet.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const windows = process.platform === "win32";
const deno = fileURLToPath(new URL(`../../node_modules/deno/deno${windows ? ".exe" : ""}`, import.meta.url));

if (!existsSync(deno)) {
  console.log("Installing Deno and the other npm packages …");
  const options = { cwd: root, stdio: ["ignore", "ignore", "inherit"], shell: windows };
  // npm installs no binary for a platform that the lockfile does not name, not even Deno: then it resolves all anew.
  const { packages } = JSON.parse(readFileSync(new URL("../../package-lock.json", import.meta.url), "utf8"));
  const platform = `node_modules/@deno/${process.platform}-${process.arch}`;
  const locked = Object.keys(packages).some((path) => path.startsWith(platform));
  const flags = [
    "--no-audit",
    "--no-fund",
    "--prefer-offline",
    "--loglevel=error",
    ...locked ? [] : ["--no-package-lock"],
  ];
  const { status } = spawnSync("npm", ["install", ...flags], options);
  // Where npm runs no scripts of packages, Deno's binary is not in its place yet.
  const script = fileURLToPath(new URL("../../node_modules/deno/install.cjs", import.meta.url));
  if (status === 0 && !existsSync(deno) && existsSync(script)) spawnSync(process.execPath, [script], options);
  if (status !== 0 || !existsSync(deno)) {
    console.error("setting up: npm could not install Deno. Run `npm install` to see why.");
    process.exit(1);
  }
}

const child = spawn(deno, process.argv.slice(2), { stdio: "inherit" });
// Ctrl-C reaches the child by itself; what is sent to this process alone does not.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => child.kill("SIGTERM"));
// npm passes a signal to the shell between us, which ends without passing it on: nobody is left to stop this server.
const parent = process.ppid;
setInterval(() => process.ppid === parent || child.kill("SIGTERM"), 500).unref();
child.on("exit", (code, signal) => process.exit(signal === null ? code ?? 1 : 1));
