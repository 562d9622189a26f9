"""What users see when something is wrong: one sentence that says what to do, in the command line and in the job."""

import json
import os
import shutil
import subprocess
import time

import pytest
import yaml
from kube.cluster import ROOT, TENON, ApiError, wait_for
from kube.jobs import tenonjob, tfjob
from kube.test_command import tenon
from kube.watching import operating

CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/tenonjobs.tenon.dev"


def waits(job, pod, reason, message="because"):
    job.status(pod, "Pending", {"waiting": {"reason": reason, "message": message}})


def test_an_image_that_is_not_there(ns):
    job = ns.submit(tenonjob("image", worker=2))
    job.wait_pods(2)
    waits(job, "worker-1", "ErrImagePull", "no such image")
    condition = job.wait("Waiting")
    assert condition["reason"] == "JobNoImage" and "does the image exist" in condition["message"]
    assert "image-worker-1 waits (ErrImagePull)" in condition["message"] and "no such image" in condition["message"]
    version = job.rests(1)
    waits(job, "worker-1", "ImagePullBackOff", "back-off")
    time.sleep(1)
    assert job.get()["metadata"]["resourceVersion"] == version, "a pull that is tried again is no news"
    assert "does the image exist" in tenon(ns, "status", "image")
    job.run()
    wait_for(lambda: not job.is_true("Waiting"), tell=job.tell)


@pytest.mark.parametrize("reason, ours", [
    ("InvalidImageName", "NoImage"), ("CreateContainerConfigError", "NoContainer"),
])  # fmt: skip
def test_what_pods_wait_for(ns, reason, ours):
    job = ns.submit(tfjob("wait", Worker=1))
    job.wait_pods(1)
    waits(job, "worker-0", "ContainerCreating")
    waits(job, "worker-0", reason)
    assert job.wait("Waiting")["reason"] == "TFJob" + ours
    job.patch({"spec": {"runPolicy": {"suspend": True}}})
    wait_for(lambda: not job.is_true("Waiting"), tell=job.tell)


def test_no_room(ns):
    job = ns.submit(tenonjob("room", worker=1))
    job.wait_pods(1)
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
                 "message": "0/3 nodes are available: 3 Insufficient cpu."}  # fmt: skip
    job.status("worker-0", "Pending", conditions=[condition])
    assert "3 Insufficient cpu" in job.wait("Waiting")["message"]


def test_the_end_of_a_programs_log_is_the_reason(ns):
    job = ns.submit(tenonjob("broke", worker=1))
    (pod,) = job.wait_pods(1).values()
    assert pod["spec"]["containers"][0]["terminationMessagePolicy"] == "FallbackToLogsOnError"
    log = "Traceback (most recent call last):\n  File \"train.py\", line 3\nPermissionError: [Errno 13] '/models/x'\n"
    job.status("worker-0", "Failed", {"terminated": {"exitCode": 1, "reason": "Error", "message": log}})
    message = job.wait("Failed")["message"]
    assert message == "broke-worker-0 failed with exit code 1 (Error): PermissionError: [Errno 13] '/models/x'"


def test_a_field_that_the_cluster_does_not_know(ns, tmp_path):
    """Misspelled, or newer than the type that is installed."""
    job = tenonjob("odd", worker=1)
    job["spec"]["runPolcy"] = {}
    (tmp_path / "job.yaml").write_text(json.dumps(job))
    message = tenon(ns, "submit", "-f", tmp_path / "job.yaml", code=1)
    assert 'unknown field "spec.runPolcy"' in message and "`tenon install --crds-only`" in message
    assert message.count("\n") == 1


def test_an_expired_certificate(ns):
    ns.plane.certificates.sign("late", "/O=system:masters/CN=late", days=-1)
    message = tenon(ns, "jobs", code=1, config=ns.plane.write_kubeconfig("late"))
    assert "expired" in message and "get a new kubeconfig" in message and message.count("\n") == 1


def test_a_kubeconfig_without_rights(ns):
    ns.plane.certificates.sign("visitor", "/CN=visitor")
    config = ns.plane.write_kubeconfig("visitor")
    for words in (["jobs"], ["status", "x"], ["logs", "x"], ["delete", "x"], ["install", "--crds-only"]):
        message = tenon(ns, *words, code=1, config=config)
        assert '"visitor" cannot' in message and "has to grant that" in message and message.count("\n") == 1


def test_a_cluster_without_the_type(plane, empty, tmp_path):
    """The CRD is taken away and put back: nobody else uses it meanwhile."""
    (tmp_path / "job.yaml").write_text(json.dumps(tenonjob("x", worker=1)))
    plane.client.delete(CRD)
    try:

        def gone():
            try:
                return plane.client.get(CRD) is None
            except ApiError as error:
                return error.status == 404

        wait_for(gone, 90)
        wait_for(lambda: "does not know this type; `tenon install`" in subprocess.run(
            [TENON, "submit", "-f", tmp_path / "job.yaml", "--kubeconfig", plane.kubeconfig, "-n", empty.name],
            capture_output=True, text=True, timeout=60).stderr, 60)  # fmt: skip
        with operating(plane) as operator:  # it waits for the type, and says so
            wait_for(lambda: "is the CRD installed?" in operator.log.read_text())
            plane.install()
            empty.submit(tenonjob("late", worker=1)).wait_pods(1)
    finally:
        plane.install()


def test_an_older_type(plane, empty, tmp_path):
    """A cluster whose CRD lacks what the command knows of."""
    old = yaml.safe_load((ROOT / "deploy" / "manifests" / "crd-tenonjob.yaml").read_text())
    del old["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["monitoring"]
    job = tenonjob("newer", worker=1)
    job["spec"]["monitoring"] = {"hangSeconds": 60}
    (tmp_path / "job.yaml").write_text(json.dumps(job))
    command = [TENON, "submit", "-f", tmp_path / "job.yaml", "--kubeconfig", plane.kubeconfig, "-n", empty.name]
    plane.client.call("PATCH", CRD + "?fieldManager=tenon&force=true", old, "application/apply-patch+yaml")
    try:

        def refused():
            done = subprocess.run(command, capture_output=True, text=True, timeout=60)
            if done.returncode == 0:  # the apiserver has not taken it in yet
                plane.client.delete(empty.path("tenonjobs", "newer"))
            return 'unknown field "spec.monitoring"' in done.stderr and "is older than this command" in done.stderr

        wait_for(refused)
    finally:
        plane.install()
    wait_for(lambda: subprocess.run(command, capture_output=True, timeout=60).returncode == 0)


def test_as_a_plug_in_of_kubectl(ns, tmp_path):
    (tmp_path / "kubectl-tenon").symlink_to(TENON)
    env = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "KUBECONFIG": str(ns.plane.kubeconfig)}
    ns.submit(tenonjob("plugged", worker=1))
    command = ["kubectl", "tenon"] if shutil.which("kubectl") else ["kubectl-tenon"]
    text = subprocess.run([*command, "jobs", "-n", ns.name], capture_output=True, text=True, env=env, timeout=60)
    assert text.returncode == 0 and "plugged" in text.stdout, text.stderr
    text = subprocess.run([*command, "jobs", "-A"], capture_output=True, text=True, env=env, timeout=60)
    assert ns.name in text.stdout and "plugged" in text.stdout, text.stderr


def test_the_operators_log_is_bounded(plane, empty):
    """A quota refuses a hundred pods again and again: some lines and few Events say so."""
    quota = {"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}}
    empty.client.post(empty.path("resourcequotas"), quota)
    # What the quota's controller, which does not run here, would write.
    status = {"status": {"hard": {"pods": "0"}, "used": {"pods": "0"}}}
    empty.client.patch(empty.path("resourcequotas", "none") + "/status", status)
    began = time.monotonic()
    with operating(plane, name="bounded") as operator:
        job = empty.submit(tenonjob("refused", worker=100))
        wait_for(lambda: operator.metric("tenon_operator_api_errors_total") >= 400, 240)
        lines = operator.log.read_text().splitlines()
        assert 0 < len(lines) <= 110 + 10 * (time.monotonic() - began)
        assert max(map(len, lines)) < 2000
        events = [e for e in job.events() if e["reason"] == "FailedCreatePod"]
        assert 0 < len(events) <= 40 and "quota" in events[0]["message"]
