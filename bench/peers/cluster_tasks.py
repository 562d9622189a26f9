"""The tasks of a cluster as processes of this machine, for the peers that measure clusters."""

import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading

ENDING = 10  # seconds that a chief which has measured gets to end


def free_ports(n):
    """Ports that nobody listens at, from below those that the system gives to connections: one of these could take a
    port between now and its task's start."""
    sockets, ports = [], []
    while len(ports) < n:
        s = socket.socket()
        sockets.append(s)
        try:
            s.bind(("127.0.0.1", random.randrange(20000, 32000)))
        except OSError:
            continue
        ports.append(s.getsockname()[1])
    for s in sockets:
        s.close()
    return ports


def make_cluster(ps, workers):
    """Addresses by job."""
    hosts = [f"127.0.0.1:{port}" for port in free_ports(ps + workers)]
    return {"ps": hosts[:ps], "worker": hosts[ps:]}


def cpu_seconds(process):
    """What PROCESS has used, of all its threads, user and system."""
    with open(f"/proc/{process.pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Tasks:
    """The processes of CLUSTER, each COMMAND with "--cluster JSON --task JOB:INDEX". They end with the block."""

    def __init__(self, command, cluster, limit, environment=None):
        self._command, self._cluster, self._limit = [*map(str, command)], cluster, limit
        self._environment = {**os.environ, **(environment or {})}
        self._tasks = {}

    def __enter__(self):
        given = ["--cluster", json.dumps(self._cluster)]
        for job, hosts in self._cluster.items():
            for index in range(len(hosts)):
                log = tempfile.TemporaryFile("w+")
                command = [sys.executable, *self._command, *given, "--task", f"{job}:{index}"]
                process = subprocess.Popen(
                    command, stdout=subprocess.PIPE, stderr=log, text=True, env=self._environment
                )
                self._tasks[f"{job}:{index}"] = (process, log)
        self.chief = self._tasks["worker:0"][0]
        self._alarm = threading.Timer(self._limit, self.chief.kill)
        self._alarm.start()
        return self

    def __exit__(self, *_):
        self._alarm.cancel()
        for process, _ in self._tasks.values():
            process.kill()
            process.wait()

    def lines(self):
        """The JSON objects that the chief prints, each with the processor seconds that each task had used by then."""
        for line in self.chief.stdout:
            running = {name: process for name, (process, _) in self._tasks.items() if process.poll() is None}
            yield json.loads(line), {name: cpu_seconds(process) for name, process in running.items()}

    def end(self, measured):
        """The exit status. The chief may take its time once it has MEASURED: TensorFlow's often does not end by
        itself, nor do its other workers. A failure is explained on stderr: how each task ended, and the last that it
        said."""
        try:
            code = self.chief.wait(ENDING if measured else None)
        except subprocess.TimeoutExpired:
            return 0
        for name, (process, log) in self._tasks.items() if code else ():
            log.seek(0)
            said = log.read().strip().splitlines()[-5:]
            ended = process.poll()
            print(f"{name}: {'runs' if ended is None else f'ended with {ended}'}", *said, sep="\n  ", file=sys.stderr)
        return code
