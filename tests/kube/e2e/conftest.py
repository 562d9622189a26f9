"""One cluster with three nodes for the tests of this folder, and an operator on it."""

import subprocess
import sys

import pytest
from kube.cluster import ROOT, Operator
from kube.e2e.cluster import Cluster, make_image, make_pause, own_network, why_not
from kube.e2e.trainings import Storage

PROGRAMS = ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "coredns"]


@pytest.fixture(scope="package")
def image(tmp_path_factory):
    """The path of the image that jobs run in, and what `tenon image` printed."""
    return make_image(tmp_path_factory.mktemp("image"), sys.executable)


@pytest.fixture(scope="package")
def cluster(request, tmp_path_factory):
    why = why_not()
    if why:
        pytest.skip(f"a cluster with nodes: {why}")
    tools = [ROOT / "scripts" / "kube-tools", *PROGRAMS]
    programs = subprocess.run(tools, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    folder = tmp_path_factory.mktemp("cluster")
    images = [make_pause(folder), request.getfixturevalue("image")[0]]
    with own_network():
        cluster = Cluster(folder, programs, images)
        try:
            cluster.start()
            cluster.install()
            cluster.storage = Storage(cluster)
            yield cluster
        finally:
            cluster.close()


@pytest.fixture(scope="package")
def operator(cluster):
    operator = Operator(cluster).wait_ready()
    cluster.operator = operator
    yield operator
    assert cluster.operator.process.poll() is None, operator.log.read_text()[-3000:]
    cluster.operator.stop()
