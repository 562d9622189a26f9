"""One control plane for all tests, an operator for each module that asks for one, a namespace for each test."""

import itertools
import subprocess

import pytest
from kube.cluster import ROOT, ControlPlane, Operator, missing_tools
from kube.jobs import Namespace

_numbers = itertools.count()


@pytest.fixture(scope="session")
def plane(tmp_path_factory):
    why = missing_tools()
    if why:
        pytest.skip(f"the cluster tests need etcd, Go and openssl: {why}")
    tools = [ROOT / "scripts" / "kube-tools", "kube-apiserver", "kube-controller-manager"]
    programs = subprocess.run(tools, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    plane = ControlPlane(tmp_path_factory.mktemp("plane"), programs)
    try:
        plane.start()
        plane.install()
        yield plane
    finally:
        plane.close()


@pytest.fixture(scope="module")
def operator(plane):
    operator = Operator(plane).wait_ready()
    yield operator
    assert operator.process.poll() is None, operator.log.read_text()[-3000:]
    operator.stop()


@pytest.fixture
def empty(plane):
    """A namespace, whether an operator runs or not."""
    namespace = Namespace(plane, f"t{next(_numbers)}").create()
    yield namespace
    for what in ("tenonjobs", "tfjobs", "pods"):
        plane.client.delete(namespace.path(what))


@pytest.fixture
def ns(empty, operator):
    empty.operator = operator
    return empty
