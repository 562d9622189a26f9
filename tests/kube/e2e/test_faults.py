"""What happens to clusters happens to jobs that train, and they end with the weights of a quiet run, bit for bit."""

import contextlib
import re
import time

import pytest
from kube.cluster import ApiError, Operator, wait_for
from kube.e2e.trainings import IMAGE, Training, tenon

STEPS = 400


@pytest.fixture(scope="module")
def quiet(cluster, operator):
    """What the training gives when nothing happens."""
    return Training(cluster, "quiet").submit(steps=STEPS).result()


@pytest.fixture
def training(cluster, request, quiet):
    """A job that is in the middle of its training and takes its time there; it ends as the quiet one did."""

    @contextlib.contextmanager
    def start(**options):
        name = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_"))
        job = Training(cluster, name.strip("-"))
        (job.folder / "slow").touch()
        job.submit(steps=STEPS, **options)
        job.wait_step(10)
        yield job
        (job.folder / "slow").unlink()
        assert job.result() == quiet
        job.clean()

    return start


def test_programs_are_killed(training):
    with training() as job:
        for pod in ("worker-1", "ps-0", "worker-0"):
            uid = job.uid(pod)
            job.kill(pod)
            job.wait_new(pod, uid, 120)
            job.wait_further()
        assert job.get()["status"]["restarts"] == 3


def test_a_pod_is_evicted(training):
    with training() as job:
        uid = job.uid("worker-1")
        path = job.ns.path("pods", f"{job.name}-worker-1")
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": f"{job.name}-worker-1"}}
        job.client.post(path + "/eviction", body)
        job.wait_new("worker-1", uid, 120)
        job.wait_further()
        status = job.get()["status"]
        assert status["disruptions"] >= 1 and not status.get("restarts")


def test_the_operator_is_killed(training, cluster):
    """While a worker is lost, which nobody sees."""
    with training() as job:
        cluster.operator.kill()
        uid = job.uid("worker-1")
        job.kill("worker-1")
        wait_for(lambda: job.pods()[f"{job.name}-worker-1"]["status"]["phase"] == "Failed", 120, job.tell)
        cluster.operator = Operator(cluster).wait_ready()
        job.wait_new("worker-1", uid, 120)
        job.wait_further()


def test_the_apiserver_is_restarted(training, cluster):
    """Training goes on without it, and the job is looked after again when it is back."""
    with training() as job:
        cluster.stop("apiserver")
        job.wait_further()
        cluster.start_apiserver()
        uid = wait_for(lambda: job.pods().get(f"{job.name}-worker-1"), 120)["metadata"]["uid"]
        job.kill("worker-1")
        job.wait_new("worker-1", uid, 300)
        job.wait_further()


def test_suspend_and_resume(training, cluster):
    with training() as job:
        tenon(cluster, "suspend", job.name)
        job.wait_pods(0, 300)
        job.clean()
        step = job.step()
        tenon(cluster, "resume", job.name)
        job.wait_step(step + 20)


def test_scale(training, cluster):
    """To 4 workers, all of which take part, and back to 2."""
    with training() as job:
        tenon(cluster, "scale", job.name, "4")
        job.wait_pods(5, 300)
        wait_for(lambda: all(p["status"]["phase"] == "Running" for p in job.pods().values()), 300, job.tell)
        job.wait_further()
        tenon(cluster, "scale", job.name, "2")
        job.wait_pods(3, 300)
        job.wait_further()


@pytest.mark.parametrize("task", ["worker-1", "ps-0"])
def test_a_node_is_lost(training, cluster, capsys, task):
    """Kubelet and containers at once, those of TASK among them."""
    with training() as job:
        before = job.pods()
        pod = before[f"{job.name}-{task}"]
        node = cluster.nodes[pod["spec"]["nodeName"]]
        there = {n for n, p in before.items() if p["spec"]["nodeName"] == node.name}
        began = time.monotonic()
        node.kill()
        job.wait_new(task, pod["metadata"]["uid"], 300)
        replaced = time.monotonic() - began
        job.wait_further()
        with capsys.disabled():
            print(f"\nthe node of {task} is lost, and {len(there)} of 3 tasks with it: they were made anew after "
                  f"{replaced:.0f} s, training had gone on after {time.monotonic() - began:.0f} s")  # fmt: skip
        status = job.get()["status"]
        assert status["disruptions"] >= len(there) and not status.get("restarts")
        node.start()
        wait_for(lambda: len(cluster.ready_nodes()) == 3, 300, cluster.tell)


def test_a_task_hangs(training, cluster):
    """The kubelet's probe finds it, it tells where it hangs, and another one takes its place."""
    with training(monitoring={"hangSeconds": 15}) as job:
        uid = job.uid("worker-1")
        with job.following() as text:
            (job.folder / "hang-1").touch()
            job.wait_new("worker-1", uid, 300)
            (job.folder / "hang-1").unlink()
            job.wait_further()
        said = "".join(line for line in text().splitlines(keepends=True) if "worker-1" in line.split()[0])
        assert "the training hangs: no step for" in said, text()[-5000:]
        assert re.search(r'File "/models/train.py", line \d+ in hang', said), said[-5000:]
        assert job.get()["status"]["restarts"] >= 1


def test_a_job_that_is_too_large(cluster, operator):
    """It waits without a pod, and in nobody's way."""
    large, small = Training(cluster, "large"), Training(cluster, "small")
    large.submit(run={"schedulingPolicy": {}}, resources={"requests": {"cpu": "400"}}, steps=50)
    small.submit(run={"schedulingPolicy": {}}, resources={"requests": {"cpu": "50m"}}, steps=50)
    small.result()
    condition = large.conditions()["Admitted"]
    assert condition["status"] == "False" and not large.pods()
    tenon(cluster, "delete", "large")
    with pytest.raises(ApiError):
        large.get()


@pytest.mark.parametrize("name, change, word", [
    ("image", {"image": "tenon.test/absent:1", "imagePullPolicy": "Never"}, "tenon.test/absent:1"),
    ("ends", {"command": ["python", "-c", "import sys; sys.exit(3)"]}, "exit code 3"),
    ("volume", {}, "Read-only file system"),
])  # fmt: skip
def test_what_is_wrong_is_in_the_conditions(cluster, operator, name, change, word):
    """One sentence that names what is wrong."""
    job = Training(cluster, f"bad-{name}")
    manifest = job.manifest(steps=50)
    for replica in manifest["spec"]["replicas"].values():
        (container,) = replica["template"]["spec"]["containers"]
        container.update({"image": IMAGE, **change})
        if name == "volume":
            container["volumeMounts"][0]["readOnly"] = True
    job.ns.submit(manifest)

    def said():
        return [c["message"] for c in job.conditions().values() if word in c.get("message", "")]

    sentences = wait_for(said, 300, job.tell)
    assert all("\n" not in s for s in sentences), sentences
    tenon(cluster, "delete", job.name)
