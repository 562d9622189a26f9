"""The commands that work on jobs, and what they say when something is wrong."""

import json
import os
import subprocess

import pytest
from kube.cluster import TENON, wait_for
from kube.jobs import Job, exists, tenonjob, tfjob

OURS = "apiVersion: tenon.dev/v1\nkind: TenonJob\n"
KUBEFLOWS = "apiVersion: kubeflow.org/v1\nkind: TFJob\n"


def tenon(ns, *words, code=0, config=None, env=None):
    command = [TENON, *words, "--kubeconfig", config or ns.plane.kubeconfig, "--namespace", ns.name]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env={**os.environ, **(env or {})})
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout if code == 0 else done.stderr


def submit_program(ns, folder, *options):
    program = folder / "train.py"
    program.write_text("import tensorflow as tf\nprint('hello')\n")
    command = [
        TENON,
        "submit",
        "--kubeconfig",
        ns.plane.kubeconfig,
        "--namespace",
        ns.name,
        *options,
        "--",
        program,
        "--steps=10",
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_a_manifest(ns, tmp_path):
    manifest = tmp_path / "job.yaml"
    manifest.write_text(
        "apiVersion: tenon.dev/v1\nkind: TenonJob\nmetadata: {name: mnist}\n"
        "spec:\n  image: program:1\n  workers: 2\n  ps: 1\n"
    )
    assert "TenonJob mnist" in tenon(ns, "submit", "-f", manifest)
    job = Job(ns, "TenonJob", "mnist")
    job.wait_pods(3)
    job.run()
    job.wait("Running")
    table = tenon(ns, "jobs")
    assert "mnist" in table and "Running" in table and "ps 1/1, worker 2/2" in table
    text = tenon(ns, "status", "mnist")
    assert "mnist-worker-1" in text and "JobRunning" in text and "the job is running" in text
    assert json.loads(tenon(ns, "status", "mnist", "--json"))["replicas"] == 2
    tenon(ns, "scale", "mnist", "4")
    job.wait_pods(5)
    tenon(ns, "suspend", "mnist")
    job.wait_pods(0)
    job.wait("Suspended")
    assert "Suspended" in tenon(ns, "jobs")
    tenon(ns, "resume", "mnist")
    job.wait_pods(5)
    tenon(ns, "delete", "mnist")
    wait_for(lambda: not job.pods(), tell=job.tell)
    assert "there is no job 'mnist'" in tenon(ns, "status", "mnist", code=1)


def test_a_program_is_packed_into_its_job(ns, tmp_path):
    done = submit_program(ns, tmp_path, "--name", "packed", "--workers", "2", "--ps", "1", "--storage", "models")
    assert done.returncode == 0, done.stderr
    job = Job(ns, "TenonJob", "packed")
    (container,) = job.wait_pods(3)["packed-worker-1"]["spec"]["containers"]
    assert container["command"] == ["python", "-m", "tenon.compat", "/tenon/program/train.py", "--steps=10"]
    assert {"name": "storage", "mountPath": "/storage"} in container["volumeMounts"]
    program = ns.client.get(ns.path("configmaps", "packed-program"))
    assert "print('hello')" in program["data"]["train.py"]
    assert program["metadata"]["ownerReferences"][0]["uid"] == job.get()["metadata"]["uid"]
    made = submit_program(ns, tmp_path)
    assert made.returncode == 0 and "TenonJob train-" in made.stdout


def test_kubeflows_manifests(ns, tmp_path):
    """In the form of Kubeflow's own examples: simple and distributed, with summaries on a volume, with an evaluator."""
    text = """
apiVersion: kubeflow.org/v1
kind: TFJob
metadata:
  name: {name}
spec:
  tfReplicaSpecs:
    Worker: &task
      replicas: 2
      restartPolicy: OnFailure
      template:
        spec:
          containers:
            - name: tensorflow
              image: program:1
              command: [python, /var/mnist.py, --log_dir=/train/logs]
              volumeMounts: [{{mountPath: /train, name: training}}]
          volumes:
            - name: training
              persistentVolumeClaim: {{claimName: tfevent-volume}}
"""
    forms = {"simple": "", "dist": "    PS: {<<: *task, replicas: 1}\n    Chief: {<<: *task, replicas: 1}\n",
             "eval": "    Evaluator: {<<: *task, replicas: 1}\n"}  # fmt: skip
    for name, more in forms.items():
        (tmp_path / f"{name}.yaml").write_text(text.format(name=name) + more)
        tenon(ns, "submit", "-f", tmp_path / f"{name}.yaml")
        job = Job(ns, "TFJob", name)
        job.wait_pods(2 + more.count("replicas"))
        job.run()
        job.finish("chief-0" if "Chief" in more else "worker-0")
        job.wait("Succeeded")


@pytest.mark.parametrize("text, word", [
    ("kind: TenonJob\n  bad: x: y\n", "line 2"),
    ("", "holds no manifest"),
    ("kind: TenonJob\n", "lacks apiVersion"),
    ("a: &a [*a]\n", "alias"),
    ("a: 1\na: 2\n", "the key was there before"),
    (OURS + "metadata: {name: x}\nspec: {workers: 1}\n", "neither spec.replicas nor spec.image"),
    (KUBEFLOWS + "metadata: {name: x}\nspec: {tfReplicaSpecs: {Boss: {}}}\n", "called 'Boss'"),
    ("apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: x}\n", "kubectl can"),
    (OURS + "metadata: {name: Bad_Name}\nspec: {image: i}\n", "RFC 1123"),
    ("[" * 200, "100 levels"),
])  # fmt: skip
def test_bad_manifests(ns, tmp_path, text, word):
    (tmp_path / "bad.yaml").write_text(text)
    message = tenon(ns, "submit", "-f", tmp_path / "bad.yaml", code=1)
    assert word in message and message.count("\n") == 1, message


def test_bad_configurations(ns, tmp_path):
    absent = tmp_path / "absent"
    assert "absent" in tenon(ns, "jobs", code=1, config=absent)
    done = subprocess.run([TENON, "jobs"], capture_output=True, text=True, env={"HOME": str(tmp_path)})
    assert done.returncode == 1 and "no cluster is configured" in done.stderr
    config = json.loads(ns.plane.kubeconfig.read_text())
    config["users"][0]["user"] = {"exec": {"command": "aws"}}
    (tmp_path / "exec").write_text(json.dumps(config))
    assert "plug-in" in tenon(ns, "jobs", code=1, config=tmp_path / "exec")
    config = json.loads(ns.plane.kubeconfig.read_text())
    config["current-context"] = "other"
    (tmp_path / "other").write_text(json.dumps(config))
    assert "no context called 'other'" in tenon(ns, "jobs", code=1, config=tmp_path / "other")
    config = json.loads(ns.plane.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    (tmp_path / "down").write_text(json.dumps(config))
    assert "127.0.0.1:1" in tenon(ns, "jobs", code=1, config=tmp_path / "down")


def test_a_user_without_rights(ns):
    ns.plane.certificates.sign("nobody", "/O=none/CN=nobody")
    config = ns.plane.write_kubeconfig("nobody")
    message = tenon(ns, "jobs", code=1, config=config)
    assert "forbidden" in message and "nobody" in message


def test_a_certificate_of_another_authority(ns, tmp_path):
    config = json.loads(ns.plane.kubeconfig.read_text())
    (tmp_path / "other").mkdir()
    other = type(ns.plane.certificates)(tmp_path / "other")
    config["clusters"][0]["cluster"]["certificate-authority"] = str(other.folder / "ca.crt")
    (tmp_path / "config").write_text(json.dumps(config))
    assert "certificate" in tenon(ns, "jobs", code=1, config=tmp_path / "config")


def test_certificates_in_the_configuration_itself(ns, tmp_path):
    import base64

    config = json.loads(ns.plane.kubeconfig.read_text())
    for part in (config["clusters"][0]["cluster"], config["users"][0]["user"]):
        for key in [k for k in part if k != "server"]:
            with open(part.pop(key), "rb") as file:
                part[key + "-data"] = base64.b64encode(file.read()).decode()
    (tmp_path / "config").write_text(json.dumps(config))
    ns.submit(tfjob("seen", Worker=1))
    assert "seen" in tenon(ns, "jobs", config=tmp_path / "config")


def test_usage(ns):
    assert "name of a job" in tenon(ns, "status", code=2)
    assert "either a manifest" in tenon(ns, "submit", code=2)
    ns.submit(tenonjob("u", worker=1))
    assert "is no number" in tenon(ns, "scale", "u", "many", code=1)


def test_install_and_the_operators_rights(plane, empty):
    """The operator works with exactly the rights that its manifests give."""
    from kube.cluster import Operator

    done = subprocess.run(
        [TENON, "install", "--kubeconfig", plane.kubeconfig, "--image", "tenon:test"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    deployment = plane.client.get("/apis/apps/v1/namespaces/tenon-system/deployments/tenon-operator")
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == "tenon:test"
    plane.certificates.sign("account", "/CN=system:serviceaccount:tenon-system:tenon-operator")
    config = plane.write_kubeconfig("account")
    env_ns = "tenon-system"
    operator = Operator(plane, "--leader-elect", kubeconfig=config, name="rights", ns=env_ns).wait_ready()
    try:
        job = empty.submit(tfjob("rights", policy="ExitCode", run={"ttlSecondsAfterFinished": 3}, Worker=2, PS=1))
        job.wait_pods(3)
        job.run()
        uid = job.uid("worker-1")
        job.finish("worker-1", code=137)
        job.wait_new("worker-1", uid)
        job.finish("worker-0")
        wait_for(lambda: not exists(job))
        assert "forbidden" not in operator.log.read_text()
    finally:
        operator.stop()
