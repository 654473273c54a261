/**
 * The capability `blob`: `wasi:blobstore`. `"blob": {}` gives a function a container of its own, `default`;
 * `"blob": { "containers": { "default": true, "photos": "shop-photos" } }` one that it shares as well.
 *
 * @module
 */
import { type Capability, defineCapability } from "../../capability.ts";
import { refuseDisk } from "../../deploy.ts";
import { type Backend, MemoryBackend } from "./backend.ts";
import { openFolder } from "./folder.ts";
import { blobGrant } from "./grant.ts";
import { wasi } from "./wasi.ts";

export {
  type Backend,
  type ContainerId,
  MemoryBackend,
  type ObjectId,
  type ObjectInfo,
  type Upload,
} from "./backend.ts";

/** The capability on a backend of one's own. */
export function blobOn(open: () => Backend | Promise<Backend>): Capability {
  return defineCapability({
    name: "blob",
    interfaces: ["blobstore", "container", "types"].map((name) => `wasi:blobstore/${name}@0.2.0-draft`),
    grant: blobGrant,
    open,
    link: ({ grant, ceilings, function: name, store: backend }) => wasi({ backend, function: name, grant, ceilings }),
  });
}

/**
 * Opens what `BLOB_URL` names: a folder, an S3 bucket as `s3://BUCKET/PREFIX`, or `memory:` for one that forgets with
 * the process. If it is not set, a folder below `.skerry`.
 *
 * @throws {SkerryError} `setting-invalid`.
 */
export async function openBackend(): Promise<Backend> {
  const location = Deno.env.get("BLOB_URL") || undefined;
  if (location === undefined) refuseDisk("opening the objects", "Set BLOB_URL to a bucket, as in s3://BUCKET/PREFIX.");
  if (location === "memory:") return new MemoryBackend();
  if (location === undefined || !/^[a-z0-9]+:\/\//i.test(location)) return await openFolder(location);
  // A server that keeps its objects in a folder has no use for the client.
  const { openBucket } = await import("./s3.ts");
  return openBucket(location);
}

export const blob: Capability = blobOn(openBackend);
