"""Jobs in a namespace, and pods' statuses as a kubelet would write them."""

import time

from kube.cluster import ApiError, wait_for

KINDS = {
    "TenonJob": ("tenon.dev/v1", "tenonjobs", "tenon.dev/", "tenon"),
    "TFJob": ("kubeflow.org/v1", "tfjobs", "training.kubeflow.org/", "tensorflow"),
}


def template(container, **pod):
    return {"spec": {"containers": [{"name": container, "image": "program:1", "command": ["train"]}], **pod}}


def replicas(container, count=1, policy=None, **pod):
    made = {"replicas": count, "template": template(container, **pod)}
    return {**made, "restartPolicy": policy} if policy else made


def tfjob(name, policy=None, run=None, success=None, **roles):
    """A TFJob; ROLES: PS=2, Worker=4."""
    spec = {"tfReplicaSpecs": {role: replicas("tensorflow", n, policy) for role, n in roles.items()}}
    return job("TFJob", name, spec, run, success)


def tenonjob(name, policy=None, run=None, success=None, **roles):
    spec = {"replicas": {role: replicas("tenon", n, policy) for role, n in roles.items()}}
    return job("TenonJob", name, spec, run, success)


def job(kind, name, spec, run=None, success=None):
    if run is not None:
        spec["runPolicy"] = run
    if success is not None:
        spec["successPolicy"] = success
    return {"apiVersion": KINDS[kind][0], "kind": kind, "metadata": {"name": name}, "spec": spec}


class Namespace:
    def __init__(self, plane, name):
        self.plane, self.client, self.name, self.operator = plane, plane.client, name, None

    def create(self):
        self.client.post("/api/v1/namespaces", {"metadata": {"name": self.name}})
        return self

    def path(self, what, name=None):
        kind = next((k for k in KINDS.values() if k[1] == what), None)
        base = f"/apis/{kind[0]}" if kind else "/api/v1"
        return f"{base}/namespaces/{self.name}/{what}" + (f"/{name}" if name else "")

    def submit(self, manifest):
        self.client.post(self.path(KINDS[manifest["kind"]][1]), manifest)
        return Job(self, manifest["kind"], manifest["metadata"]["name"])

    def list(self, what):
        return self.client.get(self.path(what))["items"]


class Job:
    def __init__(self, ns, kind, name):
        self.ns, self.client, self.kind, self.name = ns, ns.client, kind, name
        self.version, self.plural, self.prefix, self.container = KINDS[kind]
        self.path = ns.path(self.plural, name)

    def get(self):
        return self.client.get(self.path)

    def rests(self, seconds):
        """Waits until nothing was written to the job for some seconds; its version."""

        def version_at_rest():
            before = self.get()["metadata"]["resourceVersion"]
            time.sleep(seconds)
            return before if self.get()["metadata"]["resourceVersion"] == before else None

        return wait_for(version_at_rest, tell=self.tell)

    def patch(self, change):
        return self.client.patch(self.path, change)

    def owned(self, what):
        return {o["metadata"]["name"]: o for o in self.ns.list(what)
                if o["metadata"].get("labels", {}).get(f"{self.prefix}job-name") == self.name}  # fmt: skip

    def pods(self):
        return self.owned("pods")

    def services(self):
        return self.owned("services")

    def wait_pods(self, n, seconds=60):
        """The pods, once there are N of them that nobody deletes."""

        def there():
            pods = {k: p for k, p in self.pods().items() if "deletionTimestamp" not in p["metadata"]}
            return pods if len(pods) == n else None

        if n == 0:
            wait_for(lambda: not self.pods(), seconds, self.tell)
            return {}
        return wait_for(there, seconds, self.tell)

    def tell(self):
        try:
            return {"status": self.get().get("status"), "pods": {k: p["status"] for k, p in self.pods().items()}}
        except ApiError as error:
            return str(error)

    def conditions(self):
        return {c["type"]: c for c in self.get().get("status", {}).get("conditions", [])}

    def is_true(self, condition):
        return self.conditions().get(condition, {}).get("status") == "True"

    def wait(self, condition, seconds=60):
        wait_for(lambda: self.is_true(condition), seconds, self.tell)
        return self.conditions()[condition]

    def events(self):
        return [e for e in self.ns.list("events") if e["involvedObject"]["name"] == self.name]

    # --- what a kubelet writes ---

    def status(self, pod, phase, state=None, restarts=0, **more):
        name = f"{self.name}-{pod}"
        container = {"name": self.container, "image": "program:1", "imageID": "", "ready": phase == "Running",
                     "restartCount": restarts, "state": state or {}}  # fmt: skip
        status = {"phase": phase, **more}
        if state is not None:
            status["containerStatuses"] = [container]
        return self.client.patch(self.ns.path("pods", name) + "/status", {"status": status})

    def run(self, *pods, restarts=0):
        for pod in pods or [p.removeprefix(self.name + "-") for p in self.pods()]:
            self.status(pod, "Running", {"running": {"startedAt": "2026-01-01T00:00:00Z"}}, restarts)

    def finish(self, *pods, code=0):
        for pod in pods:
            reason = "Completed" if code == 0 else "Error"
            self.status(
                pod, "Succeeded" if code == 0 else "Failed", {"terminated": {"exitCode": code, "reason": reason}}
            )

    def evict(self, pod):
        self.client.patch(self.ns.path("pods", f"{self.name}-{pod}") + "/status",
                          {"status": {"phase": "Failed", "reason": "Evicted", "message": "low on memory"}})  # fmt: skip

    def uid(self, pod):
        return self.pods()[f"{self.name}-{pod}"]["metadata"]["uid"]

    def wait_new(self, pod, old_uid, seconds=60):
        """The pod that takes the place of the one with OLD_UID."""

        def new():
            found = self.pods().get(f"{self.name}-{pod}")
            return found if found and found["metadata"]["uid"] != old_uid else None

        return wait_for(new, seconds, self.tell)

    def wait_others(self, n, old_uids, seconds=60):
        """The pods, once there are N of them and none of OLD_UIDS."""

        def others():
            pods = self.pods()
            return pods if len(pods) == n and not old_uids & {p["metadata"]["uid"] for p in pods.values()} else None

        return wait_for(others, seconds, self.tell)


def exists(job):
    """Whether the apiserver still has JOB."""
    try:
        return bool(job.get())
    except ApiError as error:
        assert error.status == 404
        return False
