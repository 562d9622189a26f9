"""What is wrong is refused with a sentence and an exit code, and the servers stay."""

import os
import socket
import subprocess
import sys
from concurrent import futures
from pathlib import Path

import grpc
import pytest
from cluster.tasks import TENON, cluster_of, running
from ports import free_ports

import tenon as tf
from tenon.python.framework import proto

ROOT = Path(__file__).resolve().parents[2]
TOOL = Path(os.environ.get("TENON_TOOL") or ROOT / "build" / "tenon")
PATIENCE = 300


@pytest.fixture(scope="module")
def cluster():
    """One that runs all the time; each test finds it well and leaves it well."""
    made = cluster_of(1, 1)
    with running(TENON, made):
        yield made


@pytest.fixture(autouse=True)
def still_serves(cluster):
    yield
    with tf.Graph().as_default(), tf.device("/job:ps/task:0"):
        v = tf.Variable(3.0)
        with tf.Session(f"grpc://{cluster['worker'][0]}") as session:
            session.run(v.initializer)
            assert session.run(v + 1) == 4


def program(text, *arguments):
    """A program of its own: (exit code, the last line on standard error)."""
    command = [sys.executable, "-c", "import sys\nimport tenon as tf\n" + text, *map(repr, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "python")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE)
    return done.returncode, done.stderr.strip()


def test_garbage_on_the_port(cluster):
    for address in (cluster["ps"][0], cluster["worker"][0]):
        host, port = address.split(":")
        for data in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00", b"\xff" * 5000, b""):
            with socket.create_connection((host, int(port)), timeout=60) as s:
                s.sendall(data)
                s.shutdown(socket.SHUT_WR)
                while s.recv(65536):
                    pass


def test_an_unknown_device(cluster):
    code, said = program("""
with tf.device("/job:ps/task:7"):
    v = tf.constant(1.0)
with tf.Session("grpc://" + eval(sys.argv[1])) as session:
    session.run(v)
""", cluster["worker"][0])  # fmt: skip
    assert code == 1
    assert "InvalidArgumentError" in said and "/job:ps/task:7" in said and "/job:ps/replica:0/task:0" in said, said


SERVE = """
cluster = eval(sys.argv[1])
server = tf.train.Server(tf.train.ClusterSpec(cluster), job_name="worker", task_index=0)
with tf.device("/job:ps/task:0"):
    v = tf.constant(1.0) + 1.0
with tf.Session(server.target) as session:
    session.run(v)
"""


def test_another_task_at_the_address(cluster):
    """The specification says that a parameter server is where a worker is."""
    wrong = {"ps": [cluster["worker"][0]], "worker": [f"127.0.0.1:{free_ports(1)[0]}"]}
    code, said = program(SERVE, wrong)
    assert code == 1
    assert f"at {cluster['worker'][0]} is '/job:worker/replica:0/task:0" in said, said
    assert "the cluster has /job:ps/replica:0/task:0 there" in said, said


@pytest.mark.parametrize("jobs, says", [
    ({"ps": ["localhost"], "worker": ["localhost:1"]}, "localhost"),
    ({"ps": ["localhost:99999"], "worker": ["localhost:99999"]}, "have one address"),
    ({"ps": ["localhost:1"]}, "no task 0 of a job 'worker'"),
    ({"p s": ["localhost:1"], "worker": ["localhost:2"]}, "is not the name of a job"),
])  # fmt: skip
def test_a_wrong_specification(jobs, says):
    code, said = program(SERVE, jobs)
    assert code == 1 and says in said, said


def test_an_address_in_use(cluster):
    code, said = program(SERVE, {**cluster, "ps": ["127.0.0.1:1"]})
    assert code == 1 and "AlreadyExistsError" in said and cluster["worker"][0] in said, said
    spec = f"ps={cluster['ps'][0]};worker=127.0.0.1:1"
    command = [str(TOOL), "server", "--cluster", spec, "--job", "ps"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 1 and cluster["ps"][0] in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr


def test_a_name_that_is_elsewhere(tmp_path):
    """As that of a pod which was started again, for some moments: a task that may be reached by others is, and one that
    may not says so. In a network and with a file of hosts of its own."""
    (tmp_path / "hosts").write_text("127.0.0.1 localhost\n192.0.2.7 elsewhere\n")
    (tmp_path / "serve.py").write_text(
        "import socket\nimport tenon as tf\nserver = tf.train.Server({'worker': ['elsewhere:2222']}, 'worker', 0)\n"
        "socket.create_connection(('127.0.0.1', 2222), 60).close()\nprint('reached')\n"
    )
    alone = ["unshare", "--map-root-user", "--net", "--mount", "sh", "-c",
             f"ip link set lo up && mount --bind {tmp_path}/hosts /etc/hosts && exec \"$@\"", "sh"]  # fmt: skip
    tried = subprocess.run([*alone, "true"], capture_output=True, text=True)
    if tried.returncode:
        pytest.skip(f"no namespaces here: {tried.stderr.strip()}")
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "python")}

    def serve(**more):
        return subprocess.run([*alone, sys.executable, tmp_path / "serve.py"], env={**environment, **more},
                              capture_output=True, text=True, timeout=PATIENCE)  # fmt: skip

    done = serve(TENON_OPEN="1")
    assert done.returncode == 0 and done.stdout == "reached\n", done.stderr
    done = serve()
    assert done.returncode == 1 and "elsewhere:2222 can be reached from other machines" in done.stderr, done.stderr


@pytest.mark.parametrize("description, says", [
    ("Tenon, protocol 99", "is of another version: it is 'Tenon, protocol 99'"),
    ("device: 0, name: something", "is not a task of Tenon's"),
])  # fmt: skip
def test_a_peer_of_another_version(description, says):
    """A task answers as a later release, or another program, might."""

    class Status(grpc.GenericRpcHandler):
        def service(self, details):
            if not details.method.endswith("/GetStatus"):
                return None
            device = proto.get("tensorflow.DeviceAttributes")(
                name="/job:ps/replica:0/task:0/device:CPU:0", device_type="CPU", incarnation=5,
                physical_device_desc=description,
            ).SerializeToString()  # fmt: skip
            reply = b"\x0a" + bytes([len(device)]) + device
            return grpc.unary_unary_rpc_method_handler(lambda request, context: reply)

    other = grpc.server(futures.ThreadPoolExecutor(2))
    other.add_generic_rpc_handlers((Status(),))
    port = other.add_insecure_port("127.0.0.1:0")
    other.start()
    try:
        code, said = program(SERVE, {"ps": [f"127.0.0.1:{port}"], "worker": [f"127.0.0.1:{free_ports(1)[0]}"]})
        assert code == 1 and says in said, said
    finally:
        other.stop(0)
