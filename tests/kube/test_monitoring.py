"""Jobs that are watched: what pods get, the last words of tasks, TensorBoard."""

import pytest
from kube.cluster import ApiError, wait_for
from kube.jobs import replicas, tenonjob, tfjob
from kube.watching import progress, watched_job


def container(pod):
    return pod["spec"]["containers"][0]


def variables(pod):
    return {v["name"]: v.get("value") for v in container(pod)["env"]}


def probe(pod, kind):
    found = container(pod).get(kind)
    return found and (found["httpGet"]["path"], found["httpGet"]["port"], found["failureThreshold"])


def test_what_pods_get(ns):
    job = ns.submit(watched_job("plain", worker=1, ps=1))
    pods = job.wait_pods(2)
    worker, ps = pods["plain-worker-0"], pods["plain-ps-0"]
    assert variables(worker)["TENON_METRICS_PORT"] == "9099" and variables(worker)["TENON_METRICS_ADDRESS"] == "*"
    assert variables(worker)["TENON_LAST_WORD"] == "/dev/termination-log" and "TENON_LAST_WORD" not in variables(ps)
    assert {"name": "metrics", "containerPort": 9099, "protocol": "TCP"} in container(ps)["ports"]
    notes = worker["metadata"]["annotations"]
    assert notes["prometheus.io/port"] == "9099" and notes["prometheus.io/scrape"] == "true"
    assert not probe(worker, "livenessProbe") and not probe(worker, "readinessProbe")

    job = ns.submit(watched_job("hang", {"port": 9100, "hangSeconds": 300, "totalSteps": 77}, worker=1))
    pod = job.wait_pods(1)["hang-worker-0"]
    assert probe(pod, "livenessProbe") == ("/healthz", 9100, 2) and probe(pod, "readinessProbe") == ("/readyz", 9100, 3)
    assert probe(pod, "startupProbe") == ("/healthz", 9100, 300)
    assert variables(pod)["TENON_HANG_SECONDS"] == "300" and variables(pod)["TENON_TOTAL_STEPS"] == "77"

    job = ns.submit(watched_job("off", {"port": 0}, worker=1))
    pod = job.wait_pods(1)["off-worker-0"]
    assert "env" not in container(pod) and "annotations" not in pod["metadata"]


def test_what_a_template_says_itself_stays(ns):
    job = tenonjob("own", worker=1)
    own = job["spec"]["replicas"]["worker"]["template"]
    own["metadata"] = {"annotations": {"prometheus.io/scrape": "false"}}
    own["spec"]["containers"][0].update(
        {"env": [{"name": "TENON_METRICS_PORT", "value": "7"}], "ports": [{"name": "metrics", "containerPort": 7}],
         "livenessProbe": {"exec": {"command": ["true"]}}, "terminationMessagePath": "/elsewhere"}
    )  # fmt: skip
    job["spec"]["monitoring"] = {"hangSeconds": 20}
    pod = ns.submit(job).wait_pods(1)["own-worker-0"]
    assert variables(pod)["TENON_METRICS_PORT"] == "7" and variables(pod)["TENON_LAST_WORD"] == "/elsewhere"
    assert [p["containerPort"] for p in container(pod)["ports"] if p["name"] == "metrics"] == [7]
    assert "exec" in container(pod)["livenessProbe"]
    assert pod["metadata"]["annotations"]["prometheus.io/scrape"] == "false"


def test_a_tfjob_is_watched_if_its_annotations_say_so(ns):
    job = ns.submit(tfjob("quiet", Worker=1))
    assert "env" not in container(job.wait_pods(1)["quiet-worker-0"])
    loud = tfjob("loud", Worker=1)
    loud["metadata"]["annotations"] = {"tenon.dev/metrics-port": "9099", "tenon.dev/hang-seconds": "60"}
    pod = ns.submit(loud).wait_pods(1)["loud-worker-0"]
    assert variables(pod)["TENON_HANG_SECONDS"] == "60" and probe(pod, "livenessProbe")
    bad = tfjob("bad", Worker=1)
    bad["metadata"]["annotations"] = {"tenon.dev/metrics-port": "many"}
    condition = ns.submit(bad).wait("Failed")
    assert "tenon.dev/metrics-port" in condition["message"] and "many" in condition["message"]


@pytest.mark.parametrize("monitoring", [{"port": 70000}, {"hangSeconds": -1}, {"port": 0, "hangSeconds": 5}])
def test_bad_monitoring_is_refused(ns, monitoring):
    with pytest.raises(ApiError) as error:
        ns.submit(watched_job("refused", monitoring, worker=1))
    assert error.value.status == 422


def test_the_last_word_of_a_task(ns):
    """What the leader wrote as its termination message is the final progress; it is no reason of a failure."""
    word = '{"tenonProgress":{"training":false,"step":2000,"total":2000,"loss":"0.01"}}'
    for name, code in (("done", 0), ("broke", 1)):
        job = ns.submit(watched_job(name, worker=1))
        job.wait_pods(1)
        job.run()
        job.wait("Running")
        ended = {"exitCode": code, "reason": "Error" if code else "Completed", "message": word}
        job.status("worker-0", "Failed" if code else "Succeeded", {"terminated": ended})
        condition = job.wait("Failed" if code else "Succeeded")
        assert "tenonProgress" not in condition["message"]
        assert progress(job)["steps"] == "2000/2000" and progress(job)["percent"] == "100%"
        assert progress(job)["loss"] == "0.01" and "estimatedEnd" not in progress(job)


def board(name, run=None, **more):
    job = tenonjob(name, run=run, worker=1)
    worker = replicas("tenon", 1, volumes=[{"name": "logs", "persistentVolumeClaim": {"claimName": "models"}}])
    worker["template"]["spec"]["containers"][0]["volumeMounts"] = [{"name": "logs", "mountPath": "/models"}]
    job["spec"]["replicas"]["worker"] = worker
    job["spec"]["tensorboard"] = {"logdir": "/models/run", **more}
    return job


def test_tensorboard(ns):
    job = ns.submit(board("board", image="tensorboard:2"))
    pod = job.wait_pods(2)["board-tensorboard"]
    assert container(pod)["image"] == "tensorboard:2" and pod["spec"]["restartPolicy"] == "Always"
    assert container(pod)["command"][:3] == ["tensorboard", "--logdir", "/models/run"]
    assert container(pod)["volumeMounts"][0]["mountPath"] == "/models"
    assert pod["spec"]["volumes"][0]["persistentVolumeClaim"]["claimName"] == "models"
    service = wait_for(lambda: job.services().get("board-tensorboard"), tell=job.tell)
    assert service["spec"]["ports"][0]["port"] == 6006
    labels = pod["metadata"]["labels"]
    assert all(labels[key] == value for key, value in service["spec"]["selector"].items())
    # It is no replica: the job does not wait for it, and it stays when the job has ended.
    job.run("worker-0")
    assert job.wait("Running")
    job.evict("tensorboard")
    job.wait_new("tensorboard", pod["metadata"]["uid"])
    job.finish("worker-0")
    job.wait("Succeeded")
    wait_for(lambda: list(job.services()) == ["board-tensorboard"], tell=job.tell)
    assert sorted(job.pods()) == ["board-tensorboard", "board-worker-0"]
    job.client.delete(job.path)
    wait_for(lambda: not job.pods() and not job.services(), tell=job.tell)


def test_tensorboard_goes_with_its_job(ns):
    job = ns.submit(board("over", run={"cleanPodPolicy": "All"}))
    job.wait_pods(2)
    job.patch({"spec": {"runPolicy": {"suspend": True}}})
    job.wait_pods(0)
    job.patch({"spec": {"runPolicy": {"suspend": False}}})
    job.wait_pods(2)
    job.finish("worker-0")
    job.wait("Succeeded")
    wait_for(lambda: not job.pods() and not job.services(), tell=job.tell)


def test_a_tensorboard_needs_a_folder(ns):
    job = board("nowhere")
    del job["spec"]["tensorboard"]["logdir"]
    with pytest.raises(ApiError) as error:
        ns.submit(job)
    assert "logdir" in str(error.value)
