"""A network that can be cut: a process that stands between the tasks of a cluster.

Behind each address that a task is told (`network.cluster(job, i)`) stands the proxy; what
`network.environment(job, i)` gives makes the task listen where only the proxy finds it. A task's links, to and from all
others, can be cut (nothing goes through, nobody is told, connections begin and get no answer), slowed, or reset.
"""

import asyncio
import contextlib
import json
import os
import socket
import struct
import subprocess
import sys

from ports import free_ports


class Network:
    """Links between all tasks of a cluster, in one process of its own."""

    def __init__(self, ps=1, workers=2):
        self._tasks = [("ps", i) for i in range(ps)] + [("worker", i) for i in range(workers)]
        n = len(self._tasks)
        ports = iter(free_ports(n + n * n))
        self._real = {task: next(ports) for task in self._tasks}
        self._links = {(source, to): next(ports) for source in self._tasks for to in self._tasks}
        self._process = subprocess.Popen(
            [sys.executable, __file__, json.dumps([(port, self._real[to]) for (_, to), port in self._links.items()])],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(os.path.abspath(__file__)))},
        )  # fmt: skip
        assert self._process.stdout.readline() == "ready\n"

    def cluster(self, job, i):
        """The cluster as the task is told."""
        found = {}
        for to in self._tasks:
            found.setdefault(to[0], []).append(f"127.0.0.1:{self._links[(job, i), to]}")
        return found

    def environment(self, job, i):
        """What the task's environment needs besides."""
        return {"TENON_LISTEN": f"127.0.0.1:{self._real[job, i]}"}

    def do(self, what, job, i):
        """WHAT is cut, heal, reset, or slow (20 ms for each piece that comes through): the links of a task."""
        self._tell(what, [port for ends, port in self._links.items() if (job, i) in ends])

    def move(self, job, i):
        """Has new connections to a task go to a new port, which a process gets that is started now."""
        self._real[job, i] = free_ports(1)[0]
        self._tell(f"move:{self._real[job, i]}", [port for (_, to), port in self._links.items() if to == (job, i)])

    def _tell(self, what, ports):
        self._process.stdin.write(" ".join([what, *map(str, ports)]) + "\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "done\n"

    def close(self):
        """Ends the proxy."""
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()


class Link:
    """What goes to one task."""

    def __init__(self, port):
        self.port, self.delay, self.writers = port, 0, set()
        self.open = asyncio.Event()
        self.open.set()

    async def pump(self, reader, writer):
        """Moves bytes until one side ends."""
        self.writers.add(writer)
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                await self.open.wait()
                if self.delay:
                    await asyncio.sleep(self.delay)
                await self.open.wait()
                writer.write(data)
                await writer.drain()
        self.writers.discard(writer)
        writer.close()

    async def accept(self, reader, writer):
        """One connection."""
        try:
            await self.open.wait()
            to_reader, to_writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            writer.transport.abort()
            return
        await asyncio.gather(self.pump(reader, to_writer), self.pump(to_reader, writer))

    def do(self, what):
        """A command of Network.do."""
        if what.startswith("move:"):
            self.port = int(what[5:])
        if what in ("cut", "heal", "slow"):
            self.delay = 0.02 if what == "slow" else 0
            self.open.clear() if what == "cut" else self.open.set()
        if what == "reset":
            for writer in list(self.writers):
                linger = struct.pack("ii", 1, 0)
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                writer.transport.abort()


async def serve(links):
    """The proxy's process."""
    by_port = {}
    for port, behind in links:
        by_port[port] = Link(behind)
        await asyncio.start_server(by_port[port].accept, "127.0.0.1", port)
    print("ready", flush=True)
    commands = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    while line := await commands.readline():
        what, *ports = line.decode().split()
        for port in ports:
            by_port[int(port)].do(what)
        print("done", flush=True)


if __name__ == "__main__":
    asyncio.run(serve(json.loads(sys.argv[1])))
