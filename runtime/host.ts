/**
 * The host of a process: its capabilities, opened once, and linked to each function by what the function was granted.
 *
 * @module
 */
import { z } from "zod";
import type { Capability, LinkContext } from "./capability.ts";
import { findCompatible } from "./component/semver.ts";
import type { HostImports, HostInterface, InterfaceName, LinkedComponent, LoadedComponent } from "./engine/mod.ts";
import { SkerryError } from "./errors.ts";
import { ceilingsOf, type GrantCeilings, underGrantCeilings } from "./grant_limits.ts";

/** What the host has to know of a function to link it. */
export interface Grantee {
  readonly name: string;
  /** Absolute. */
  readonly directory: string;
  /** Capability names and their parameters, as the manifest has them. */
  readonly grants: Readonly<Record<string, unknown>>;
  readonly env: Readonly<Record<string, string>>;
  /** Finds places in its sources. Default: it has none. */
  readonly toSource?: (text: string) => string;
}

/** A linked function, and what its operator should hear. */
export interface Linked {
  readonly component: LinkedComponent;
  readonly warnings: readonly string[];
}

/** What a host is made of beside capabilities. */
export interface HostOptions {
  /** Those of them that are not Skerry's own. */
  readonly foreign?: readonly Capability[];
  /** The most that quotas in grants may be: what is above is lowered. */
  readonly grantCeilings?: GrantCeilings;
}

/**
 * Links functions to capabilities. Deny by default: an import whose capability was not granted is refused before the
 * first isolate, naming the line to add.
 */
export class Host {
  readonly capabilities: ReadonlyMap<string, Capability>;
  readonly #foreign: ReadonlySet<Capability>;
  readonly #ceilings: GrantCeilings;
  readonly #stores = new Map<string, Promise<unknown>>();

  constructor(capabilities: readonly Capability[], { foreign = [], grantCeilings = {} }: HostOptions = {}) {
    this.capabilities = new Map(capabilities.map((capability) => [capability.name, capability]));
    this.#foreign = new Set(foreign);
    this.#ceilings = grantCeilings;
  }

  /** The capability that provides `interfaceName` or a version compatible with it. */
  provider(interfaceName: InterfaceName): Capability | undefined {
    for (const capability of this.capabilities.values()) {
      if (findCompatible(interfaceName, capability.interfaces) !== undefined) return capability;
    }
    return undefined;
  }

  /**
   * Links `component` with what `grantee` was granted.
   *
   * @throws {SkerryError} `grant-invalid`, or `component-import-missing`.
   */
  async link(component: LoadedComponent, grantee: Grantee): Promise<Linked> {
    const grants = this.checkGrants(grantee);
    const providers = new Set<string>();
    const missing: string[] = [];
    for (const { name } of component.imports) {
      const provider = this.provider(name);
      if (provider === undefined) continue; // The engine says what is missing, with the functions it needs.
      providers.add(provider.name);
      if (provider.ungranted === undefined && !grants.has(provider.name)) {
        missing.push(`${name}: add "${provider.name}": {} to "grants"`);
      }
    }
    if (missing.length > 0) {
      throw new SkerryError(
        "component-import-missing",
        `linking ${grantee.name}: it imports what it was not granted. In function.json, for ${missing.join("; for ")}.`,
      );
    }
    const host: Record<InterfaceName, HostInterface> = {};
    for (const capability of this.capabilities.values()) {
      const grant = grants.get(capability.name) ?? capability.ungranted;
      if (grant !== undefined) Object.assign(host, await this.#linkOne(capability, grantee, grant));
    }
    const warnings = [...grants.keys()]
      .filter((name) => !providers.has(name))
      .map((name) => `${grantee.name} is granted "${name}", but imports nothing of it`);
    const linked = await component.link(host);
    const isOwn = [...providers].every((name) => !this.#foreign.has(this.capabilities.get(name)!));
    // What others write may set an AsyncLocalStorage of their own: only `withTask` puts those back as they were.
    return { component: isOwn ? linked : { instantiate: () => linked.instantiate() }, warnings };
  }

  /**
   * The grants of `grantee`, each checked by its capability's schema.
   *
   * @throws {SkerryError} `grant-invalid`.
   */
  checkGrants(grantee: Pick<Grantee, "name" | "grants">): Map<string, unknown> {
    const checked = new Map<string, unknown>();
    for (const [name, parameters] of Object.entries(grantee.grants)) {
      const capability = this.capabilities.get(name);
      if (capability === undefined) {
        throw new SkerryError(
          "grant-invalid",
          `reading the grants of ${grantee.name}: there is no capability "${name}". There are ${
            [...this.capabilities.keys()].join(", ")
          }.`,
        );
      }
      const result = capability.grant.safeParse(parameters);
      if (!result.success) {
        throw new SkerryError(
          "grant-invalid",
          `reading the grant "${name}" of ${grantee.name}: ${z.prettifyError(result.error)}`,
        );
      }
      checked.set(name, result.data);
    }
    return checked;
  }

  /** What the grants of `grantee` name in its folder: what has to go along where the function goes. */
  pathsOf(grantee: Pick<Grantee, "name" | "grants">): string[] {
    const paths: string[] = [];
    for (const [name, grant] of this.checkGrants(grantee)) {
      paths.push(...this.capabilities.get(name)?.paths?.(grant) ?? []);
    }
    return paths;
  }

  async #linkOne(capability: Capability, grantee: Grantee, grant: unknown): Promise<HostImports> {
    let store = this.#stores.get(capability.name);
    if (store === undefined) {
      store = Promise.resolve(capability.open());
      this.#stores.set(capability.name, store);
      // A database that was not there yet is asked for again when the next function is linked.
      store.catch(() => this.#stores.delete(capability.name));
    }
    const ceilings = ceilingsOf(capability.name, this.#ceilings);
    const context: LinkContext<unknown, unknown> = {
      function: grantee.name,
      directory: grantee.directory,
      grant: underGrantCeilings(grant, ceilings),
      ceilings,
      env: grantee.env,
      ...(grantee.toSource === undefined ? {} : { toSource: grantee.toSource }),
      store: await store,
    };
    return capability.link(context);
  }
}
