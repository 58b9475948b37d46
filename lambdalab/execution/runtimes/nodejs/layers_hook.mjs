// The same for Node.js before 22.15, which asks in a thread of its own.

let parents = [];

export function initialize(data) {
  parents = data;
}

export async function resolve(specifier, context, next) {
  try {
    return await next(specifier, context);
  } catch (error) {
    if (error?.code !== "ERR_MODULE_NOT_FOUND" || /^([./]|\w+:)/.test(specifier)) throw error;
    for (const parentURL of parents) {
      try {
        return await next(specifier, { ...context, parentURL });
      } catch {
        // Not there: the next folder.
      }
    }
    throw error;
  }
}
