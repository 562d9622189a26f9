"""Newer types, newer operators, other certificates: jobs go on."""

import contextlib
import os

import yaml
from kube.cluster import ROOT, Operator, wait_for
from kube.jobs import tenonjob
from kube.watching import operating

CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/tenonjobs.tenon.dev"


def test_a_type_with_a_field_more_keeps_old_jobs(plane, empty):
    newer = yaml.safe_load((ROOT / "deploy" / "manifests" / "crd-tenonjob.yaml").read_text())
    fields = newer["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    fields["fromTheFuture"] = {"type": "string", "default": "as before"}
    with operating(plane):
        old = empty.submit(tenonjob("old", run={"backoffLimit": 3}, worker=2))
        before = old.wait_pods(2)
        old.run()
        old.wait("Running")
        spec = old.get()["spec"]
        plane.client.call("PATCH", CRD + "?fieldManager=tenon&force=true", newer, "application/apply-patch+yaml")
        try:
            wait_for(lambda: old.get()["spec"].get("fromTheFuture") == "as before", tell=old.tell)
            assert {k: v for k, v in old.get()["spec"].items() if k != "fromTheFuture"} == spec
            uid = old.uid("worker-1")
            old.finish("worker-1", code=137)
            old.wait_new("worker-1", uid)
            assert old.uid("worker-0") == before["old-worker-0"]["metadata"]["uid"]
            empty.submit(tenonjob("new", worker=1)).wait_pods(1)
        finally:
            plane.install()


def test_an_operator_takes_over_from_another(plane, empty):
    """Nothing happens to a job that runs, and what the other has written into its status stays."""
    with operating(plane, "--leader-elect", "--identity", "old", name="old"):
        job = empty.submit(tenonjob("goes-on", worker=2, ps=1))
        before = job.wait_pods(3)
        job.run()
        job.wait("Running")
        uid = job.uid("worker-1")
        job.finish("worker-1", code=137)
        job.wait_new("worker-1", uid)
    job.client.patch(job.path + "/status", {"status": {"fromTheFuture": {"kept": True}}})
    with operating(plane, "--leader-elect", "--identity", "new", name="new"):
        job.run("worker-1")
        wait_for(lambda: job.is_true("Running"), tell=job.tell)
        status = job.get()["status"]
        assert status["restarts"] == 1 and status["fromTheFuture"] == {"kept": True}
        assert job.uid("worker-0") == before["goes-on-worker-0"]["metadata"]["uid"]
        job.finish("worker-0")
        job.wait("Succeeded")
    assert [e["reason"] for e in job.events()].count("JobCreated") == 1


def bind(plane, user):
    path = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
    plane.client.post(path, {
        "metadata": {"name": user}, "subjects": [{"kind": "User", "name": user}],
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
    })  # fmt: skip
    return f"{path}/{user}"


def test_certificates_are_replaced_without_a_restart(plane, empty):
    """The files get another user's certificate, and the first one loses all rights."""
    folder = plane.certificates.folder
    bindings = {}
    for user in ("before", "after"):
        plane.certificates.sign(user, f"/CN={user}")
        bindings[user] = bind(plane, user)
    for kind in ("crt", "key"):
        (folder / f"used.{kind}").write_bytes((folder / f"before.{kind}").read_bytes())
    operator = Operator(plane, kubeconfig=plane.write_kubeconfig("used"), name="used").wait_ready()
    try:
        empty.submit(tenonjob("first", worker=1)).wait_pods(1)
        for kind in ("key", "crt"):
            (folder / "fresh").write_bytes((folder / f"after.{kind}").read_bytes())
            os.replace(folder / "fresh", folder / f"used.{kind}")
        plane.client.delete(bindings.pop("before"))
        job = empty.submit(tenonjob("second", worker=3))
        job.wait_pods(3)
        job.run()
        job.wait("Running")
        assert operator.process.poll() is None
    finally:
        operator.stop()
        for path in bindings.values():
            with contextlib.suppress(Exception):
                plane.client.delete(path)
