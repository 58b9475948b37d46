// Nothing that a function does with Node.js's sockets leaves this machine.

import net from "node:net";

const LOCAL = /^(127\.|::1$|0\.0\.0\.0$|::$|(.+\.)?localhost$|::ffff:127\.)/;

export function guardLoopback() {
  const connect = net.Socket.prototype.connect;
  net.Socket.prototype.connect = function (...values) {
    // The library itself passes what it has read from the arguments as one array.
    const [first, second] = Array.isArray(values[0]) ? values[0] : values;
    const host = typeof first === "object" && first !== null ? first.host
      : typeof second === "string" ? second : undefined;
    if (host && !LOCAL.test(host)) {
      const error = new Error(
        `Lambda Lab: no request leaves this machine, so nothing was sent to ${host}`,
      );
      process.nextTick(() => this.destroy(Object.assign(error, { code: "EACCES" })));
      return this;
    }
    return connect.apply(this, values);
  };
}
