"""One cluster with three nodes for the tests of this folder, an operator on it, and the stage that it is for scenes."""

import functools
import subprocess
import sys
import time

import pytest
from kube.cluster import ROOT, Operator
from kube.e2e.cluster import Cluster
from kube.e2e.images import make_image, make_pause
from kube.e2e.machine import own_folder, own_network, why_not
from kube.e2e.stage import Once, Stage
from kube.e2e.trainings import Storage, mnist_folder, quiet_run

PROGRAMS = ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "coredns"]
TIMES = []  # what took how long: shown at the end


@pytest.fixture(scope="package")
def folder():
    with own_folder() as folder:
        yield folder


@pytest.fixture(scope="package")
def making(folder):
    """A future of `image`."""
    return Stage(1).add("image", lambda: make_image(folder, sys.executable))


@pytest.fixture(scope="package")
def image(making):
    """The path of the image that jobs run in, and what `tenon image` printed."""
    return making.result()


@pytest.fixture(scope="package")
def programs():
    """The folder of Kubernetes' programs; skips where there can be no cluster."""
    why = why_not() or (None if mnist_folder() else "no MNIST in the folder of data")
    if why:
        pytest.skip(f"a cluster with nodes: {why}")
    began = time.monotonic()
    tools = [ROOT / "scripts" / "kube-tools", *PROGRAMS]
    programs = subprocess.run(tools, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    TIMES.append(f"programs {time.monotonic() - began:.0f} s")
    return programs


@pytest.fixture(scope="package")
def cluster(programs, folder, making):
    began = time.monotonic()
    with own_network():
        cluster = Cluster(folder, programs)
        try:
            cluster.start()
            cluster.start_nodes([make_pause(folder), making.result()[0]])
            cluster.install()
            cluster.storage = Storage(cluster)
            cluster.quiet = Once(lambda: quiet_run(cluster))
            TIMES.append(f"cluster {time.monotonic() - began:.0f} s")
            yield cluster
        finally:
            cluster.close()


@pytest.fixture(scope="package")
def operator(cluster):
    cluster.operator = Operator(cluster).wait_ready()
    yield cluster.operator
    assert cluster.operator.process.poll() is None, cluster.operator.log.read_text()[-3000:]
    cluster.operator.stop()


@pytest.fixture(scope="package")
def inside(cluster):
    """Plays a scene on the cluster; what goes wrong there is told with the cluster's state. Gives a future."""
    stage = Stage()  # its threads are in the cluster's network, as this one is

    def telling(function):
        try:
            return function()
        except Exception as error:
            raise AssertionError(f"{error!r}\n{cluster.tell()}") from error

    yield lambda name, function: stage.add(name, functools.partial(telling, function))
    TIMES.extend(f"{name} {end - begin:.0f} s (from {begin:.0f} s)" for name, begin, end in stage.times)


@pytest.fixture(scope="package")
def scenes(request, cluster, operator, inside):
    """Those of all tests that are to run, by their functions: they go on beside each other from now on."""
    added = {}
    inside("quiet run", cluster.quiet)  # first: all others are compared with it
    for item in request.session.items:
        scene = getattr(item, "callspec", None) and item.callspec.params.get("scene")
        if scene and scene not in added:
            added[scene] = inside(scene.__name__, functools.partial(scene, cluster))
    return added


def pytest_terminal_summary(terminalreporter):
    for line in TIMES:
        terminalreporter.write_line(f"e2e: {line}")
