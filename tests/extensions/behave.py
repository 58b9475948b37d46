#!/usr/bin/env python3
"""An extension that behaves as its file is called; tests put it under the names at the end.

It writes what it does to its output, which goes to the function's log, a line each that begins
with its name. Nothing but the standard library, of any Python from 3.8 on.
"""

import http.client
import json
import os
import pathlib
import signal
import sys
import time

NAME = pathlib.Path(sys.argv[0]).name
BOTH = ("INVOKE", "SHUTDOWN")
ERROR_TYPE = "Lambda-Extension-Function-Error-Type"
# Seconds that a slow extension works after the runtime has answered.
WORK = 0.4

identifier = ""


def call(method, path, body=None, **headers):
    api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    if identifier:
        headers["Lambda-Extension-Identifier"] = identifier
    api.request(method, f"/2020-01-01/extension/{path}", body, headers)
    answer = api.getresponse()
    return answer.status, answer.headers, answer.read()


def log(text):
    sys.stdout.write(f"{NAME}: {text}\n")
    sys.stdout.flush()


def register(*events):
    global identifier
    headers = {"Lambda-Extension-Name": NAME, "Lambda-Extension-Accept-Feature": "accountId"}
    status, given, body = call("POST", "register", json.dumps({"events": events}), **headers)
    if status != 200:
        log(f"refused {body.decode()}")
        sys.exit(9)
    identifier = given["Lambda-Extension-Identifier"]
    return json.loads(body)


def next_event():
    _, _, body = call("GET", "event/next")
    return json.loads(body)


def tell(kind, error_type):
    status, _, _ = call("POST", f"{kind}/error", "{}", **{ERROR_TYPE: error_type})
    log(f"told {kind} error, {status}")


def serve(on_invoke, on_shutdown=lambda event: None):
    while True:
        event = next_event()
        if event["eventType"] == "SHUTDOWN":
            on_shutdown(event)
            return
        on_invoke(event)


def nothing(event):
    pass


def logging():
    log(json.dumps(register(*BOTH)))
    serve(lambda event: log(json.dumps(event)), lambda event: log(json.dumps(event)))


def variables():
    register(*BOTH)
    log(json.dumps({"cwd": str(pathlib.Path.cwd()), **os.environ}))
    serve(nothing)


def slow():
    register(*BOTH)
    serve(lambda event: (time.sleep(WORK), log("worked")))


def very_slow():
    register(*BOTH)
    serve(lambda event: time.sleep(60))


def deaf():
    register()
    serve(lambda event: log("heard"))


def goodbye_only():
    register("SHUTDOWN")
    serve(lambda event: log("heard"), lambda event: log(event["shutdownReason"]))


def crash_at_start():
    log("no")
    sys.exit(3)


def crash_at_init():
    register(*BOTH)
    sys.exit(4)


def leaves_quietly():
    register(*BOTH)
    sys.exit(0)


def crash_at_invoke():
    register(*BOTH)
    serve(lambda event: sys.exit(5))


def killed_at_invoke():
    register(*BOTH)
    serve(lambda event: os.kill(os.getpid(), signal.SIGKILL))


def init_error():
    register(*BOTH)
    tell("init", "Extension.NoKey")
    sys.exit(0)


def exit_error():
    register(*BOTH)
    serve(lambda event: (tell("exit", "Extension.NoPeer"), sys.exit(6)))


def hanging():
    register(*BOTH)
    serve(nothing, lambda event: signal.pause())


def writing():
    register(*BOTH)

    def write(event):
        pathlib.Path("/tmp/goodbye").write_text(json.dumps(event))

    serve(nothing, write)


def never_ready():
    register(*BOTH)
    signal.pause()


globals()[NAME.replace("-", "_")]()
