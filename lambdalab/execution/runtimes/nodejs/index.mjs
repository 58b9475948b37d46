// The Node.js runtime of the lab: loads the handler, then runs one invocation after the other.
//
// It speaks the Runtime API like any custom runtime, and words errors and log lines as AWS does.

import { RuntimeApi } from "./api.mjs";
import { patchConsole, logError, setInvocation } from "./console.mjs";
import { contextOf } from "./context.mjs";
import { UnhandledPromiseRejection } from "./errors.mjs";
import { guardLoopback } from "./guard.mjs";
import { answerOf } from "./invoke.mjs";
import { reachLab } from "./lab.mjs";
import { importFromLayers } from "./layers.mjs";
import { loadHandler } from "./loader.mjs";
import { offerStreaming, isStreaming, streamAnswer } from "./stream.mjs";

// The version that the function asks for, whichever one runs it here.
const version = Number(/nodejs(\d+)/.exec(process.env.AWS_EXECUTION_ENV ?? "")?.[1] ?? 0);
const api = new RuntimeApi(process.env.AWS_LAMBDA_RUNTIME_API);
let current = null;

// An error that nobody caught ends the process, after the platform has been told.
async function perish(title, error, status) {
  logError(title, error);
  try {
    await (current ? api.error(current, error) : api.initError(error));
  } finally {
    process.exit(status);
  }
}

async function serve(handler) {
  for (;;) {
    const { headers, event } = await api.next();
    const id = headers["lambda-runtime-aws-request-id"];
    current = id;
    setInvocation(id, headers["lambda-runtime-aws-tenant-id"]);
    if (headers["lambda-runtime-trace-id"]) {
      process.env._X_AMZN_TRACE_ID = headers["lambda-runtime-trace-id"];
    } else {
      delete process.env._X_AMZN_TRACE_ID;
    }
    const context = contextOf(headers);
    if (isStreaming(handler)) {
      await streamAnswer(api, handler, id, event, context);
    } else {
      const { error, failed, result } = await answerOf(handler, event, context, version);
      if (failed) {
        logError("Invoke Error", error);
        await api.error(id, error);
      } else {
        await api.response(id, result);
      }
    }
  }
}

async function start() {
  patchConsole(version);
  process.on("uncaughtException", (error) => perish("Uncaught Exception", error, 129));
  process.on("unhandledRejection", (reason, promise) =>
    perish(
      "Unhandled Promise Rejection", new UnhandledPromiseRejection(reason, promise), 128,
    ));
  guardLoopback();
  reachLab(process.env.AWS_ENDPOINT_URL);
  importFromLayers();
  offerStreaming();
  let handler;
  try {
    handler = await loadHandler(process.env.LAMBDA_TASK_ROOT, process.env._HANDLER, version);
  } catch (error) {
    await perish("Uncaught Exception", error, 129);
  }
  await serve(handler);
}

start();
