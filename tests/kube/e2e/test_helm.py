"""The chart, by Helm itself: what it renders is taken by a real apiserver, and what it installs works."""

import os
import subprocess

import pytest
from kube.cluster import ROOT
from kube.e2e.trainings import IMAGE
from kube.test_deploy import check_pod, dry_run, the

CHART = ROOT / "deploy" / "chart"
NAMESPACE = "tenon-by-helm"
# Beside the operator of the other tests: this one looks after a namespace of its own.
VALUES = ["--set", f"image={IMAGE}", "--set", "imagePullPolicy=Never", "--set", "arguments={--namespace,nowhere}"]


def helm_of(cluster):
    """Runs Helm on the cluster; what it prints."""
    tools = subprocess.run([ROOT / "scripts" / "kube-tools", "helm"], check=True, stdout=subprocess.PIPE, text=True)
    home = cluster.folder / "helm"
    home.mkdir()
    env = {**os.environ, "HOME": str(home), "KUBECONFIG": str(cluster.kubeconfig)}
    for name in ("CACHE", "CONFIG", "DATA"):
        env[f"HELM_{name}_HOME"] = str(home / name.lower())

    def run(*words):
        command = [f"{tools.stdout.strip()}/helm", "--namespace", NAMESPACE, *words]
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, f"{done.stdout}{done.stderr}\n{cluster.tell()}"
        return done.stdout

    cluster.client.post("/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
    return run


def what_it_renders_is_taken(cluster, helm):
    assert "0 chart(s) failed" in helm("lint", str(CHART))
    version = ["--kube-version", cluster.client.get("/version")["gitVersion"]]
    manifests = dry_run(cluster, helm("template", "tenon", str(CHART), *version, "--include-crds", *VALUES))
    assert len([m for m in manifests if m["kind"] == "CustomResourceDefinition"]) == 2
    deployment = the(manifests, "Deployment")
    check_pod(deployment)
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == IMAGE and container["command"][-2:] == ["--namespace", "nowhere"]
    assert {m["metadata"].get("namespace", NAMESPACE) for m in manifests} == {NAMESPACE}
    for manifest in manifests:
        for subject in manifest.get("subjects", ()):
            assert subject["namespace"] == NAMESPACE
    without = dry_run(cluster, helm("template", "tenon", str(CHART), *version, "--set", "networkPolicy=false"))
    assert not [m for m in without if m["kind"] == "NetworkPolicy"]


def what_it_installs_works(helm):
    """The operator's pod gets ready with the rights and the security that the chart gives it."""
    told = helm("install", "tenon", str(CHART), "--wait", "--timeout", "300s", *VALUES)
    assert "STATUS: deployed" in told and "tenon submit" in told
    helm("uninstall", "tenon", "--wait", "--timeout", "300s")


def the_chart(cluster):
    helm = helm_of(cluster)
    what_it_renders_is_taken(cluster, helm)
    what_it_installs_works(helm)


@pytest.mark.parametrize("scene", [the_chart])
def test_by_helm(scenes, scene):
    scenes[scene].result()
