/** Networks of CNI's plugins, for what runs containers by them: a file for each, read whenever a container starts. */
import { familyOf } from "../base/ip.ts";
import { networksOf, poolViews } from "./container-pools.ts";
import type { Emitter } from "./context.ts";
import { publicFile, sourceOf } from "./print.ts";

/** Nothing without a CNI's. */
export const emitCni: Emitter = (host, context) =>
  networksOf(host, "cni").map(({ subnet, bridge, makesBridge, mtu, pools }) => {
    // One way out of each family.
    const families = new Map(
      pools.filter(({ gateway }) => gateway !== undefined).map((pool) => [familyOf(pool.prefix), pool]),
    );
    const view = {
      source: sourceOf(host, context),
      name: subnet,
      bridge,
      makesBridge,
      isGateway: String(makesBridge),
      mtu: String(mtu),
      pools: poolViews(pools),
      routes: poolViews([...families.values()]),
    };
    const path = `etc/cni/net.d/10-netgen${context.fleet}-${subnet}.conflist`;
    return publicFile(host, context, { path, template: "cni/conflist.njk", head: "none", view, after: [] });
  });
