"""Claims on storage that are made for a job."""

from kube.cluster import wait_for
from kube.jobs import job, template, tenonjob

SPEC = {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Gi"}}}


def claims(ns):
    return {c["metadata"]["name"]: c for c in ns.list("persistentvolumeclaims")}


def test_in_the_short_form(ns):
    """One claim for the whole job, which every replica mounts, TensorBoard too; it stays when the job goes."""
    made = {"metadata": {"name": "models", "labels": {"team": "a"}}, "spec": SPEC}
    spec = {"image": "i", "workers": 2, "ps": 1, "volumes": [{"template": "models", "path": "/models"}],
            "volumeClaimTemplates": [made], "tensorboard": {"logdir": "/models"}}  # fmt: skip
    job_ = ns.submit(job("TenonJob", "short", spec))
    pods = job_.wait_pods(4)
    for pod in pods.values():
        assert {"name": "models", "persistentVolumeClaim": {"claimName": "short-models"}} in pod["spec"]["volumes"]
        (mount,) = (m for m in pod["spec"]["containers"][0]["volumeMounts"] if m["name"] == "models")
        assert mount["mountPath"] == "/models"
    (claim,) = claims(ns).values()
    assert claim["metadata"]["name"] == "short-models" and "ownerReferences" not in claim["metadata"]
    assert claim["metadata"]["labels"]["team"] == "a" and claim["metadata"]["labels"]["tenon.dev/job-name"] == "short"
    assert claim["spec"]["resources"] == SPEC["resources"]
    uid = claim["metadata"]["uid"]
    ns.client.delete(job_.path)
    job_.wait_pods(0, 120)
    # The next job of that name goes on with what it holds.
    job_ = ns.submit(job("TenonJob", "short", spec))
    job_.wait_pods(4)
    assert [c["metadata"]["uid"] for c in claims(ns).values()] == [uid]


def test_in_templates(ns):
    """A volume of a pod's own wins; a claim that goes with its job belongs to it; one that is lost is made anew."""
    manifest = tenonjob("long", worker=1, ps=1)
    own = {"name": "scratch", "emptyDir": {}}
    manifest["spec"]["replicas"]["ps"]["template"] = template("tenon", volumes=[own])
    manifest["spec"].update(volumeClaimTemplates=[{"metadata": {"name": "scratch"}, "spec": SPEC}],
                            volumeClaimRetention="Delete")  # fmt: skip
    job_ = ns.submit(manifest)
    pods = job_.wait_pods(2)
    volumes = {name: [v for v in pod["spec"]["volumes"] if v["name"] == "scratch"] for name, pod in pods.items()}
    assert volumes["long-ps-0"] == [own]
    assert volumes["long-worker-0"] == [{"name": "scratch", "persistentVolumeClaim": {"claimName": "long-scratch"}}]
    claim = claims(ns)["long-scratch"]
    assert claim["metadata"]["ownerReferences"][0]["uid"] == job_.get()["metadata"]["uid"]
    ns.client.patch(ns.path("persistentvolumeclaims", "long-scratch"), {"metadata": {"finalizers": None}})
    ns.client.delete(ns.path("persistentvolumeclaims", "long-scratch"))
    wait_for(lambda: claims(ns).get("long-scratch", claim)["metadata"]["uid"] != claim["metadata"]["uid"])
    ns.client.patch(ns.path("persistentvolumeclaims", "long-scratch"), {"metadata": {"finalizers": None}})
    ns.client.delete(job_.path)
    wait_for(lambda: not claims(ns), 120)


def test_a_suspended_job_has_none(ns):
    manifest = tenonjob("later", worker=1, run={"suspend": True})
    manifest["spec"]["volumeClaimTemplates"] = [{"metadata": {"name": "data"}, "spec": SPEC}]
    job_ = ns.submit(manifest)
    job_.wait("Suspended")
    assert not claims(ns)
    job_.patch({"spec": {"runPolicy": {"suspend": False}}})
    job_.wait_pods(1)
    assert list(claims(ns)) == ["later-data"]
