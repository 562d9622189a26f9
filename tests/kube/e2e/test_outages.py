"""Parts of the cluster are lost while jobs train, one after the other, when all scenes are over: the jobs end with the
weights of a quiet run, bit for bit."""

import contextlib
import signal
import time

import pytest
from kube.cluster import Operator, wait_for
from kube.e2e.trainings import Training

WITHIN = 60  # seconds in which training goes on after a node was lost


def start_all(cluster, names):
    jobs = {name: Training(cluster, name) for name in names}
    for job in jobs.values():
        job.start_slowly()
    return jobs


@pytest.fixture(scope="module")
def trainings(scenes, inside, cluster, request):
    """The jobs, in the middle of their trainings; those to which something has happened are in `over`."""
    wanted = {item.callspec.params["outage"] for item in request.session.items
              if item.module is request.module}  # fmt: skip
    started = inside("jobs for outages", lambda: start_all(cluster, sorted(wanted)))
    for scene in scenes.values():
        scene.exception()
    jobs, over = started.result(), set()

    @contextlib.contextmanager
    def middle(name):
        yield jobs[name]
        over.add(name)

    middle.jobs, middle.over = jobs, over
    return middle


@pytest.fixture(scope="module")
def ends(trainings, inside, cluster):
    """Lets all of them go on to their ends; futures of these."""
    quiet = cluster.quiet().found
    jobs = trainings.jobs.items()
    return {name: inside(f"end of {name}", lambda job=job: job.ends_as(quiet)) for name, job in jobs}


def outage(*names):
    return pytest.mark.parametrize("outage", names)


@outage("operator-killed")
def test_the_operator_is_killed(trainings, cluster, outage):
    """While a worker is lost, which nobody sees."""
    with trainings(outage) as job:
        cluster.operator.kill()
        uid = job.uid("worker-1")
        job.kill("worker-1")
        wait_for(lambda: job.pods()[f"{job.name}-worker-1"]["status"]["phase"] == "Failed", 300, job.tell)
        cluster.operator = Operator(cluster).wait_ready()
        job.wait_new("worker-1", uid, 300)
        job.wait_further()


@outage("apiserver-killed")
def test_the_apiserver_is_killed(trainings, cluster, outage):
    """Training goes on without it, and the job is looked after again when it is back."""
    with trainings(outage) as job:
        uid = job.uid("worker-1")
        cluster.stop("apiserver", signal.SIGKILL)
        job.wait_further()
        cluster.start_apiserver()
        job.kill("worker-1")
        job.wait_new("worker-1", uid, 300)
        job.wait_further()


@outage("node-of-worker-1", "node-of-ps-0")
def test_a_node_is_lost(trainings, cluster, capsys, outage):
    """Kubelet and containers at once, those of a task among them."""
    task = outage.removeprefix("node-of-")
    with trainings(outage) as job:
        wait_for(lambda: {p["status"]["phase"] for p in job.wait_pods(3).values()} == {"Running"}, 300, job.tell)
        before, counted = job.pods(), job.get()["status"].get("disruptions", 0)
        pod = before[f"{job.name}-{task}"]
        node = cluster.nodes[pod["spec"]["nodeName"]]
        there = {n for n, p in before.items() if p["spec"]["nodeName"] == node.name}
        began = time.monotonic()
        node.kill()
        job.wait_new(task, pod["metadata"]["uid"], 300)
        replaced = time.monotonic() - began
        job.wait_further(1)
        went_on = time.monotonic() - began
        node.start()
        job.wait_further()
        cluster.wait_nodes()
        whole = time.monotonic() - began
        with capsys.disabled():
            print(f"\nthe node of {task} is lost, and {len(there)} of 3 tasks with it: made anew after "
                  f"{replaced:.0f} s, training went on after {went_on:.0f} s, the node is back after "
                  f"{whole:.0f} s")  # fmt: skip
        assert went_on < WITHIN
        status = job.get()["status"]
        assert status["disruptions"] >= counted + len(there) and not status.get("restarts")


@outage("operator-killed", "apiserver-killed", "node-of-worker-1", "node-of-ps-0")
def test_the_job_ends_as_if_nothing_had_happened(trainings, ends, outage):
    """With the weights of a quiet run, after the test above."""
    assert outage in trainings.over, "what was to happen to it did not"
    ends[outage].result()
