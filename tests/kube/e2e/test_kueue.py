"""Kueue starts jobs beside this operator: it takes their suspension away when the quota has room for all their pods."""

import contextlib
import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from kube.cluster import ROOT, wait_for
from kube.e2e.trainings import IMAGE

API = "/apis/kueue.x-k8s.io/v1beta2"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
SETTINGS = {
    "apiVersion": "config.kueue.x-k8s.io/v1beta2", "kind": "Configuration", "namespace": "kueue-system",
    "health": {"healthProbeBindAddress": ":8081"}, "metrics": {"bindAddress": ":8443"}, "webhook": {"port": 9443},
    "leaderElection": {"leaderElect": False}, "internalCertManagement": {"enable": False},
    "integrations": {"frameworks": ["kubeflow.org/tfjob"]},
}  # fmt: skip


def go_version():
    done = subprocess.run(["go", "env", "GOVERSION"], check=True, capture_output=True, text=True)
    return tuple(map(int, re.findall(r"\d+", done.stdout)[:2]))


def module_folder():
    """Where Go keeps Kueue's sources, among them its types' definitions."""
    tools = ROOT / "tests" / "kube" / "tools" / "kueue"
    command = ["go", "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/kueue"]
    done = subprocess.run(command, cwd=tools, check=True, capture_output=True, text=True)
    return Path(done.stdout.strip())


def install_types(client):
    names = []
    for file in sorted((module_folder() / "config/components/crd/bases").glob("*.yaml")):
        definition = yaml.safe_load(file.read_text())
        # No webhook converts between versions here: only the one that is stored is used.
        definition["spec"]["versions"] = [v for v in definition["spec"]["versions"] if v["storage"]]
        names.append(client.post(DEFINITIONS, definition)["metadata"]["name"])

    def established(name):
        conditions = client.get(f"{DEFINITIONS}/{name}").get("status", {}).get("conditions") or []
        return any(c["type"] == "Established" and c["status"] == "True" for c in conditions)

    wait_for(lambda: all(map(established, names)), 120)


def start(cluster, folder):
    """Kueue as a process, with certificates where it looks for them: in an /etc of its own."""
    tools = subprocess.run([ROOT / "scripts" / "kube-tools", "kueue"], check=True, stdout=subprocess.PIPE, text=True)
    own, certificates = folder / "etc", cluster.certificates.sign("kueue", "/CN=kueue", "IP:127.0.0.1")
    for place in (own / "kueue" / "metrics" / "certs", folder / "webhook"):
        place.mkdir(parents=True)
        for source, name in zip(certificates, ("tls.crt", "tls.key"), strict=True):
            (place / name).write_bytes(source.read_bytes())
    settings = {**SETTINGS, "webhook": {**SETTINGS["webhook"], "certDir": str(folder / "webhook")}}
    (folder / "settings.json").write_text(json.dumps(settings))
    program = f"{tools.stdout.strip()}/kueue"
    command = ["unshare", "--mount", "sh", "-c", f'mount --bind {own} /etc && exec "$@"', "sh",
               program, f"--config={folder}/settings.json", f"--kubeconfig={cluster.kubeconfig}",
               "--feature-gates=VisibilityOnDemand=false"]  # fmt: skip
    cluster.spawn("kueue", command)


@contextlib.contextmanager
def queue_of(cluster):
    """A queue in namespace default with the quota of two processors."""
    if go_version() < (1, 25):
        pytest.skip(f"Kueue needs Go 1.25, and this is {go_version()}")
    client = cluster.client
    client.post("/api/v1/namespaces", {"metadata": {"name": "kueue-system"}})
    install_types(client)
    start(cluster, cluster.folder / "kueue")
    client.post(f"{API}/resourceflavors", {"apiVersion": "kueue.x-k8s.io/v1beta2", "kind": "ResourceFlavor",
                                           "metadata": {"name": "any"}})  # fmt: skip
    quota = {"coveredResources": ["cpu"], "flavors": [{"name": "any", "resources": [
        {"name": "cpu", "nominalQuota": "2"}]}]}  # fmt: skip
    client.post(f"{API}/clusterqueues", {
        "apiVersion": "kueue.x-k8s.io/v1beta2", "kind": "ClusterQueue", "metadata": {"name": "all"},
        "spec": {"namespaceSelector": {}, "resourceGroups": [quota]}})  # fmt: skip
    client.post(f"{API}/namespaces/default/localqueues", {
        "apiVersion": "kueue.x-k8s.io/v1beta2", "kind": "LocalQueue", "metadata": {"name": "jobs"},
        "spec": {"clusterQueue": "all"}})  # fmt: skip
    try:
        yield "jobs"
    finally:
        cluster.stop("kueue")


def submit(cluster, name, queue):
    """A TFJob of two pods with the better half of a processor each, which runs until the file NAME is there."""
    container = {"name": "tensorflow", "image": IMAGE, "imagePullPolicy": "Never",
                 "command": ["python", "-c", "import os, time\nwhile not os.path.exists('/models/end-'"
                             f" + '{name}'): time.sleep(0.1)"], "resources": {"requests": {"cpu": "600m"}},
                 "volumeMounts": [{"name": "models", "mountPath": "/models"}]}  # fmt: skip
    pod = {"containers": [container], "terminationGracePeriodSeconds": 1,
           "volumes": [{"name": "models", "persistentVolumeClaim": {"claimName": "models"}}]}  # fmt: skip
    manifest = {
        "apiVersion": "kubeflow.org/v1", "kind": "TFJob",
        "metadata": {"name": name, "labels": {"kueue.x-k8s.io/queue-name": queue}},
        "spec": {"runPolicy": {"suspend": True}, "successPolicy": "AllWorkers",
                 "tfReplicaSpecs": {"Worker": {"replicas": 2, "template": {"spec": pod}}}}}  # fmt: skip
    return cluster.storage.namespace.submit(manifest)


def wait_for_their_quota(cluster, queue):
    """Of two that do not fit together one runs, whole, while the other one has no pod; then that one does."""
    jobs = [submit(cluster, f"queued-{i}", queue) for i in range(2)]

    def running():
        assert cluster.processes["kueue"].poll() is None, (cluster.folder / "kueue.log").read_text()[-3000:]
        return [job for job in jobs if job.is_true("Running")]

    def tell():
        return f"{[j.tell() for j in jobs]}\n{(cluster.folder / 'kueue.log').read_text()[-3000:]}"

    (first,) = wait_for(running, 300, tell)
    second = next(job for job in jobs if job is not first)
    assert len(first.wait_pods(2, 120)) == 2 and not second.pods() and second.is_true("Suspended")
    (cluster.shared / f"end-{first.name}").touch()
    first.wait("Succeeded", 300)
    wait_for(lambda: second.is_true("Running"), 300, tell)
    (cluster.shared / f"end-{second.name}").touch()
    second.wait("Succeeded", 300)


def jobs_wait_for_their_quota(cluster):
    with queue_of(cluster) as queue:
        wait_for_their_quota(cluster, queue)


@pytest.mark.parametrize("scene", [jobs_wait_for_their_quota])
def test_with_kueue(scenes, scene):
    scenes[scene].result()
