"""Jobs that train on a whole cluster: submitted, trained, ended, cleaned up."""

import pytest
from kube.cluster import wait_for
from kube.e2e.trainings import IMAGE, Training, tenon

CONV_STEPS = 2000


@pytest.fixture(scope="module")
def submitted(cluster, operator):
    """What a job from a manifest gives, with a read-only root and no rights; nothing of it runs then."""
    job = Training(cluster, "yaml").submit(steps=100)
    job.wait("Running", 300)
    job.nodes = {p["spec"]["nodeName"] for p in job.pods().values()}
    job.found = job.result()
    return job


def test_from_a_manifest(submitted):
    job = submitted
    assert job.found[0] > 85
    assert len(job.nodes) > 1, "all pods on one node: nothing was shown"
    job.clean()
    wait_for(lambda: "yaml-ps-0" not in job.pods(), 120, job.tell)
    assert job.pods()["yaml-worker-0"]["status"]["phase"] == "Succeeded"
    assert "accuracy" in job.logs("worker-0")
    assert (job.folder / "model.ckpt-100.index").exists()
    assert job.get()["status"].get("restarts", 0) == 0


def test_to_99_percent(cluster, operator):
    """A network with convolutions, whose steps are told on the way."""
    job = Training(cluster, "conv").submit(steps=CONV_STEPS, network="conv", rate=0.05, save=200)
    wait_for(lambda: job.get().get("status", {}).get("progress", {}).get("step", 0) > 0, 300, job.tell)
    accuracy, _ = job.result()
    assert accuracy >= 99
    wait_for(lambda: job.get()["status"]["progress"]["steps"] == f"{CONV_STEPS}/{CONV_STEPS}", 120, job.tell)
    job.clean()


def test_from_the_command_line(cluster, submitted):
    """The program is packed into the job. It is the same training, so the weights are the same, bit for bit."""
    job, program = Training(cluster, "line"), cluster.shared / "train.py"
    tenon(cluster, "submit", "--name", "line", "--image", IMAGE, "--workers", "2", "--ps", "1", "--storage", "models",
          "--storage-path", "/models", "--", program, *job.arguments(steps=100))  # fmt: skip
    assert job.result() == submitted.found
    job.clean()
