// The Runtime API, over one connection that is kept open.

import http from "node:http";
import { shapeOf } from "./errors.mjs";

const VERSION = "/2018-06-01/runtime";

export class RuntimeApi {
  constructor(address) {
    const [host, port] = address.split(":");
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1, noDelay: true });
    this.place = { host, port: Number(port), agent };
    this.attempt = undefined;
  }

  // Waits for the next invocation.
  async next() {
    const { headers, body } = await this.#call("GET", "/invocation/next");
    this.attempt = headers["lambda-runtime-invocation-id"];
    return { headers, event: JSON.parse(body.toString() || "null") };
  }

  async response(id, result) {
    let body;
    try {
      body = JSON.stringify(result === undefined ? null : result) ?? "null";
    } catch {
      return this.error(id, new Error("Unable to stringify response body"));
    }
    return this.#call("POST", `/invocation/${id}/response`, body, this.echo());
  }

  error(id, error) {
    return this.#fail(`/invocation/${id}/error`, error, this.echo());
  }

  initError(error) {
    return this.#fail("/init/error", error);
  }

  // The header by which the platform knows the attempt that is answered.
  echo() {
    return this.attempt ? { "Lambda-Runtime-Invocation-Id": this.attempt } : {};
  }

  // A request whose body is written bit by bit.
  stream(id, headers, onResponse) {
    const path = `${VERSION}/invocation/${id}/response`;
    const all = { ...headers, ...this.echo() };
    return http.request({ ...this.place, method: "POST", path, headers: all }, onResponse);
  }

  #fail(path, error, headers = {}) {
    const shape = shapeOf(error);
    const type = String(shape.errorType).replace(/[^\x20-\x7e]/g, "?");
    return this.#call("POST", path, JSON.stringify(shape), {
      ...headers, "Content-Type": "application/json", "Lambda-Runtime-Function-Error-Type": type,
    });
  }

  #call(method, path, body = "", headers = {}) {
    const length = method === "GET" ? {} : { "Content-Length": Buffer.byteLength(body) };
    const options = {
      ...this.place, method, path: VERSION + path, headers: { ...headers, ...length },
    };
    return new Promise((resolve, reject) => {
      const request = http.request(options, (answer) => {
        const parts = [];
        answer.on("data", (part) => parts.push(part));
        answer.on("end", () => resolve({ headers: answer.headers, body: Buffer.concat(parts) }));
        answer.on("error", reject);
      });
      request.on("error", reject);
      request.end(body);
    });
  }
}
