"""How far a training is: asked of its leader, written into the status, shown."""

import json
import subprocess

from kube.cluster import TENON, wait_for
from kube.watching import operating, progress, run_at, telling, training, watched_job

PROGRESS = {"training": True, "step": 1200, "total": 2000, "loss": "0.125", "stepsPerSecond": 40.0,
            "remainingSeconds": 20}  # fmt: skip


def test_progress_reaches_the_status(plane, empty):
    with telling(**PROGRESS) as task, operating(plane) as operator:
        job = empty.submit(watched_job("far", {"port": task.port}, worker=1))
        job.wait_pods(1)
        run_at(job, "worker-0")
        wait_for(lambda: progress(job).get("step") == 1200, tell=job.tell)
        told = progress(job)
        assert told["steps"] == "1200/2000" and told["percent"] == "60%" and told["loss"] == "0.125"
        assert told["stepsPerSecond"] == "40" and told["estimatedEnd"] > told["updateTime"]
        assert "Authorization" not in task.headers
        task.told = {**PROGRESS, "step": 1300, "loss": "nan"}
        wait_for(lambda: progress(job).get("step") == 1300 and progress(job)["loss"] == "nan", tell=job.tell)
        # What says nothing new is not written, and what is no progress does not harm.
        asked, version = task.asked, job.get()["metadata"]["resourceVersion"]
        wait_for(lambda: task.asked > asked + 2)
        assert job.get()["metadata"]["resourceVersion"] == version
        for told in (b"nonsense", b"[1]", b'{"step": "many"}', b'{"step": -5, "loss": 3}'):
            task.told, asked = told, task.asked
            wait_for(lambda asked=asked: task.asked > asked + 1, 120)
        assert progress(job)["step"] == 1300 and operator.page("/healthz")[0] == 200


def test_progress_is_shown(plane, empty):
    with telling(**PROGRESS) as task, operating(plane):
        job = empty.submit(watched_job("shown", {"port": task.port}, worker=1))
        job.wait_pods(1)
        run_at(job, "worker-0")
        wait_for(lambda: progress(job), tell=job.tell)
        words = ["--kubeconfig", plane.kubeconfig, "--namespace", empty.name]
        table = subprocess.run([TENON, "jobs", *words], capture_output=True, text=True, check=True).stdout
        assert "1200/2000 60%" in table and "0.125" in table
        text = subprocess.run([TENON, "status", "shown", *words], capture_output=True, text=True, check=True).stdout
        assert "step: 1200/2000 60%; loss: 0.125; 40 steps/s; ends about 2" in text
        # What `kubectl get` asks for.
        plane.client.get("/version")
        accept = "application/json;as=Table;v=v1;g=meta.k8s.io"
        plane.client.connection.request("GET", empty.path("tenonjobs"), headers={"Accept": accept})
        answer = json.loads(plane.client.connection.getresponse().read())
        columns = {c["name"]: v for c, v in zip(answer["columnDefinitions"], answer["rows"][0]["cells"], strict=True)}
        assert columns["Step"] == "1200/2000" and columns["Done"] == "60%" and columns["Loss"] == "0.125"
        assert columns["State"] == "Running"


def test_writes_of_progress_are_bounded(plane, empty):
    """A status is written at most once for each time that the leader was asked."""
    with telling(**PROGRESS) as task, operating(plane) as operator:
        job = empty.submit(watched_job("often", {"port": task.port}, worker=1))
        job.wait_pods(1)
        run_at(job, "worker-0")
        wait_for(lambda: progress(job), tell=job.tell)
        passes, asked = operator.metric("tenon_operator_reconcile_seconds_count"), task.asked
        for step in range(1201, 1205):
            task.told = {**PROGRESS, "step": step}
            wait_for(lambda step=step: progress(job).get("step") == step, 120, job.tell)
        # Each write comes back by the watch, which is one more pass.
        assert operator.metric("tenon_operator_reconcile_seconds_count") - passes <= 2 * (task.asked - asked) + 2


def test_a_training_tells_its_steps(plane, empty, tmp_path):
    with training(tmp_path) as port, operating(plane):
        job = empty.submit(watched_job("real", {"port": port}, worker=1))
        job.wait_pods(1)
        run_at(job, "worker-0")
        first = wait_for(lambda: progress(job).get("step"), 120, job.tell)
        wait_for(lambda: progress(job)["step"] > first and "loss" in progress(job), 120, job.tell)
        assert progress(job)["totalSteps"] == 10**9
