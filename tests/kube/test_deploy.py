"""What lies in deploy/: manifests and chart by a dry run of the apiserver, alert rules and dashboard by Prometheus."""

import json
import re
import shutil
import subprocess

import pytest
import yaml
from kube.cluster import ROOT, TENON
from kube.watching import Prometheus, operating, training

DEPLOY = ROOT / "deploy"
PLURALS = {"NetworkPolicy": "networkpolicies"}
CLUSTER = ("Namespace", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition")
# A training whose task has all that the dashboard shows.
EVERYTHING = """
import numpy as np
import tenon as tf
server = tf.train.Server.create_local_server()
x = tf.placeholder(tf.float32, [None])
batch = tf.train.batch([tf.ones([2])], 4, capacity=64)
w = tf.get_variable("w", [])
loss = tf.reduce_mean(tf.square(w - x), name="loss")
step = tf.train.get_or_create_global_step()
train = tf.train.GradientDescentOptimizer(0.01).minimize(loss, global_step=step)
with tf.train.MonitoredTrainingSession(hooks=[tf.train.StopAtStepHook(last_step=10**9)]) as sess:
    while not sess.should_stop():
        sess.run([train, loss, batch], {x: np.ones(8, np.float32)})
"""


def tool(name):
    if not shutil.which(name):
        pytest.skip(f"no {name} here: Debian's package prometheus has it")
    return name


def path_of(manifest):
    kind, version, head = manifest["kind"], manifest["apiVersion"], manifest["metadata"]
    plural = PLURALS.get(kind, kind.lower() + "s")
    place = "" if kind in CLUSTER else f"/namespaces/{head['namespace']}"
    return f"/{'apis' if '/' in version else 'api'}/{version}{place}/{plural}/{head['name']}"


def dry_run(plane, text):
    """Has the apiserver look at each manifest of TEXT, strictly; returns them."""
    manifests = [m for m in yaml.safe_load_all(text) if m]
    for manifest in manifests:
        if manifest["kind"] == "Namespace":
            plane.client.call(
                "PATCH", path_of(manifest) + "?fieldManager=test", manifest, "application/apply-patch+yaml"
            )
    for manifest in manifests:
        path = path_of(manifest) + "?dryRun=All&fieldManager=test&force=true&fieldValidation=Strict"
        plane.client.call("PATCH", path, manifest, "application/apply-patch+yaml")
    return manifests


def check_pod(deployment):
    """The restricted profile, and a root that can't be written to."""
    pod = deployment["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault"
    (container,) = pod["containers"]
    security = container["securityContext"]
    assert security["readOnlyRootFilesystem"] and security["allowPrivilegeEscalation"] is False
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert container["livenessProbe"] and container["readinessProbe"] and container["resources"]["limits"]


def the(manifests, kind):
    (found,) = (m for m in manifests if m["kind"] == kind)
    return found


def test_manifests(plane):
    names = yaml.safe_load((DEPLOY / "manifests" / "kustomization.yaml").read_text())["resources"]
    assert sorted(names) == sorted(f.name for f in (DEPLOY / "manifests").glob("*.yaml") if f.stem != "kustomization")
    manifests = [m for name in names for m in dry_run(plane, (DEPLOY / "manifests" / name).read_text())]
    check_pod(the(manifests, "Deployment"))
    assert the(manifests, "Namespace")["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert the(manifests, "NetworkPolicy")["spec"]["policyTypes"] == ["Ingress", "Egress"]
    printed = subprocess.run([TENON, "install", "--print"], capture_output=True, text=True, check=True).stdout
    assert [m for m in yaml.safe_load_all(printed) if m] == manifests


def test_the_restricted_profile_takes_the_operators_pod(plane):
    """Not its Deployment but the pod itself is what the profile is enforced on."""
    manifests = list(yaml.safe_load_all((DEPLOY / "manifests" / "operator.yaml").read_text()))
    dry_run(plane, yaml.safe_dump(the(manifests, "Namespace")))
    spec = the(manifests, "Deployment")["spec"]["template"]["spec"]
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "try"}, "spec": spec}
    path = "/api/v1/namespaces/tenon-system/pods?dryRun=All"
    plane.client.post(path, pod)
    del spec["containers"][0]["securityContext"]
    with pytest.raises(Exception, match="violates PodSecurity"):
        plane.client.post(path, pod)


def test_alert_rules(tmp_path):
    rules = DEPLOY / "monitoring" / "alerts.yaml"
    done = subprocess.run([tool("promtool"), "check", "rules", rules], capture_output=True, text=True)
    assert done.returncode == 0 and "SUCCESS" in done.stdout, done.stdout + done.stderr
    text = (ROOT / "tests" / "kube" / "alerts_test.yaml").read_text().replace("RULES", str(rules))
    (tmp_path / "alerts.yaml").write_text(text)
    done = subprocess.run(["promtool", "test", "rules", tmp_path / "alerts.yaml"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_scrape_settings(tmp_path):
    """Debian's Prometheus is built without discovery by Kubernetes: all but that is checked."""
    text = (DEPLOY / "monitoring" / "scrape.yaml").read_text()
    assert "kubernetes_sd_configs: [{role: pod}]" in text
    (tmp_path / "p.yml").write_text(text.replace("kubernetes_sd_configs: [{role: pod}]", "static_configs: []"))
    done = subprocess.run([tool("promtool"), "check", "config", tmp_path / "p.yml"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    # What the address becomes, for IPv4 and IPv6.
    (rule,) = (
        r
        for r in yaml.safe_load(text)["scrape_configs"][0]["relabel_configs"]
        if r.get("target_label") == "__address__"
    )
    for address, wanted in (("10.1.2.3:2222", "10.1.2.3:9099"), ("10.1.2.3", "10.1.2.3:9099"),
                            ("[fd00::1]:2222", "[fd00::1]:9099")):  # fmt: skip
        found = re.fullmatch(rule["regex"], f"{address};9099")
        assert rule["replacement"].replace("$1", found[1]).replace("$2", found[2]) == wanted


def expressions():
    """(where, expression) of each panel and each alert."""
    board = json.loads((DEPLOY / "monitoring" / "dashboard.json").read_text())
    for panel in board["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"].replace("$namespace", ".*")
    for group in yaml.safe_load((DEPLOY / "monitoring" / "alerts.yaml").read_text())["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"]


def test_prometheus_scrapes_operator_and_tasks(plane, tmp_path):
    """And finds each metric that dashboard and alerts speak of, as they are told now."""
    tool("prometheus")
    with operating(plane) as operator, training(tmp_path, EVERYTHING) as port:
        prometheus = Prometheus(
            tmp_path, {"operator": operator.port, "task": port}, DEPLOY / "monitoring" / "alerts.yaml"
        )
        try:
            assert prometheus.wait('up{job="operator"}') == 1 and prometheus.wait('up{job="task"}') == 1
            prometheus.wait("tenon_operator_leader")
            prometheus.wait("tenon_task_steps_per_second")
            prometheus.wait("tenon_task_examples_per_second")
            first = prometheus.wait("tenon_task_global_step")
            prometheus.wait(f"tenon_task_global_step > {first}")
            # What happens to jobs has no series before it has happened.
            later = re.compile(r"tenon_operator_(?:jobs_\w+|api_errors)_total")
            for where, expression in expressions():
                assert prometheus.get("query", query=expression) is not None, (where, expression)
                for name in set(re.findall(r"\b(?:tenon|process)_\w+", expression)):
                    if not later.fullmatch(name) and name != "tenon_job":
                        prometheus.wait(f"count({name})")
            groups = prometheus.get("rules")["groups"]
            assert {rule["health"] for group in groups for rule in group["rules"]} == {"ok"}
            text = operator.page("/metrics")[1]
            for name in {n for _, e in expressions() for n in later.findall(e)}:
                assert f"# TYPE {name} counter" in text
        finally:
            prometheus.close()
