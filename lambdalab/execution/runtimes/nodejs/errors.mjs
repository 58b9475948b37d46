// Errors that the runtime itself raises, and the two forms in which errors are told: to the caller,
// where the stack is called `trace`, and in the log, where it is called `stack`.

function named(name) {
  const kind = class extends Error {};
  kind.prototype.name = `Runtime.${name}`;
  return kind;
}

export const HandlerNotFound = named("HandlerNotFound");
export const MalformedHandlerName = named("MalformedHandlerName");
export const ImportModuleError = named("ImportModuleError");
export const UserCodeSyntaxError = named("UserCodeSyntaxError");
export const MalformedStreamingHandler = named("MalformedStreamingHandler");
export const InvalidStreamingOperation = named("InvalidStreamingOperation");
export const CallbackHandlerDeprecated = named("CallbackHandlerDeprecated");
export const NodeJsExit = named("NodeJsExit");

export class UnhandledPromiseRejection extends named("UnhandledPromiseRejection") {
  constructor(reason, promise) {
    super(String(reason));
    this.reason = reason;
    this.promise = promise;
  }
}

const UNREADABLE =
  "callback called with Error argument, but there was a problem while retrieving one or more of " +
  "its message, name, and stack";

// As the caller sees it; a DEL character cannot travel in a header.
export function shapeOf(error) {
  try {
    if (error instanceof Error || isErrorLike(error)) {
      const [errorType, errorMessage, stack] = [error.name, error.message, error.stack ?? ""].map(
        (text) => String(text).replaceAll("\x7f", "%7F"),
      );
      return { errorType, errorMessage, trace: stack ? stack.split("\n") : [] };
    }
    return { errorType: typeof error, errorMessage: String(error), trace: [] };
  } catch {
    return { errorType: "handled", errorMessage: UNREADABLE, trace: [] };
  }
}

// An error of another realm, such as one from node:vm.
function isErrorLike(value) {
  return [value?.name, value?.message, value?.stack].every(
    (text) => typeof text === "string" && text,
  );
}

// As the log shows it: with everything that the error carries, after a tab.
export function logForm(error) {
  const whole = error instanceof Error ? error : new Error(error);
  try {
    return "\t" + JSON.stringify(whole, (_, value) => opened(value));
  } catch {
    return "\t" + JSON.stringify(shapeOf(whole));
  }
}

function opened(value) {
  if (!(value instanceof Error)) return value;
  const { name: errorType, message: errorMessage, code, stack } = value;
  const lines = typeof stack === "string" ? { stack: stack.split("\n") } : {};
  return { errorType, errorMessage, code, ...value, ...lines };
}
