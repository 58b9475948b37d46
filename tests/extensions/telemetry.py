#!/usr/bin/env python3
"""An extension that watches telemetry: it ends its part of an invocation when it has heard its end.

It writes a line of what it heard, types and records, for each invocation and at SHUTDOWN.
"""

import http.client
import http.server
import json
import os
import pathlib
import queue
import sys
import threading

NAME = pathlib.Path(sys.argv[0]).name
heard = queue.Queue()
identifier = {}


class Listener(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        for event in json.loads(self.rfile.read(int(self.headers["Content-Length"]))):
            heard.put(event)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def call(method, path, body=None):
    api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    headers = {"Lambda-Extension-Name": NAME, **identifier}
    api.request(method, path, None if body is None else json.dumps(body), headers)
    answer = api.getresponse()
    found = answer.headers["Lambda-Extension-Identifier"]
    if found:
        identifier["Lambda-Extension-Identifier"] = found
    return json.loads(answer.read())


def say(text):
    sys.stdout.write(f"{NAME} {text}\n")
    sys.stdout.flush()


def until_end(request_id):
    events = []
    while True:
        event = heard.get()
        events.append(event)
        about = event["record"] if isinstance(event["record"], dict) else {}
        if event["type"] == "platform.runtimeDone" and about["requestId"] == request_id:
            return events


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Listener)
threading.Thread(target=server.serve_forever, daemon=True).start()
call("POST", "/2020-01-01/extension/register", {"events": ["INVOKE", "SHUTDOWN"]})
port = server.server_address[1]
subscribed = call("PUT", "/2022-07-01/telemetry", {
    "schemaVersion": "2022-12-13",
    "types": ["platform", "function"],
    "buffering": {"timeoutMs": 25},
    "destination": {"protocol": "HTTP", "URI": f"http://sandbox.localdomain:{port}"},
})  # fmt: skip
say(subscribed)
while True:
    event = call("GET", "/2020-01-01/extension/event/next")
    if event["eventType"] == "SHUTDOWN":
        break
    say("heard " + json.dumps(until_end(event["requestId"])))
