"""What happens to tasks happens to jobs that train, and they end with the weights of a quiet run, bit for bit."""

import re

import pytest
from kube.cluster import ApiError, wait_for
from kube.e2e.trainings import IMAGE, Training, tenon, training


def programs_are_killed(cluster):
    with training(cluster, "killed") as job:
        for pod in ("worker-1", "ps-0", "worker-0"):
            uid = job.uid(pod)
            job.kill(pod)
            job.wait_new(pod, uid, 300)
            job.wait_further()
        assert job.get()["status"]["restarts"] == 3


def a_pod_is_evicted(cluster):
    with training(cluster, "evicted") as job:
        uid = job.uid("worker-1")
        path = job.ns.path("pods", f"{job.name}-worker-1")
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": f"{job.name}-worker-1"}}
        job.client.post(path + "/eviction", body)
        job.wait_new("worker-1", uid, 300)
        job.wait_further()
        status = job.get()["status"]
        assert status["disruptions"] >= 1 and not status.get("restarts")


def suspend_and_resume(cluster):
    with training(cluster, "suspended") as job:
        tenon(cluster, "suspend", job.name)
        job.wait_pods(0, 300)
        job.clean()
        tenon(cluster, "resume", job.name)
        job.wait_further()


def scale(cluster):
    """To 4 workers, all of which take part, and back to 2."""
    with training(cluster, "scaled") as job:
        tenon(cluster, "scale", job.name, "4")
        job.wait_pods(5, 300)
        wait_for(lambda: all(p["status"]["phase"] == "Running" for p in job.pods().values()), 300, job.tell)
        job.wait_further(20)
        tenon(cluster, "scale", job.name, "2")
        job.wait_pods(3, 300)
        job.wait_further()


def a_task_hangs(cluster):
    """The kubelet's probe finds it, it tells where it hangs, and another one takes its place."""
    with training(cluster, "hanging", monitoring={"hangSeconds": 15}) as job:
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


def a_job_that_is_too_large(cluster):
    """It waits without a pod, and in nobody's way."""
    large, small = Training(cluster, "large"), Training(cluster, "small")
    large.submit(run={"schedulingPolicy": {}}, resources={"requests": {"cpu": "400"}})
    small.submit(run={"schedulingPolicy": {}}, resources={"requests": {"cpu": "50m"}})
    small.result()
    condition = large.conditions()["Admitted"]
    assert condition["status"] == "False" and not large.pods()
    tenon(cluster, "delete", "large")
    with pytest.raises(ApiError):
        large.get()


def is_wrong(cluster, name, word, read_only=False, **change):
    """One sentence that names what is wrong is in the conditions."""
    job = Training(cluster, f"bad-{name}")
    manifest = job.manifest()
    for replica in manifest["spec"]["replicas"].values():
        (container,) = replica["template"]["spec"]["containers"]
        container.update({"image": IMAGE, **change})
        container["volumeMounts"][0]["readOnly"] = read_only
    job.ns.submit(manifest)

    def said():
        return [c["message"] for c in job.conditions().values() if word in c.get("message", "")]

    sentences = wait_for(said, 300, job.tell)
    assert all("\n" not in s for s in sentences), sentences
    tenon(cluster, "delete", job.name)


def no_image(cluster):
    is_wrong(cluster, "image", "tenon.test/absent:1", image="tenon.test/absent:1", imagePullPolicy="Never")


def a_program_that_ends(cluster):
    is_wrong(cluster, "ends", "exit code 3", command=["python", "-c", "import sys; sys.exit(3)"])


def a_volume_that_cannot_be_written(cluster):
    is_wrong(cluster, "volume", "Read-only file system", read_only=True)


SCENES = [a_task_hangs, programs_are_killed, scale, suspend_and_resume, a_pod_is_evicted, a_job_that_is_too_large,
          a_volume_that_cannot_be_written, a_program_that_ends, no_image]  # fmt: skip


@pytest.mark.parametrize("scene", SCENES, ids=lambda f: f.__name__)
def test_what_happens_to_tasks(scenes, scene):
    scenes[scene].result()
