"""The servers that tests of remote files talk to: each in a process of its own, and how to disturb it."""

import contextlib
import json
import subprocess
import sys
import urllib.request
from pathlib import Path

from ports import free_port, free_ports

HERE = Path(__file__).resolve().parent
# What the machine's own environment must not add.
CLEARED = ("AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE", "AWS_CA_BUNDLE", "AWS_DEFAULT_REGION",
           "S3_ENDPOINT", "TENON_HDFS_TOKEN", "TENON_HDFS_TOKEN_FILE")  # fmt: skip


class Remote:
    """A server: where its files are, the environment that names it, and how to disturb it."""

    def __init__(self, base, url, environment):
        self.base, self.url = base, url
        self.environment = {**environment, "NO_PROXY": "127.0.0.1"}
        self.number = 0

    def _post(self, page, value):
        data = json.dumps(value).encode()
        with urllib.request.urlopen(urllib.request.Request(f"{self.url}/{page}", data, method="POST")):
            pass

    def faults(self, *faults):
        """Each a dict, see faulty.py; `times` is 1 where it is not said."""
        self._post("_faults", [{"times": 1, **fault} for fault in faults])

    def lease(self, path, refusals):
        """HDFS: so many writers of a path are told that another one has it."""
        self._post("_lease", {"path": path, "refusals": refusals})

    def log(self):
        """The requests so far."""
        with urllib.request.urlopen(f"{self.url}/_log") as reply:
            return json.load(reply)

    def folder(self):
        """An address where nothing is yet."""
        self.number += 1
        return f"{self.base}/test-{self.number}"


@contextlib.contextmanager
def _running(program, *arguments):
    command = [sys.executable, HERE / program, *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            yield
        finally:
            process.kill()


@contextlib.contextmanager
def s3():
    """A small S3 whose parts may be small too."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with _running("s3_server.py", port, 1000):
        names = {"AWS_ENDPOINT_URL": url, "AWS_REGION": "eu-test-1", "AWS_ACCESS_KEY_ID": "test-id"}
        yield Remote("s3://data", url, {**names, "AWS_SECRET_ACCESS_KEY": "test/secret+key"})


@contextlib.contextmanager
def hdfs():
    """A small HDFS."""
    name, *data = free_ports(3)
    with _running("hdfs_server.py", name, *data):
        yield Remote("hdfs://127.0.0.1:8020", f"http://127.0.0.1:{name}",
                     {"TENON_HDFS_HTTP": str(name), "HADOOP_USER_NAME": "tester"})  # fmt: skip
