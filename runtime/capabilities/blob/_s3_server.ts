/**
 * As much of S3 as the backend uses, over memory, and as strict as the real ones where that matters. For the tests.
 *
 * @module
 */

/** What a test looks at, and what it sets. */
export interface S3Server extends AsyncDisposable {
  readonly endpoint: string;
  /** The objects by `BUCKET/KEY`. */
  readonly objects: Map<string, { bytes: Uint8Array<ArrayBuffer>; at: Date }>;
  /** Uploads that are neither completed nor aborted. */
  readonly uploads: Map<string, Map<number, Uint8Array<ArrayBuffer>>>;
  /** Answers in place of the server, while it is set. */
  instead: ((request: Request) => Response | Promise<Response> | undefined) | undefined;
}

const MIN_PART_BYTES = 5 * 2 ** 20;

/** Starts a server on a free port of the loopback. */
export function startS3Server({ pageSize = 3 }: { pageSize?: number } = {}): S3Server {
  const objects: S3Server["objects"] = new Map();
  const uploads: S3Server["uploads"] = new Map();
  const error = (status: number, code: string) =>
    new Response(`<Error><Code>${code}</Code><Message>as the test asks</Message></Error>`, { status });

  const handle = async (request: Request): Promise<Response> => {
    const answer = server.instead?.(request);
    if (answer !== undefined) return await answer;
    const signed = /^AWS4-HMAC-SHA256 Credential=key\//.test(request.headers.get("authorization") ?? "");
    if (!signed) return error(403, "AccessDenied");
    const { pathname, searchParams } = new URL(request.url);
    // To whoever signs it is a space, and to real stores it is not.
    if (pathname.includes("+")) return error(403, "SignatureDoesNotMatch");
    const path = decodeURIComponent(pathname.slice(1));
    const body = await request.bytes();
    const upload = searchParams.get("uploadId");
    const found = objects.get(path);
    switch (request.method) {
      case "GET": {
        if (searchParams.has("list-type")) return list(path, searchParams);
        if (found === undefined) return error(404, "NoSuchKey");
        const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.get("range") ?? "")!;
        if (Number(from) >= found.bytes.length) return error(416, "InvalidRange");
        const part = found.bytes.slice(Number(from), to === "" ? undefined : Number(to) + 1);
        const range = `bytes ${from}-${Number(from) + part.length - 1}/${found.bytes.length}`;
        return new Response(part, { status: 206, headers: { "content-range": range } });
      }
      case "HEAD": {
        if (found === undefined) return new Response(null, { status: 404 });
        const headers = { "content-length": `${found.bytes.length}`, "last-modified": found.at.toUTCString() };
        return new Response(null, { headers });
      }
      case "DELETE":
        if (upload === null) objects.delete(path);
        else if (!uploads.delete(upload)) return error(404, "NoSuchUpload");
        return new Response(null, { status: 204 });
      case "POST":
        if (searchParams.has("uploads")) {
          const id = crypto.randomUUID();
          uploads.set(id, new Map());
          return new Response(`<UploadId>${id}</UploadId>`);
        } else {
          const parts = [...uploads.get(upload!)!.values()];
          if (parts.slice(0, -1).some((part) => part.length < MIN_PART_BYTES)) return error(400, "EntityTooSmall");
          uploads.delete(upload!);
          objects.set(path, { bytes: await new Blob(parts).bytes(), at: new Date() });
          return new Response("<CompleteMultipartUploadResult/>");
        }
      case "PUT": {
        const source = request.headers.get("x-amz-copy-source");
        if (upload !== null) {
          const number = Number(searchParams.get("partNumber"));
          uploads.get(upload)!.set(number, body);
          return new Response(null, { headers: { etag: `"${number}"` } });
        }
        if (request.headers.get("content-length") === null) return error(411, "MissingContentLength");
        const bytes = source === null ? body : objects.get(decodeURIComponent(source.slice(1)))?.bytes;
        if (bytes === undefined) return error(404, "NoSuchKey");
        objects.set(path, { bytes, at: new Date() });
        return new Response(source === null ? null : "<CopyObjectResult/>");
      }
    }
    return error(405, "MethodNotAllowed");
  };

  function list(bucket: string, query: URLSearchParams): Response {
    const prefix = query.get("prefix")!;
    const after = query.get("continuation-token")?.slice("after&".length) ?? "";
    const keys = [...objects.keys()].map((path) => path.slice(bucket.length))
      .filter((key) => key.startsWith(prefix) && key > after).sort();
    const page = keys.slice(0, pageSize);
    const more = keys.length > pageSize;
    const contents = page.map((key) =>
      `<Contents><Key>${key}</Key><Size>${objects.get(bucket + key)!.bytes.length}</Size></Contents>`
    ).join("");
    const token = more ? `<NextContinuationToken>after&amp;${page.at(-1)}</NextContinuationToken>` : "";
    return new Response(`<ListBucketResult><IsTruncated>${more}</IsTruncated>${token}${contents}</ListBucketResult>`);
  }

  const http = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, handle);
  const server: S3Server = {
    endpoint: `http://127.0.0.1:${http.addr.port}`,
    objects,
    uploads,
    instead: undefined,
    [Symbol.asyncDispose]: () => http.shutdown(),
  };
  return server;
}
