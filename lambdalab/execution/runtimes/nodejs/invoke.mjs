// One invocation of a handler that gives one result.
//
// A handler answers by a promise; up to Node.js 22 also by its callback, by context.succeed, fail
// and done, or by nothing at all: then the result is null once the event loop is empty.

import { NodeJsExit } from "./errors.mjs";

const NEVER_SETTLED =
  "The Lambda runtime client detected an unexpected Node.js exit code. This is most commonly " +
  "caused by a Promise that was never settled. For more information, see " +
  "https://nodejs.org/docs/latest/api/process.html#exit-codes";

let whenIdle = null;
// Node.js is about to end for want of work.
process.on("beforeExit", () => {
  const act = whenIdle;
  whenIdle = null;
  if (act) setImmediate(act);
});

export async function answerOf(handler, event, context, version) {
  const answer = version >= 24 ? await modern(handler, event, context)
    : await classic(handler, event, context);
  whenIdle = null;
  return answer;
}

function modern(handler, event, context) {
  delete context.callbackWaitsForEmptyEventLoop;
  return new Promise((resolve) => {
    whenIdle = () => resolve({ failed: true, error: new NodeJsExit(NEVER_SETTLED) });
    settle(() => handler(event, context), resolve);
  });
}

function classic(handler, event, context) {
  return new Promise((resolve) => {
    const isAsync = handler.constructor?.name === "AsyncFunction";
    whenIdle = () => resolve(
      isAsync ? { failed: true, error: new NodeJsExit(NEVER_SETTLED) } : { result: null },
    );
    let answered = false;
    const once = (act) => (...values) => {
      if (!answered) {
        answered = true;
        act(...values);
      }
    };
    const done = (error, result) =>
      resolve(error == null ? { result } : { failed: true, error });
    const callback = (error, result) => {
      if (error == null && context.callbackWaitsForEmptyEventLoop) {
        whenIdle = () => resolve({ result });
      } else {
        done(error, result);
      }
    };
    context.done = once(done);
    context.succeed = once((result) => done(null, result));
    context.fail = once((error) => done(error ?? "handled"));
    const given = once(callback);
    try {
      const promise = handler(event, context, given);
      if (typeof promise?.then === "function") promise.then(context.succeed, context.fail);
    } catch (error) {
      given(error);
    }
  });
}

async function settle(act, resolve) {
  try {
    resolve({ result: await act() });
  } catch (error) {
    resolve({ failed: true, error });
  }
}
