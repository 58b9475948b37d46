// From the handler's name to the function: `folder/file.function`, `file.object.function`.

import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import {
  CallbackHandlerDeprecated, HandlerNotFound, ImportModuleError, MalformedHandlerName,
  UserCodeSyntaxError,
} from "./errors.mjs";
import { checkStreaming, isStreaming } from "./stream.mjs";

// "Require stack" shall name the file that AWS's runtime has there.
const require = createRequire(new URL("./index.mjs", import.meta.url));

const NO_CALLBACKS =
  "ERROR: AWS Lambda has removed support for callback-based function handlers starting with " +
  "Node.js 24. You need to modify this function to use a supported handler signature to use " +
  "Node.js 24 or later. For more information see " +
  "https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.";

export async function loadHandler(root, handler, version) {
  if (handler.includes("..")) {
    throw new MalformedHandlerName(
      `'${handler}' is not a valid handler name. Use absolute paths when specifying root ` +
        "directories in handler names.",
    );
  }
  const file = path.basename(handler);
  const dot = file.indexOf(".");
  if (dot < 0) throw new MalformedHandlerName("Bad handler");
  const folder = handler.slice(0, handler.indexOf(file)).replace(/\/$/, "");
  const module = await load(root, folder, file.slice(0, dot));
  const found = find(module, file.slice(dot + 1), handler);
  checkStreaming(found);
  if (version >= 24 && found.length >= 3 && !isStreaming(found)) {
    throw new CallbackHandlerDeprecated(NO_CALLBACKS);
  }
  return found;
}

async function load(root, folder, name) {
  const place = path.resolve(root, folder, name);
  try {
    for (const ending of ["", ".js", ".mjs", ".cjs"]) {
      const file = place + ending;
      if (fs.statSync(file, { throwIfNoEntry: false })?.isFile()) {
        return isModule(file) ? await import(pathToFileURL(file).href) : require(file);
      }
    }
    return require(require.resolve(name, { paths: [root, path.join(root, folder)] }));
  } catch (error) {
    if (error instanceof SyntaxError) throw syntaxError(error);
    if (error?.code === "MODULE_NOT_FOUND") throw new ImportModuleError(String(error));
    throw error;
  }
}

function syntaxError(error) {
  const told = new UserCodeSyntaxError(String(error));
  told.stack = error.stack;
  return told;
}

// A file that ends with .js is what the nearest package.json says.
function isModule(file) {
  if (!file.endsWith(".js")) return file.endsWith(".mjs");
  for (let folder = path.dirname(file); ; folder = path.dirname(folder)) {
    const description = path.join(folder, "package.json");
    if (fs.existsSync(description)) {
      try {
        return JSON.parse(fs.readFileSync(description, "utf8")).type === "module";
      } catch {
        return false;
      }
    }
    if (folder === path.dirname(folder)) return false;
  }
}

function find(module, name, handler) {
  const within = (start) => name.split(".").reduce((value, part) => value?.[part], start);
  const found = within(module) ?? within(module?.default);
  if (!found) throw new HandlerNotFound(`${handler} is undefined or not exported`);
  if (typeof found !== "function") throw new HandlerNotFound(`${handler} is not a function`);
  return found;
}
