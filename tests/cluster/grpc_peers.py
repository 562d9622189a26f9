"""The test program peer-rpc as a server and as a client, and a server of grpcio with the same methods."""

import subprocess
import threading
import time
from concurrent import futures
from pathlib import Path
from urllib.parse import quote, unquote

import grpc
import numpy as np

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAM = ROOT / "build" / "tests" / "peer-rpc"
NO_LIMIT = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.use_local_subchannel_pool", 1),
]
CODES = {code.value[0]: code for code in grpc.StatusCode}


def pattern(n):
    """The bytes that both sides make and expect: byte i is i * 7 + (i >> 8), which comes again after 65536."""
    i = np.arange(65536)
    return np.resize((i * 7 + (i >> 8)).astype(np.uint8), n).tobytes()


def weighed(data):
    """The sum of each byte times its position (from 1 on), modulo 2**64, as peer-rpc prints it."""
    total = 0
    for begin in range(0, len(data), 1 << 20):
        values = np.frombuffer(data[begin : begin + (1 << 20)], np.uint8).astype(np.uint64)
        total += int((values * np.arange(begin + 1, begin + 1 + len(values), dtype=np.uint64)).sum(dtype=np.uint64))
    return total % 2**64


class Server:
    """peer-rpc serve: `with Server(...) as address`."""

    def __init__(self, address="127.0.0.1:0", **options):
        words = [f"{name}={value}" for name, value in options.items()]
        self.process = subprocess.Popen(
            [PROGRAM, "serve", address, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.address = self.process.stdout.readline().strip()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.counts()

    def counts(self):
        """Ends it; (calls that came, handlers that heard of a cancellation)."""
        out, _ = self.process.communicate(timeout=60)
        words = out.split()
        return (int(words[1]), int(words[3])) if len(words) == 4 else None


class Client:
    """peer-rpc call."""

    def __init__(self, **options):
        words = [f"{name}={value}" for name, value in options.items()]
        self.process = subprocess.Popen(
            [PROGRAM, "call", *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.communicate(timeout=60)

    def start(self, address, method, kind="text", value="", count=1, deadline_ms=0, cancel_ms=0, metadata=()):
        words = [count, address, f"/test.Test/{method}", kind, quote(str(value)) or "%", deadline_ms, cancel_ms]
        words += [f"{name}:{quote(text)}" for name, text in metadata]
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()

    def result(self):
        """(code's name, size of the reply, its bytes weighed, the error's message or the reply's text)."""
        code, size, sum_, text = self.process.stdout.readline().rstrip("\n").split(" ", 3)
        return code, int(size), int(sum_), unquote(text)

    def call(self, *arguments, **options):
        self.start(*arguments, **options)
        return self.result()


class Service(grpc.GenericRpcHandler):
    """The methods of rpc_service.c, in grpcio."""

    def __init__(self):
        self.lock = threading.Lock()
        self.later_calls = 0
        self.hanging = 0
        self.cancelled = 0

    def service(self, details):
        method = getattr(self, details.method.rsplit("/", 1)[1].lower(), None)
        self.metadata_of_call = dict(details.invocation_metadata)
        return grpc.unary_unary_rpc_method_handler(method) if method else None

    def echo(self, request, context):
        return request

    def size(self, request, context):
        return str(len(request)).encode()

    def give(self, request, context):
        return pattern(int(request))

    def fail(self, request, context):
        code, _, text = request.decode().partition(" ")
        context.abort(CODES[int(code)], text)

    def metadata(self, request, context):
        return dict(context.invocation_metadata()).get(request.decode(), "").encode()

    def deadline(self, request, context):
        left = context.time_remaining()
        return str(-1 if left is None else int(left * 1000)).encode()

    def hang(self, request, context):
        with self.lock:
            self.hanging += 1
        while context.is_active():
            time.sleep(0.01)
        with self.lock:
            self.cancelled += 1
        return b""

    def later(self, request, context):
        with self.lock:
            self.later_calls += 1
        time.sleep(int(request) / 1000)
        return request


def until(condition):
    """Waits for it, on a slow machine too."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "this did not come to be within 60 s"
        time.sleep(0.01)


def grpcio_server(address="127.0.0.1:0", credentials=None, options=()):
    """(server, service, address) of grpcio."""
    service = Service()
    server = grpc.server(
        futures.ThreadPoolExecutor(32), handlers=[service], options=[*NO_LIMIT, ("grpc.so_reuseport", 0), *options]
    )
    if credentials:
        port = server.add_secure_port(address, credentials)
    else:
        port = server.add_insecure_port(address)
    server.start()
    return server, service, address if address.startswith("unix:") else f"{address.rsplit(':', 1)[0]}:{port}"


def grpcio_call(channel, method, request=b"", **options):
    """A call as grpcio makes it, of bytes; waits for a connection."""
    return channel.unary_unary(f"/test.Test/{method}")(request, **{"timeout": 60, "wait_for_ready": True, **options})
