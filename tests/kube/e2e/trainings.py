"""Jobs that really train: their manifests, volumes, logs and checkpoints."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

from kube.cluster import ROOT, TENON, ApiError, wait_for
from kube.e2e.machine import BOUND
from kube.jobs import Job, Namespace

IMAGE = "tenon.test/python:1"
STEPS = 150
# How far a training goes on by itself beyond the step that a test waits for, so that what happens to it happens while
# it trains; then it waits for the test, however slow that is.
AHEAD = 20


def mnist_folder():
    """Where MNIST is."""
    for base in filter(None, (os.environ.get("TENON_DATA"), ROOT.parent / "shared" / "data")):
        if (Path(base) / "mnist").is_dir():
            return Path(base) / "mnist"
    return None


class Storage:
    """The one volume that all nodes share, with the data set on it; claimed as `models` in namespace default."""

    def __init__(self, cluster):
        self.folder, client = cluster.shared, cluster.client
        self.namespace = Namespace(cluster, "default")
        shutil.copytree(mnist_folder(), self.folder / "mnist")
        shutil.copy(Path(__file__).parent / "programs" / "train.py", self.folder)
        size, modes = {"storage": "1Gi"}, ["ReadWriteMany"]
        volume = {"capacity": size, "accessModes": modes, "storageClassName": "",
                  "hostPath": {"path": str(self.folder)}}  # fmt: skip
        claim = {"accessModes": modes, "storageClassName": "", "volumeName": "models", "resources": {"requests": size}}
        name = {"name": "models"}
        client.post("/api/v1/persistentvolumes", {"metadata": name, "spec": volume})
        client.post("/api/v1/namespaces/default/persistentvolumeclaims", {"metadata": name, "spec": claim})


class Training(Job):
    """A TenonJob of train.py in namespace default, whose folder on the volume has its name."""

    def __init__(self, cluster, name):
        super().__init__(cluster.storage.namespace, "TenonJob", name)
        self.cluster, self.folder = cluster, cluster.shared / name
        self.folder.mkdir()
        self.folder.chmod(0o777)

    def arguments(self, **flags):
        return [f"--{k}={v}" for k, v in {"folder": f"/models/{self.name}", "steps": STEPS, **flags}.items()]

    def manifest(self, workers=2, resources=None, run=None, monitoring=None, apart=False, **flags):
        """With a root that can't be written to, and no rights. APART: not all of them on one node."""
        command = ["python", "-m", "tenon.compat", "/models/train.py", *self.arguments(**flags)]
        container = {"name": "tenon", "image": IMAGE, "command": command, "resources": resources or {},
                     "volumeMounts": [{"name": "models", "mountPath": "/models"}],
                     "securityContext": {"readOnlyRootFilesystem": True, "allowPrivilegeEscalation": False,
                                         "runAsNonRoot": True, "capabilities": {"drop": ["ALL"]}}}  # fmt: skip
        pod = {"containers": [container], "terminationGracePeriodSeconds": 2,
               "volumes": [{"name": "models", "persistentVolumeClaim": {"claimName": "models"}}]}  # fmt: skip
        if apart:
            pod["topologySpreadConstraints"] = [
                {"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "DoNotSchedule",
                 "labelSelector": {"matchLabels": {"tenon.dev/job-name": self.name}}}]  # fmt: skip
        counts = {"ps": 1, "worker": workers}
        spec = {"replicas": {r: {"replicas": n, "template": {"spec": pod}} for r, n in counts.items()}}
        if run is not None:
            spec["runPolicy"] = run
        if monitoring is not None:
            spec["monitoring"] = monitoring
        return {"apiVersion": "tenon.dev/v1", "kind": "TenonJob", "metadata": {"name": self.name}, "spec": spec}

    def submit(self, **options):
        path = self.folder / "job.yaml"
        path.write_text(json.dumps(self.manifest(**options)))
        tenon(self.cluster, "submit", "-f", path)
        return self

    def logs(self, pod):
        """What a pod has printed; empty while it can't be read."""
        try:
            text = self.client.call("GET", self.ns.path("pods", f"{self.name}-{pod}") + "/log")
            return text["message"] if isinstance(text, dict) and "message" in text else str(text)
        except ApiError as error:
            return error.body.get("message", "")

    @contextlib.contextmanager
    def following(self):
        """`tenon logs -f`, and what it has printed."""
        path = self.folder / "followed.log"
        with open(path, "wb") as log:
            command = command_line(self.cluster, "logs", self.name, "-f")
            process = subprocess.Popen([*BOUND, *command], stdout=log, stderr=log)
        try:
            yield lambda: path.read_text(errors="replace")
        finally:
            process.kill()
            process.wait()

    def step(self):
        """Of the newest checkpoint."""
        with contextlib.suppress(OSError):
            found = re.search(r"model\.ckpt-(\d+)", (self.folder / "checkpoint").read_text())
            return int(found[1]) if found else 0
        return 0

    def may_reach(self, step):
        """Lets the training, which takes its time, go on to STEP."""
        new = self.folder / "slow.new"
        new.write_text(str(min(step, STEPS - 1)))
        new.rename(self.folder / "slow")

    def wait_step(self, step, seconds=600):
        wait_for(lambda: self.step() >= step, seconds, self.tell)

    def wait_further(self, steps=10):
        """Until it has trained that many steps more than it has now."""
        step = self.step() + steps
        assert step < STEPS - AHEAD, self.tell()
        self.may_reach(step + AHEAD)
        self.wait_step(step)

    def start_slowly(self, **options):
        """Submits it; it is in the middle of its training then, and takes its time there."""
        self.may_reach(10 + AHEAD)
        self.submit(**options)
        self.wait_step(10)
        return self

    def ends_as(self, found):
        """Lets it go on to its end, which is to be that of the quiet run."""
        (self.folder / "slow").unlink()
        assert self.result() == found
        self.clean()

    def result(self):
        """Of a job that has ended well: accuracy and checksum."""
        wait_for(lambda: self.is_true("Succeeded") or self.is_true("Failed"), 900, self.tell)
        assert self.is_true("Succeeded"), self.tell()
        text = tenon(self.cluster, "logs", self.name)
        found = re.search(r"accuracy ([\d.]+) %, step (\d+), checksum (\w+)", text)
        assert found, text[-3000:]
        return float(found[1]), found[3]

    def tell(self):
        logs = {p: self.logs(p.removeprefix(self.name + "-"))[-1500:] for p in self.pods()}
        return f"{super().tell()}\n{logs}\nstep {self.step()}"

    def processes(self, pod=""):
        """Those of the job's pods, or of one of them, on this machine."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                command, environment = (folder / "cmdline").read_bytes(), (folder / "environ").read_bytes()
                if f"/models/{self.name}".encode() in command and f"HOSTNAME={self.name}-{pod}".encode() in environment:
                    found.append(int(folder.name))
        return found

    def kill(self, pod):
        """The program of a pod, as if the machine ran out of memory."""
        for process in wait_for(lambda: self.processes(pod), 120, self.tell):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def clean(self):
        """Nothing of it runs; asked when it has ended."""
        wait_for(lambda: not self.processes(), 120, self.tell)


def quiet_run(cluster):
    """A job from a manifest to which nothing happens: the job, whose accuracy and checksum are in `found`."""
    job = Training(cluster, "quiet").submit(apart=True)
    job.wait("Running", 300)
    job.nodes = {p["spec"]["nodeName"] for p in job.pods().values()}
    job.found = job.result()
    return job


@contextlib.contextmanager
def training(cluster, name, **options):
    """A job to which something may happen in the middle of its training: it ends as the quiet one did, bit for bit."""
    job = Training(cluster, name).start_slowly(**options)
    yield job
    job.ends_as(cluster.quiet().found)


def command_line(cluster, *words):
    """The command with WORDS, for namespace default of CLUSTER."""
    at = words.index("--") if "--" in words else len(words)
    return [TENON, *words[:at], "--kubeconfig", cluster.kubeconfig, "--namespace", "default", *words[at:]]


def tenon(cluster, *words):
    done = subprocess.run(command_line(cluster, *words), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
