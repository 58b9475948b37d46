// Response streaming: `awslambda.streamifyResponse` and `awslambda.HttpResponseStream`.

import { Writable } from "node:stream";
import { logError } from "./console.mjs";
import { InvalidStreamingOperation, MalformedStreamingHandler, shapeOf } from "./errors.mjs";

const STREAMING = Symbol.for("aws.lambda.runtime.handler.streaming");
const HIGH_WATER_MARK = Symbol.for("aws.lambda.runtime.handler.streaming.highWaterMark");
const ERROR_TYPE = "Lambda-Runtime-Function-Error-Type";
const ERROR_BODY = "Lambda-Runtime-Function-Error-Body";
const WITH_METADATA = "application/vnd.awslambda.http-integration-response";
const DELIMITER = Buffer.alloc(8);

export function offerStreaming() {
  const streamifyResponse = (handler, options) => {
    handler[STREAMING] = "response";
    if (typeof options?.highWaterMark === "number") {
      handler[HIGH_WATER_MARK] = Math.trunc(options.highWaterMark);
    }
    return handler;
  };
  globalThis.awslambda = { ...globalThis.awslambda, streamifyResponse, HttpResponseStream };
}

export function isStreaming(handler) {
  return handler[STREAMING] === "response";
}

export function checkStreaming(handler) {
  if (handler[STREAMING] && !isStreaming(handler)) {
    throw new MalformedStreamingHandler("Only response streaming is supported.");
  }
}

// Status code and headers of an HTTP answer go ahead of its body, as JSON that 8 zero bytes end.
class HttpResponseStream {
  static from(stream, metadata) {
    stream.setContentType(WITH_METADATA);
    stream._onBeforeFirstWrite = (write) => {
      write(JSON.stringify(metadata));
      write(DELIMITER);
    };
    return stream;
  }
}

class ResponseStream extends Writable {
  #request;
  #started = false;

  constructor(api, id, highWaterMark) {
    super({ highWaterMark });
    this.answered = new Promise((resolve, reject) => {
      this.#request = api.stream(
        id,
        {
          "Content-Type": "application/octet-stream",
          "Lambda-Runtime-Function-Response-Mode": "streaming",
          "Transfer-Encoding": "chunked",
          Trailer: `${ERROR_TYPE}, ${ERROR_BODY}`,
        },
        (answer) => answer.resume().on("end", resolve),
      );
      this.#request.on("error", reject);
    });
    this.answered.catch((error) => this.destroy(error));
  }

  setContentType(type) {
    if (this.#started) {
      throw new InvalidStreamingOperation("Cannot set content-type, too late.");
    }
    this.#request.setHeader("Content-Type", type);
  }

  write(chunk, ...rest) {
    const plain = typeof chunk === "string" || chunk instanceof Uint8Array;
    const data = plain ? chunk : JSON.stringify(chunk);
    if (!this.#started) {
      this.#started = true;
      this._onBeforeFirstWrite?.((first) => super.write(first));
    }
    return super.write(data, ...rest);
  }

  _write(chunk, _, done) {
    this.#request.write(chunk, done);
  }

  _final(done) {
    this.#request.end(done);
  }

  // Ends the answer with an error, told behind what has been sent already.
  fail(error) {
    const shape = shapeOf(error);
    this.#request.addTrailers({
      [ERROR_TYPE]: shape.errorType.replace(/[^\x20-\x7e]/g, "?"),
      [ERROR_BODY]: Buffer.from(JSON.stringify(shape)).toString("base64"),
    });
    this.#request.end();
    return this.answered.catch(() => {});
  }
}

export async function streamAnswer(api, handler, id, event, context) {
  const stream = new ResponseStream(api, id, handler[HIGH_WATER_MARK]);
  try {
    const promise = handler(event, stream, context);
    if (typeof promise?.then !== "function") {
      throw new Error("Streaming does not support non-async handlers.");
    }
    if ((await promise) !== undefined) console.warn("Streaming handlers ignore return values.");
    await stream.answered;
    if (!stream.writableFinished) throw new Error("Response stream is not finished.");
  } catch (error) {
    logError("Invoke Error", error);
    await stream.fail(error);
  }
}
