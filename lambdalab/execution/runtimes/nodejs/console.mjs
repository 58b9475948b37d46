// `console` as the Lambda runtimes have it: a line with time, request id and level, or JSON.
//
// Each message goes out as one frame (type, length, microseconds, text), so that the platform keeps
// it together as one log event, line breaks included.

import { format } from "node:util";
import { logForm } from "./errors.mjs";

// By rising importance; the number goes into the type of the frame.
const LEVELS = { TRACE: 4, DEBUG: 8, INFO: 12, WARN: 16, ERROR: 20, FATAL: 24 };
const TEXT_FRAME = 0xa55a0003;
const JSON_FRAME = 0xa55a0002;

const asJson = process.env.AWS_LAMBDA_LOG_FORMAT?.toUpperCase() === "JSON";
const least = LEVELS[process.env.AWS_LAMBDA_LOG_LEVEL?.toUpperCase()] ?? LEVELS.TRACE;
const write = process.stdout.write.bind(process.stdout);
let requestId;
let tenantId;

export function setInvocation(id, tenant) {
  requestId = id;
  tenantId = tenant;
}

export function patchConsole(version) {
  // Outside an invocation there is no id: what stands in its place changed with Node.js 24.
  requestId = version >= 24 ? "-" : "undefined";
  for (const level of Object.keys(LEVELS)) {
    const log = LEVELS[level] < least ? () => {} : (...values) => put(level, values);
    console[level.toLowerCase()] = log;
  }
  console.log = console.info;
}

export function logError(title, error) {
  if (asJson) console.error(error instanceof Error ? error : new Error(error));
  else console.error(title, logForm(error));
}

function put(level, values) {
  const now = new Date();
  const text = asJson ? jsonLine(now, level, values) : textLine(now, level, values);
  const message = Buffer.from(text);
  const head = Buffer.alloc(16);
  head.writeUInt32BE(((asJson ? JSON_FRAME : TEXT_FRAME) | LEVELS[level]) >>> 0, 0);
  head.writeUInt32BE(message.length, 4);
  head.writeBigInt64BE(BigInt(now.valueOf()) * 1000n, 8);
  write(Buffer.concat([head, message]));
}

function textLine(now, level, values) {
  return `${now.toISOString()}\t${requestId}\t${level}\t${format(...values)}\n`;
}

function jsonLine(now, level, values) {
  const line = { timestamp: now.toISOString(), level, requestId };
  if (tenantId) line.tenantId = tenantId;
  if (values.length === 1) {
    line.message = values[0];
    try {
      return JSON.stringify(line, (_, value) => (value instanceof Error ? spread(value) : value));
    } catch {
      line.message = format(values[0]);
      return JSON.stringify(line);
    }
  }
  line.message = format(...values);
  const error = values.slice(1).find((value) => value instanceof Error);
  return JSON.stringify(error ? { ...line, ...told(error) } : line);
}

function told(error) {
  const stackTrace = typeof error.stack === "string" ? error.stack.split("\n") : [];
  const errorType = error.constructor?.name ?? "UnknownError";
  return { errorType, errorMessage: error.message, stackTrace };
}

function spread(error) {
  return { ...told(error), ...error };
}
