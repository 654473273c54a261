import { expect } from "@std/expect";
import { linkForTest } from "../../testing.ts";
import { payloadOf } from "../_testing.ts";
import { sockets } from "./mod.ts";

interface SocketClass {
  create(family: "ipv4" | "ipv6"): unknown;
}

Deno.test("no version gives a guest a socket, or the address of a name", async () => {
  const linked = await linkForTest(sockets);
  await linked.inTask(async () => {
    const { instanceNetwork } = linked.use<{ instanceNetwork(): unknown }>("wasi:sockets/instance-network@0.2.12");
    const { createTcpSocket } = linked.use<Record<string, (family: string) => unknown>>(
      "wasi:sockets/tcp-create-socket@0.2.12",
    );
    const { createUdpSocket } = linked.use<Record<string, (family: string) => unknown>>(
      "wasi:sockets/udp-create-socket@0.2.12",
    );
    const { resolveAddresses } = linked.use<Record<string, (...args: unknown[]) => unknown>>(
      "wasi:sockets/ip-name-lookup@0.2.12",
    );
    const p3 = linked.use<Record<"TcpSocket" | "UdpSocket", SocketClass>>("wasi:sockets/types@0.3.0");
    const lookUp = linked.use<Record<string, (name: string) => unknown>>("wasi:sockets/ip-name-lookup@0.3.0");
    for (const family of ["ipv4", "ipv6"] as const) {
      expect(await payloadOf(() => createTcpSocket!(family))).toBe("access-denied");
      expect(await payloadOf(() => createUdpSocket!(family))).toBe("access-denied");
      expect(await payloadOf(() => p3.TcpSocket.create(family))).toEqual({ tag: "access-denied" });
      expect(await payloadOf(() => p3.UdpSocket.create(family))).toEqual({ tag: "access-denied" });
    }
    expect(await payloadOf(() => resolveAddresses!(instanceNetwork(), "localhost"))).toBe("permanent-resolver-failure");
    expect(await payloadOf(() => lookUp["resolveAddresses"]!("localhost"))).toEqual({ tag: "access-denied" });
  });
});

Deno.test("the grant of sockets takes no parameters: there is nothing to be granted", async () => {
  await expect(linkForTest(sockets, { grant: { allow: ["*"] } })).rejects.toMatchObject({ code: "grant-invalid" });
});
