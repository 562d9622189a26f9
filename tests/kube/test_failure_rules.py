"""Failure rules: by exit code, reason and disruption; the first one that fits decides."""

import pytest
from kube.cluster import ApiError, wait_for
from kube.jobs import tenonjob

OOM = {"exitCode": 137, "reason": "OOMKilled"}


def ruled(name, *rules, run=None, **roles):
    job = tenonjob(name, run=run, **roles)
    job["spec"]["failureRules"] = list(rules)
    return job


def started(ns, job, n):
    job = ns.submit(job)
    job.wait_pods(n)
    job.run()
    job.wait("Running")
    return job


def test_a_program_that_always_fails_starts_again(ns):
    """Exit code 42 is worth another try, 1 is not."""
    job = started(ns, ruled("code", {"action": "Restart", "exitCodes": [42]}, worker=2), 2)
    uid = job.uid("worker-1")
    job.finish("worker-1", code=42)
    job.wait_new("worker-1", uid)
    assert job.get()["status"]["restarts"] == 1
    job.finish("worker-1", code=1)
    assert "exit code 1" in job.wait("Failed")["message"]


def test_what_is_out_of_memory_fails_at_once(ns):
    job = started(ns, ruled("memory", {"action": "FailJob", "reasons": ["OOMKilled"]}, worker=2), 2)
    uid = job.uid("worker-0")
    job.finish("worker-0", code=137)  # killed otherwise: as ever
    job.wait_new("worker-0", uid)
    job.status("worker-1", "Failed", {"terminated": OOM})
    assert "OOMKilled" in job.wait("Failed")["message"]


def test_the_budget_is_left_alone(ns):
    rules = [{"action": "RestartUncounted", "exitCodes": [143], "replicas": ["worker"]},
             {"action": "Restart", "disruption": True}]  # fmt: skip
    job = started(ns, ruled("budget", *rules, run={"backoffLimit": 1}, worker=2), 2)
    for _ in range(3):
        uid = job.uid("worker-1")
        job.finish("worker-1", code=143)
        job.wait_new("worker-1", uid)
        job.run("worker-1")
    assert job.get()["status"].get("restarts", 0) == 0
    for last in (False, True):
        uid = job.uid("worker-0")
        job.evict("worker-0")
        if last:
            assert "backoffLimit" in job.wait("Failed")["message"]
        else:
            job.wait_new("worker-0", uid)
            assert job.get()["status"]["restarts"] == 1


def test_all_start_again_when_the_parameter_server_is_lost(ns):
    rule = {"action": "RestartGroup", "disruption": True, "replicas": ["ps"]}
    job = started(ns, ruled("group", rule, worker=2, ps=1), 3)
    uid, others = job.uid("worker-1"), {job.uid("worker-0"), job.uid("ps-0")}
    job.evict("worker-1")  # alone
    job.wait_new("worker-1", uid)
    assert others == {job.uid("worker-0"), job.uid("ps-0")}
    job.run()
    before = {p["metadata"]["uid"] for p in job.pods().values()}
    job.evict("ps-0")
    job.wait_others(3, before)
    wait_for(lambda: job.get()["status"]["restarts"] == 1, tell=job.tell)
    labels = {p["metadata"]["labels"]["tenon.dev/restart-generation"] for p in job.pods().values()}
    assert labels == {"1"}


@pytest.mark.parametrize("rule", [
    {"action": "Panic", "exitCodes": [1]}, {"action": "Restart"}, {"action": "Restart", "exitCodes": [0]},
    {"action": "Restart", "reasons": []}, {"action": "Restart", "disruption": True, "replicas": ["boss"]},
])  # fmt: skip
def test_bad_rules_are_refused(ns, rule):
    with pytest.raises(ApiError) as error:
        ns.submit(ruled("bad", rule, worker=1))
    assert error.value.status == 422
