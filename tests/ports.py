"""Ports for servers that tests start: no two tests that run at once get the same one, and no connection takes one."""

import fcntl
import itertools
import os
import socket
import tempfile

# The system gives connections ports from 32768 on; a server that is to start a moment later would find its own taken.
FIRST, BLOCK, BLOCKS = 12000, 100, 200


def _claim():
    """The numbers of a block of ports that is this process's own: its lock stays open as long as the process lives."""
    folder = os.path.join(tempfile.gettempdir(), f"tenon-test-ports-{os.getuid()}")
    os.makedirs(folder, exist_ok=True)
    for i in range(BLOCKS):
        block = (os.getpid() + i) % BLOCKS
        lock = os.open(os.path.join(folder, str(block)), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            continue
        return itertools.cycle(range(FIRST + block * BLOCK, FIRST + (block + 1) * BLOCK))
    raise RuntimeError(f"all {BLOCKS} blocks of ports are taken: see {folder}")


_claimed = {}


def free_port():
    """A port of 127.0.0.1 that nobody listens at, for this process and what it starts."""
    pid = os.getpid()
    if pid not in _claimed:
        _claimed[pid] = _claim()
    for port in itertools.islice(_claimed[pid], BLOCK):
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError(f"this process's block of {BLOCK} ports is used up")


def free_ports(n):
    """N of them."""
    return [free_port() for _ in range(n)]
