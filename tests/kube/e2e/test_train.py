"""Jobs that train on a whole cluster: submitted, trained, ended, cleaned up."""

import pytest
from kube.cluster import wait_for
from kube.e2e.trainings import IMAGE, STEPS, Training, tenon

CONV_STEPS = 2000


def to_99_percent(cluster):
    """A network with convolutions, whose steps are told on the way."""
    job = Training(cluster, "conv").submit(steps=CONV_STEPS, network="conv", rate=0.05, save=200)
    wait_for(lambda: job.get().get("status", {}).get("progress", {}).get("step", 0) > 0, 300, job.tell)
    accuracy, _ = job.result()
    assert accuracy >= 99, accuracy
    wait_for(lambda: job.get()["status"]["progress"]["steps"] == f"{CONV_STEPS}/{CONV_STEPS}", 120, job.tell)
    job.clean()


def from_a_manifest(cluster):
    """With a read-only root and no rights; nothing of it runs when it has ended."""
    job = cluster.quiet()
    assert job.found[0] > 85
    assert len(job.nodes) > 1, "all pods on one node: nothing was shown"
    job.clean()
    wait_for(lambda: "quiet-ps-0" not in job.pods(), 120, job.tell)
    assert job.pods()["quiet-worker-0"]["status"]["phase"] == "Succeeded"
    assert "accuracy" in job.logs("worker-0")
    assert (job.folder / f"model.ckpt-{STEPS}.index").exists()
    assert job.get()["status"].get("restarts", 0) == 0


def from_the_command_line(cluster):
    """The program is packed into the job. It is the same training, so the weights are the same, bit for bit."""
    job, program = Training(cluster, "line"), cluster.shared / "train.py"
    tenon(cluster, "submit", "--name", "line", "--image", IMAGE, "--workers", "2", "--ps", "1", "--storage", "models",
          "--storage-path", "/models", "--", program, *job.arguments())  # fmt: skip
    assert job.result() == cluster.quiet().found
    job.clean()


@pytest.mark.parametrize("scene", [from_a_manifest, to_99_percent, from_the_command_line], ids=lambda f: f.__name__)
def test_a_training(scenes, scene):
    scenes[scene].result()
