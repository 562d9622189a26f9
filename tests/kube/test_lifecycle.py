"""How jobs end, restart, pause and are cleaned up (points 6 to 24 of the acceptance list)."""

import signal
import time
from datetime import UTC, datetime

import pytest
from kube.cluster import ApiError, wait_for
from kube.jobs import exists, tenonjob, tfjob


def _tf(name, policy=None, run=None, success=None, **roles):
    return tfjob(name, policy, run, success, **{"PS" if k == "ps" else k.capitalize(): n for k, n in roles.items()})


MAKERS = pytest.mark.parametrize("make", [pytest.param(_tf, id="TFJob"), pytest.param(tenonjob, id="TenonJob")])


def gone(job, *pods):
    wait_for(lambda: not set(job.pods()) & {f"{job.name}-{p}" for p in pods}, tell=job.tell)


def only_one_end(job):
    ends = [c for c in ("Succeeded", "Failed") if job.is_true(c)]
    assert len(ends) == 1, job.tell()
    assert not job.is_true("Running") and not job.is_true("Restarting"), job.tell()


@MAKERS
def test_the_chief_decides(ns, make):
    job = ns.submit(make("chief", chief=1, worker=2, ps=1))
    job.wait_pods(4)
    job.run()
    job.wait("Running")
    job.finish("chief-0")
    assert "chief-chief-0 succeeded" in job.wait("Succeeded")["message"]
    only_one_end(job)
    gone(job, "worker-0", "worker-1", "ps-0")
    assert list(job.pods()) == ["chief-chief-0"]


@MAKERS
def test_worker_0_decides_without_a_chief(ns, make):
    job = ns.submit(make("lead", worker=3, ps=1))
    job.wait_pods(4)
    job.run()
    job.finish("worker-2")
    job.wait("Running")
    assert not job.is_true("Succeeded")
    job.finish("worker-0")
    job.wait("Succeeded")
    # What has finished stays readable; what still ran is gone, the parameter server too.
    gone(job, "worker-1", "ps-0")
    assert sorted(job.pods()) == ["lead-worker-0", "lead-worker-2"]


@MAKERS
def test_all_workers(ns, make):
    job = ns.submit(make("every", success="AllWorkers", worker=2, ps=1))
    job.wait_pods(3)
    job.run()
    job.finish("worker-0")
    time.sleep(0.5)
    assert not job.is_true("Succeeded")
    job.finish("worker-1")
    job.wait("Succeeded")


@pytest.mark.parametrize("policy, pods, services", [
    ("All", [], 0), ("Running", ["clean-worker-0"], 0), ("None", ["clean-ps-0", "clean-worker-0", "clean-worker-1"], 3),
])  # fmt: skip
def test_clean_up(ns, policy, pods, services):
    job = ns.submit(tfjob("clean", run={"cleanPodPolicy": policy}, Worker=2, PS=1))
    job.wait_pods(3)
    job.run()
    job.finish("worker-0")
    job.wait("Succeeded")
    wait_for(lambda: sorted(job.pods()) == pods and len(job.services()) == services, tell=job.tell)
    time.sleep(0.3)
    assert sorted(job.pods()) == pods


@MAKERS
def test_a_parameter_server_that_fails_starts_again(ns, make):
    job = ns.submit(make("again", policy="OnFailure", worker=2, ps=1))
    job.wait_pods(3)
    job.run()
    job.wait("Running")
    uid = job.uid("ps-0")
    job.finish("ps-0", code=1)
    job.wait("Restarting")
    assert not job.is_true("Running")
    job.wait_new("ps-0", uid)
    job.run("ps-0")
    job.wait("Running")
    assert not job.is_true("Restarting")
    assert job.get()["status"]["restarts"] == 1


def test_never_fails_the_job_and_names_the_replica(ns):
    job = ns.submit(tfjob("never", policy="Never", Worker=2, PS=1))
    job.wait_pods(3)
    job.run()
    job.finish("ps-0", code=3)
    message = job.wait("Failed")["message"]
    assert "never-ps-0 failed with exit code 3" in message
    only_one_end(job)


@MAKERS
def test_a_parameter_server_that_ends_early_is_started_again(ns, make):
    job = ns.submit(make("early", policy="ExitCode", worker=1, ps=1))
    job.wait_pods(2)
    job.run()
    uid = job.uid("ps-0")
    job.finish("ps-0")
    job.wait_new("ps-0", uid)
    assert job.get()["status"]["restarts"] == 1
    job.run("ps-0")
    job.finish("worker-0")
    job.wait("Succeeded")


@pytest.mark.parametrize("code, restarts", [
    (1, False), (2, False), (126, False), (127, False), (128, True), (130, True), (137, True), (138, True), (139, True),
    (143, True),
])  # fmt: skip
def test_exit_codes(ns, code, restarts):
    job = ns.submit(tenonjob("code", worker=2))
    job.wait_pods(2)
    job.run()
    uid = job.uid("worker-1")
    job.finish("worker-1", code=code)
    if restarts:
        job.wait_new("worker-1", uid)
        assert not job.is_true("Failed")
        wait_for(lambda: any(e["reason"] == "ExitedWithCode" for e in job.events()), tell=job.tell)
    else:
        assert f"exit code {code}" in job.wait("Failed")["message"]


@MAKERS
def test_a_deleted_pod_comes_back(ns, make):
    job = ns.submit(make("del", policy="ExitCode", worker=2, ps=1))
    job.wait_pods(3)
    job.run()
    job.wait("Running")
    uid = job.uid("worker-1")
    ns.client.delete(ns.path("pods", "del-worker-1"))
    job.wait_new("worker-1", uid)
    assert not job.is_true("Failed")
    assert job.get()["status"].get("restarts", 0) == 0


def test_evictions_are_no_failures(ns):
    job = ns.submit(tenonjob("evict", run={"backoffLimit": 0}, worker=2, ps=1))
    job.wait_pods(3)
    job.run()
    for pod in ("worker-0", "worker-1", "ps-0"):
        uid = job.uid(pod)
        job.evict(pod)
        job.wait_new(pod, uid)
        job.run(pod)
    status = job.get()["status"]
    assert not job.is_true("Failed") and status["disruptions"] == 3 and status.get("restarts", 0) == 0


def test_the_budget_counts_new_pods(ns):
    job = ns.submit(tenonjob("budget", run={"backoffLimit": 2}, worker=2))
    job.wait_pods(2)
    for _ in range(2):
        uid = job.uid("worker-1")
        job.finish("worker-1", code=137)
        job.wait_new("worker-1", uid)
    job.finish("worker-1", code=137)
    failed = job.wait("Failed")
    assert failed["reason"] == "JobBackoffLimitExceeded" and "3 restarts" in failed["message"]


def test_the_budget_counts_the_kubelets_restarts(ns):
    job = ns.submit(tfjob("kubelet", policy="OnFailure", run={"backoffLimit": 3}, Worker=1, PS=1))
    job.wait_pods(2)
    job.run(restarts=1)
    job.wait("Running")
    job.run(restarts=2)
    assert job.wait("Failed")["reason"] == "TFJobBackoffLimitExceeded"


def test_a_group_restarts_as_one(ns):
    manifest = tenonjob("group", worker=3, ps=1)
    manifest["spec"]["restartScope"] = "Group"
    job = ns.submit(manifest)
    before = {p["metadata"]["uid"] for p in job.wait_pods(4).values()}
    job.run()
    job.wait("Running")
    job.finish("worker-1", code=137)
    after = job.wait_others(4, before)
    generations = {p["metadata"]["labels"]["tenon.dev/restart-generation"] for p in after.values()}
    assert generations == {"1"}
    assert job.get()["status"]["restarts"] == 1, job.tell()
    job.run()
    job.wait("Running")


@MAKERS
def test_the_deadline_needs_no_event(ns, make):
    job = ns.submit(make("late", run={"activeDeadlineSeconds": 2}, worker=1, ps=1))
    job.wait_pods(2)
    job.run()
    assert job.wait("Failed")["reason"].endswith("DeadlineExceeded")
    gone(job, "worker-0", "ps-0")


def test_the_deadline_starts_again_on_resume(ns):
    job = ns.submit(tenonjob("pause", run={"activeDeadlineSeconds": 8}, worker=1))
    job.wait_pods(1)
    job.patch({"spec": {"runPolicy": {"suspend": True}}})
    job.wait_pods(0)
    time.sleep(8.5)
    assert not job.is_true("Failed")
    resumed = datetime.now(UTC).replace(microsecond=0)
    job.patch({"spec": {"runPolicy": {"suspend": False}}})
    failed = datetime.fromisoformat(job.wait("Failed")["lastTransitionTime"])
    assert (failed - resumed).total_seconds() >= 8


@MAKERS
def test_time_to_live(ns, make):
    job = ns.submit(make("ttl", run={"ttlSecondsAfterFinished": 1}, worker=1))
    job.wait_pods(1)
    job.run()
    job.finish("worker-0")
    # Whoever is slow to look sees only that it is gone.
    wait_for(lambda: not exists(job))
    at_once = ns.submit(make("ttl0", run={"ttlSecondsAfterFinished": 0}, worker=1))
    at_once.wait_pods(1)
    at_once.finish("worker-0")
    wait_for(lambda: not exists(at_once))


@MAKERS
def test_suspend_and_resume(ns, make):
    job = ns.submit(make("susp", run={"suspend": True}, worker=2, ps=1))
    job.wait("Suspended")
    time.sleep(0.3)
    assert not job.pods() and not job.services() and "startTime" not in job.get()["status"]
    job.patch({"spec": {"runPolicy": {"suspend": False}}})
    job.wait_pods(3)
    assert not job.is_true("Suspended")
    first = wait_for(lambda: job.get()["status"].get("startTime"))
    job.run()
    job.wait("Running")
    time.sleep(1.1)
    job.patch({"spec": {"runPolicy": {"suspend": True}}})
    job.wait("Suspended")
    job.wait_pods(0)
    assert not job.is_true("Running")
    job.patch({"spec": {"runPolicy": {"suspend": False}}})
    job.wait_pods(3)
    job.run()
    job.wait("Running")
    assert job.get()["status"]["startTime"] > first
    assert job.get()["status"].get("restarts", 0) == 0 and job.get()["status"].get("disruptions", 0) == 0


@MAKERS
def test_jobs_that_others_manage(ns, make):
    job = ns.submit(make("foreign", run={"managedBy": "kueue.x-k8s.io/multikueue"}, worker=1))
    mine = ns.submit(make("mine", worker=1))
    mine.wait_pods(1)
    assert not job.pods() and "status" not in job.get()
    with pytest.raises(ApiError, match="can't be changed"):
        job.patch({"spec": {"runPolicy": {"managedBy": "tenon-operator"}}})


def test_one_end_when_success_and_failure_come_together(empty, operator):
    # Both have happened before an operator looks: success wins, and it is the only end.
    job = empty.submit(tfjob("both", policy="Never", Chief=1, Worker=1))
    job.wait_pods(2)
    operator.process.send_signal(signal.SIGSTOP)
    try:
        job.finish("worker-0", code=1)
        job.finish("chief-0")
    finally:
        operator.process.send_signal(signal.SIGCONT)
    job.wait("Succeeded")
    only_one_end(job)
    time.sleep(0.5)
    only_one_end(job)


@MAKERS
def test_counts_and_generation(ns, make):
    job = ns.submit(make("count", policy="OnFailure", worker=3, ps=1))
    job.wait_pods(4)
    job.run("worker-0", "worker-1", "ps-0")
    job.finish("worker-2")
    key = "Worker" if job.kind == "TFJob" else "worker"
    want = {"active": 2, "succeeded": 1, "failed": 0}
    wait_for(lambda: job.get()["status"]["replicaStatuses"][key] == want, tell=job.tell)
    job.patch({"spec": {"runPolicy": {"backoffLimit": 9}}})
    wait_for(
        lambda: job.get()["status"]["observedGeneration"] == job.get()["metadata"]["generation"] == 2, tell=job.tell
    )


@MAKERS
def test_finished_workers_stay_finished(ns, make):
    job = ns.submit(make("done", policy="OnFailure", worker=3))
    job.wait_pods(3)
    job.run()
    uid = job.uid("worker-1")
    job.finish("worker-1")
    time.sleep(0.5)
    assert job.uid("worker-1") == uid
