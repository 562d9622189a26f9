"""The servers that the tests of remote files talk to, and the environment that names them."""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from ports import free_port, free_ports

HERE = Path(__file__).resolve().parent
CLEARED = ("AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE", "AWS_CA_BUNDLE", "AWS_DEFAULT_REGION",
           "S3_ENDPOINT", "TENON_HDFS_TOKEN", "TENON_HDFS_TOKEN_FILE")  # fmt: skip


class Remote:
    """A server: where its files are, and how to disturb it."""

    def __init__(self, base, url, environment):
        self.base, self.url, self.environment = base, url, environment
        self.number = 0

    def _post(self, page, value, url=None):
        data = json.dumps(value).encode()
        with urllib.request.urlopen(urllib.request.Request(f"{url or self.url}/{page}", data, method="POST")):
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


def _start(program, *arguments):
    command = [sys.executable, HERE / program, *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.fixture(scope="session")
def s3_remote():
    """A small S3 whose parts may be small too."""
    port = free_port()
    process = _start("s3_server.py", port, 1000)
    url = f"http://127.0.0.1:{port}"
    yield Remote("s3://data", url, {"AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "test-id", "AWS_REGION": "eu-test-1",
                                    "AWS_SECRET_ACCESS_KEY": "test/secret+key"})  # fmt: skip
    process.kill()
    process.wait()


@pytest.fixture(scope="session")
def hdfs_remote():
    """A small HDFS."""
    name, *data = free_ports(3)
    process = _start("hdfs_server.py", name, *data)
    yield Remote("hdfs://127.0.0.1:8020", f"http://127.0.0.1:{name}",
                 {"TENON_HDFS_HTTP": str(name), "HADOOP_USER_NAME": "tester"})  # fmt: skip
    process.kill()
    process.wait()


@pytest.fixture
def remote(request, monkeypatch):
    """The server of the test's parameter, its environment set."""
    server = request.getfixturevalue(f"{request.param}_remote")
    for name in CLEARED:
        monkeypatch.delenv(name, raising=False)
    for name, value in {**server.environment, "TENON_STORAGE_RETRY_SECONDS": "60", "NO_PROXY": "127.0.0.1"}.items():
        monkeypatch.setenv(name, value)
    server.faults()
    yield server
    server.faults()


@pytest.fixture
def folder(remote):
    """An address where nothing is yet."""
    return remote.folder()
