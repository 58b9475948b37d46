// ES modules of layers: import looks along NODE_PATH too, which Node.js itself does for require only.

import fs from "node:fs";
import module from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

export function importFromLayers() {
  const folders = (process.env.NODE_PATH ?? "").split(":").filter(
    (folder) => path.basename(folder) === "node_modules" && fs.existsSync(folder),
  );
  if (!folders.length) return;
  // As seen from a file that lies beside the folder.
  const parents = folders.map((folder) => pathToFileURL(path.join(folder, "../_.mjs")).href);
  if (module.registerHooks) {
    module.registerHooks({ resolve: resolveBy(parents) });
  } else {
    module.register(new URL("./layers_hook.mjs", import.meta.url), { data: parents });
  }
}

function resolveBy(parents) {
  return (specifier, context, next) => {
    try {
      return next(specifier, context);
    } catch (error) {
      if (error?.code !== "ERR_MODULE_NOT_FOUND" || /^([./]|\w+:)/.test(specifier)) throw error;
      for (const parentURL of parents) {
        try {
          return next(specifier, { ...context, parentURL });
        } catch {
          // Not there: the next folder.
        }
      }
      throw error;
    }
  };
}
