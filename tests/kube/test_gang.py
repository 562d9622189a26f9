"""Jobs that start as one or not at all (point 30 of the acceptance list)."""

import contextlib
import time

import pytest
from kube.cluster import Operator, wait_for
from kube.jobs import tenonjob, tfjob


@pytest.fixture
def node(plane):
    """A node of four processors, ready, as a kubelet would register it."""
    wait_for(lambda: not plane.client.get("/api/v1/pods")["items"])
    made = {"metadata": {"name": "n1", "labels": {"disk": "fast"}}}
    plane.client.post("/api/v1/nodes", made)
    room = {"cpu": "4", "memory": "8Gi", "pods": "10"}
    status = {"allocatable": room, "capacity": room, "conditions": [{"type": "Ready", "status": "True"}]}
    plane.client.patch("/api/v1/nodes/n1/status", {"status": status})
    # The apiserver marks a new node as not ready until a controller that does not run here says otherwise.
    plane.client.patch("/api/v1/nodes/n1", {"spec": {"taints": []}})
    yield "n1"
    plane.client.delete("/api/v1/nodes/n1")


def asking(job, cpu, **policy):
    """The job as a gang whose pods ask for CPU processors each."""
    roles = job["spec"].get("replicas") or job["spec"]["tfReplicaSpecs"]
    for role in roles.values():
        role["template"]["spec"]["containers"][0]["resources"] = {"requests": {"cpu": cpu, "memory": "1Gi"}}
    job["spec"].setdefault("runPolicy", {})["schedulingPolicy"] = policy
    return job


@contextlib.contextmanager
def running(plane, *options):
    operator = Operator(plane, *options).wait_ready()
    try:
        yield operator
    finally:
        operator.stop()


def test_a_job_waits_for_room(plane, empty, node):
    with running(plane):
        first = empty.submit(asking(tenonjob("first", worker=2, ps=1), "1"))
        first.wait_pods(3)
        first.wait("Admitted")
        second = empty.submit(asking(tfjob("second", Worker=2), "1"))
        waiting = wait_for(lambda: second.conditions().get("Admitted"))
        assert waiting["status"] == "False" and "no room" in waiting["message"]
        second.rests(6)  # waiting makes no writes
        assert not second.pods()
        first.run()
        first.finish("worker-0")
        first.wait("Succeeded")
        second.wait_pods(2)
        second.wait("Admitted")


def test_two_jobs_are_never_half_started(plane, empty, node):
    """Each fits alone, both do not: one waits as a whole."""
    with running(plane):
        jobs = [empty.submit(asking(tenonjob(f"half{i}", worker=3), "1")) for i in range(2)]
        wait_for(lambda: sum(len(j.pods()) for j in jobs) == 3)
        time.sleep(1)
        assert sorted(len(j.pods()) for j in jobs) == [0, 3]


def test_where_pods_may_be(plane, empty, node):
    def selecting(name, disk):
        job = asking(tenonjob(name, worker=1), "1")
        job["spec"]["replicas"]["worker"]["template"]["spec"]["nodeSelector"] = {"disk": disk}
        return empty.submit(job)

    with running(plane):
        slow, fast = selecting("slow", "slow"), selecting("fast", "fast")
        fast.wait_pods(1)
        large = empty.submit(asking(tenonjob("large", worker=1), "4500m"))
        part = empty.submit(asking(tenonjob("part", worker=9), "1", minAvailable=2))
        part.wait_pods(9)
        assert not slow.pods() and not large.pods()


def test_a_suspended_gang_gives_its_room_back(plane, empty, node):
    with running(plane):
        first = empty.submit(asking(tenonjob("one", worker=3), "1"))
        first.wait_pods(3)
        second = empty.submit(asking(tenonjob("two", worker=3), "1"))
        first.patch({"spec": {"runPolicy": {"suspend": True}}})
        first.wait_pods(0)
        second.wait_pods(3)
        first.patch({"spec": {"runPolicy": {"suspend": False}}})
        wait_for(lambda: first.conditions()["Admitted"]["status"] == "False", tell=first.tell)
        time.sleep(1)
        assert not first.pods()


def established(crd):
    conditions = crd.get("status", {}).get("conditions") or []
    return any(c["type"] == "Established" and c["status"] == "True" for c in conditions)


@pytest.fixture(scope="module")
def groups(plane):
    """The types of both schedulers that know of gangs, as far as the operator looks at them."""
    for group, version in (("scheduling.x-k8s.io", "v1alpha1"), ("scheduling.volcano.sh", "v1beta1")):
        schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        served = {"name": version, "served": True, "storage": True, "subresources": {"status": {}},
                  "schema": {"openAPIV3Schema": schema}}  # fmt: skip
        names = {"kind": "PodGroup", "plural": "podgroups", "singular": "podgroup", "listKind": "PodGroupList"}
        spec = {"group": group, "scope": "Namespaced", "names": names, "versions": [served]}
        note = {"api-approved.kubernetes.io": "unapproved, test-only"}
        crd = {"metadata": {"name": f"podgroups.{group}", "annotations": note}, "spec": spec}
        base = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
        plane.client.post(base, {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", **crd})
        path = f"{base}/{crd['metadata']['name']}"
        wait_for(lambda path=path: established(plane.client.get(path)))


def test_the_scheduler_plugins(plane, empty, groups):
    with running(plane, "--gang", "scheduler-plugins"):
        job = empty.submit(asking(tfjob("gang", Worker=4, PS=2), "1", scheduleTimeoutSeconds=60))
        pods = job.wait_pods(6)
        path = f"/apis/scheduling.x-k8s.io/v1alpha1/namespaces/{empty.name}/podgroups"
        group = wait_for(lambda: plane.client.get(path + "/gang") if plane.client.get(path)["items"] else None)
        assert group["metadata"]["name"] == "gang" and group["spec"] == {"minMember": 6, "scheduleTimeoutSeconds": 60}
        assert group["metadata"]["ownerReferences"][0]["uid"] == job.get()["metadata"]["uid"]
        for pod in pods.values():
            assert pod["metadata"]["labels"]["scheduling.x-k8s.io/pod-group"] == "gang"
            assert pod["spec"]["schedulerName"] == "scheduler-plugins-scheduler"


def test_volcano(plane, empty, groups):
    with running(plane, "--gang", "volcano"):
        job = empty.submit(asking(tenonjob("gang", worker=3), "1", minAvailable=2, queue="q", priorityClass="high"))
        path = f"/apis/scheduling.volcano.sh/v1beta1/namespaces/{empty.name}/podgroups"
        wait_for(lambda: plane.client.get(path)["items"], tell=job.tell)
        path += "/gang"
        group = plane.client.get(path)
        assert group["spec"] == {"minMember": 2, "queue": "q", "priorityClassName": "high"}
        time.sleep(0.5)
        assert not job.pods()
        plane.client.patch(path + "/status", {"status": {"phase": "Inqueue"}})
        pod = job.wait_pods(3)["gang-worker-0"]
        assert pod["metadata"]["annotations"]["scheduling.k8s.io/group-name"] == "gang"
        assert pod["spec"]["schedulerName"] == "volcano"
