"""HTTP servers for the tests that fail where they are told to.

POST /_faults takes a list of faults. The first whose `match` (a regular expression) is found in "METHOD /path?query"
and that has `times` left decides; `skip` lets so many requests pass first. Its `do` is one of

  status: answers with `code`, `body` and `headers` instead
  reset: breaks the connection before anything is done
  lost: does what is asked, but breaks the connection instead of answering
  cut: answers, but breaks the connection after `bytes` bytes of the body; with `quiet` it is closed in order
  corrupt: changes a byte of the answer's body
  hang: never answers

GET /_log returns the requests so far, as "METHOD /path?query".
"""

import json
import re
import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class State:
    """What all the servers of a process share."""

    def __init__(self):
        self.lock = threading.RLock()
        self.faults = []
        self.log = []

    def fault(self, line):
        """The fault that LINE meets, or {}."""
        with self.lock:
            self.log.append(line)
            for fault in self.faults:
                if not re.search(fault["match"], line):
                    continue
                if fault.get("skip", 0) > 0:
                    fault["skip"] -= 1
                elif fault["times"] > 0:
                    fault["times"] -= 1
                    return fault
        return {}


class Handler(BaseHTTPRequestHandler):
    """A request; subclasses have `serve`, which calls `answer` once."""

    protocol_version = "HTTP/1.1"
    state = None

    def log_message(self, *_):
        """Silence: what a test wants to know is in the log."""

    def _break(self):
        """Ends the connection so that the other side gets a reset."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def handle(self):
        try:
            super().handle()
        except (OSError, ValueError):  # a connection that was broken, by us or by them
            self.close_connection = True

    def finish(self):
        try:
            super().finish()
        except (OSError, ValueError):
            self.close_connection = True

    def _control(self):
        if self.path == "/_faults":
            self.state.faults = json.loads(self.body)
            self.answer(200)
        else:
            self.answer(200, json.dumps(self.state.log).encode())

    def _handle(self):
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.fault = {}
        if self.path.startswith("/_"):
            self._control()
            return
        self.fault = self.state.fault(f"{self.command} {self.path}")
        what = self.fault.get("do")
        if what == "reset":
            self._break()
        elif what == "hang":
            self.connection.recv(1)  # until the other side gives up
            self.close_connection = True
        elif what == "status":
            fault, self.fault = self.fault, {}
            self.answer(fault["code"], fault.get("body", "").encode(), fault.get("headers", {}))
        else:
            self.serve()

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _handle

    def answer(self, status, body=b"", headers=None):
        """Answers as far as the fault allows it."""
        what = self.fault.get("do")
        if what == "lost":
            self._break()
            return
        if what == "corrupt" and body:
            body = bytes([body[0] ^ 1]) + body[1:]
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if "Content-Length" not in (headers or {}):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if what == "cut":
            self.wfile.write(body[: self.fault["bytes"]])
            self.wfile.flush()
            if self.fault.get("quiet"):
                self.close_connection = True
            else:
                self._break()
            return
        self.wfile.write(body)


class Server(ThreadingHTTPServer):
    """One that many connect to at once."""

    request_queue_size = 64
    daemon_threads = True


def serve(handler, port):
    """Serves at PORT in a thread."""
    server = Server(("127.0.0.1", port), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
