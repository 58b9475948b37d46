// The lab's own port speaks plain HTTP. Answers of custom resources go to AWS by HTTPS, and code says
// so; whoever takes only the host from the address asks at HTTPS's own port.

import http from "node:http";
import https from "node:https";
import { syncBuiltinESMExports } from "node:module";

export function reachLab(address) {
  if (!address) return;
  const { hostname, port } = new URL(address);
  const isLab = (url) => url.hostname === hostname && ["", "443", port].includes(url.port);
  for (const name of ["request", "get"]) {
    const ask = https[name];
    https[name] = function (...values) {
      const [first, second] = values;
      const given = first instanceof URL || typeof first === "string";
      const options = { ...(given ? second : first) };
      const url = given ? new URL(first) : {
        hostname: options.hostname ?? options.host, port: String(options.port ?? ""),
      };
      if (!isLab(url)) return ask.apply(https, values);
      const path = given ? url.pathname + url.search : options.path;
      const { agent, protocol, ...kept } = options;
      const asked = { path, ...kept, hostname, host: hostname, port };
      return http[name](asked, values.findLast((value) => typeof value === "function"));
    };
  }
  syncBuiltinESMExports();
}
