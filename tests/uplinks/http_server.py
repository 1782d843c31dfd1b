"""A platform that takes messages by POST and writes each down before it answers.

`http_server.py CONFIG FILE`: CONFIG holds nothing but the port.
"""

from __future__ import annotations

import base64
import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

TAKEN = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) if __name__ == "__main__" else -1


class Taker(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        payload = self.rfile.read(int(self.headers["Content-Length"]))
        line = {
            "kind": self.path.removeprefix("/in/"),
            "payload": base64.b64encode(payload).decode(),
            "keep": "Fengsui-Keep" in self.headers,
        }
        os.write(TAKEN, json.dumps(line).encode() + b"\n")
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    port = int(Path(sys.argv[1]).read_text(encoding="utf-8"))
    ThreadingHTTPServer(("127.0.0.1", port), Taker).serve_forever()
