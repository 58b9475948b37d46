"""A process that stands in for the cloud where a real one would not misbehave: run with a mode."""

from __future__ import annotations

import json
import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import NoReturn


class _Handler(BaseHTTPRequestHandler):
    """Answers every call of the control API with an empty object, and ends at none."""

    def do_POST(self) -> None:
        body = b"{}"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _stubborn() -> NoReturn:
    """Get ready, then hold on: no end of the lifeline, no call and no SIGTERM ends it."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    server = HTTPServer(("127.0.0.1", 0), _Handler)
    _say(json.dumps({"port": server.server_port}))
    server.serve_forever()
    raise AssertionError


def _broken() -> NoReturn:
    raise RuntimeError("something in the cloud is broken")


def _refusing() -> None:
    _say(json.dumps({"error": "port 4566 is in use"}))
    sys.exit(1)


def _talkative() -> None:
    _say("Welcome to the cloud!")
    time.sleep(60)


def _silent() -> None:
    sys.stderr.write("still thinking\n")
    sys.stderr.flush()
    time.sleep(60)


if __name__ == "__main__":
    globals()[f"_{sys.argv[1]}"]()
