"""What the operator makes of a job (points 1 to 5 and 33 of the acceptance list)."""

import json

import pytest
from kube.cluster import ApiError, wait_for
from kube.jobs import job, replicas, template, tenonjob, tfjob


def config_of(pod, container):
    env = next(c for c in pod["spec"]["containers"] if c["name"] == container).get("env", [])
    return next((json.loads(e["value"]) for e in env if e["name"] == "TF_CONFIG"), None)


def test_four_workers_two_parameter_servers(ns):
    job = ns.submit(tfjob("dist", Worker=4, PS=2))
    pods = job.wait_pods(6)
    assert sorted(pods) == ["dist-ps-0", "dist-ps-1", *(f"dist-worker-{i}" for i in range(4))]
    uid = job.get()["metadata"]["uid"]
    for name, pod in pods.items():
        _, role, index = name.rsplit("-", 2)
        labels, prefix = pod["metadata"]["labels"], "training.kubeflow.org/"
        assert labels[prefix + "operator-name"] == "tfjob-controller"
        assert labels[prefix + "replica-type"] == role and labels[prefix + "replica-index"] == index
        assert (labels.get(prefix + "job-role") == "master") == (name == "dist-worker-0")
        (owner,) = pod["metadata"]["ownerReferences"]
        assert owner["uid"] == uid and owner["controller"] and owner["kind"] == "TFJob"
        assert pod["spec"]["restartPolicy"] == "Never"
        assert {"containerPort": 2222, "name": "tfjob-port", "protocol": "TCP"} in pod["spec"]["containers"][0]["ports"]


def test_services_are_headless_and_publish_the_unready(ns):
    job = ns.submit(tfjob("svc", Worker=2, PS=1))
    services = wait_for(lambda: job.services() if len(job.services()) == 3 else None)
    assert sorted(services) == ["svc-ps-0", "svc-worker-0", "svc-worker-1"]
    spec = services["svc-worker-1"]["spec"]
    assert spec["clusterIP"] == "None" and spec["publishNotReadyAddresses"]
    prefix = "training.kubeflow.org/"
    assert spec["selector"] == {
        prefix + "job-name": "svc",
        prefix + "replica-type": "worker",
        prefix + "replica-index": "1",
    }
    assert [p["port"] for p in spec["ports"]] == [2222]


def test_a_tenonjob_has_one_service(ns):
    job = ns.submit(tenonjob("one", worker=3, ps=1))
    pods = job.wait_pods(4)
    wait_for(lambda: list(job.services()) == ["one"], tell=job.tell)
    assert job.services()["one"]["spec"]["selector"] == {"tenon.dev/job-name": "one"}
    assert pods["one-worker-2"]["spec"]["hostname"] == "one-worker-2"
    assert pods["one-worker-2"]["spec"]["subdomain"] == "one"


def test_the_configuration_lists_hosts_in_order(ns):
    job = ns.submit(tfjob("conf", Worker=3, PS=1, Evaluator=1))
    config = config_of(job.wait_pods(5)["conf-worker-1"], "tensorflow")
    assert config["task"] == {"type": "worker", "index": 1} and config["environment"] == "cloud"
    assert config["cluster"]["worker"] == [f"conf-worker-{i}.{ns.name}.svc:2222" for i in range(3)]
    assert config["cluster"]["ps"] == [f"conf-ps-0.{ns.name}.svc:2222"]
    assert len(config["cluster"]["evaluator"]) == 1
    own = ns.submit(tenonjob("conf2", worker=2))
    config = config_of(own.wait_pods(2)["conf2-worker-0"], "tenon")
    assert config["cluster"]["worker"] == [f"conf2-worker-{i}.conf2.{ns.name}.svc:2222" for i in range(2)]
    alone = ns.submit(tfjob("alone", Worker=1))
    assert config_of(alone.wait_pods(1)["alone-worker-0"], "tensorflow") is None


def test_a_port_of_the_template_is_used(ns):
    manifest = tfjob("port", Worker=2)
    container = manifest["spec"]["tfReplicaSpecs"]["Worker"]["template"]["spec"]["containers"][0]
    container["ports"] = [{"name": "tfjob-port", "containerPort": 3333}, {"name": "debug", "containerPort": 6064}]
    job = ns.submit(manifest)
    config = config_of(job.wait_pods(2)["port-worker-0"], "tensorflow")
    assert config["cluster"]["worker"][1].endswith(":3333")
    service = wait_for(lambda: job.services().get("port-worker-0"), tell=job.tell)
    assert sorted(p["port"] for p in service["spec"]["ports"]) == [3333, 6064]


def test_master_is_a_chief_and_keys_have_any_case(ns):
    job = ns.submit(tfjob("old", MASTER=1, worker=1, Ps=1))
    assert sorted(job.wait_pods(3)) == ["old-chief-0", "old-ps-0", "old-worker-0"]


def test_the_short_form(ns):
    spec = {"image": "program:1", "command": ["python", "train.py"], "workers": 2, "ps": 1,
            "env": [{"name": "SEED", "value": "1"}], "resources": {"limits": {"memory": "1Gi"}},
            "volumes": [{"claim": "data", "path": "/data", "readOnly": True}],
            "envFrom": [{"configMapRef": {"name": "settings"}}],
            "storage": {"checkpoints": "s3://models/mnist", "logs": "hdfs://namenode/logs", "secret": "store"},
            }  # fmt: skip
    job_ = ns.submit(job("TenonJob", "short", spec))
    pod = job_.wait_pods(3)["short-worker-1"]
    (container,) = pod["spec"]["containers"]
    assert container["name"] == "tenon" and container["command"] == ["python", "train.py"]
    assert {"name": "SEED", "value": "1"} in container["env"]
    assert {"name": "TENON_CHECKPOINTS", "value": "s3://models/mnist"} in container["env"]
    assert {"name": "TENON_LOGS", "value": "hdfs://namenode/logs"} in container["env"]
    assert container["envFrom"] == [{"configMapRef": {"name": "settings"}}, {"secretRef": {"name": "store"}}]
    assert container["resources"]["limits"] == {"memory": "1Gi"}
    assert {"mountPath": "/data", "name": "volume-0", "readOnly": True} in container["volumeMounts"]
    assert pod["spec"]["volumes"][0]["persistentVolumeClaim"]["claimName"] == "data"


def test_defaults(ns):
    job_ = ns.submit({"apiVersion": "kubeflow.org/v1", "kind": "TFJob", "metadata": {"name": "plain"},
                      "spec": {"tfReplicaSpecs": {"Worker": {"template": template("tensorflow")}}}})  # fmt: skip
    job_.wait_pods(1)
    assert job_.wait("Created")["reason"] == "TFJobCreated"
    wait_for(lambda: job_.get()["status"].get("observedGeneration") == 1, tell=job_.tell)
    assert job_.get()["status"]["startTime"]


def test_the_apiserver_refuses_what_is_no_job(ns):
    bad = [
        (tenonjob("x", policy="Sometimes", worker=1), "restartPolicy"),
        (tenonjob("x", run={"cleanPodPolicy": "Most"}, worker=1), "cleanPodPolicy"),
        (tenonjob("x", success="Perhaps", worker=1), "successPolicy"),
        (tenonjob("n" * 51, worker=1), "50 characters"),
        (tenonjob("x", chief=2), "one chief"),
        (job("TenonJob", "x", {"replicas": {"worker": replicas("other")}}), "named 'tenon'"),
        (job("TenonJob", "x", {}), "give an image"),
        (job("TenonJob", "x", {"image": "i", "replicas": {"worker": replicas("tenon")}}), "not both"),
        (job("TenonJob", "x", {"image": "i", "workers": -1}), "workers"),
        (job("TenonJob", "x", {"image": "i", "volumes": [{"claim": "c", "path": "data"}]}), "path"),
        (job("TenonJob", "x", {"image": "i", "volumes": [{"path": "/data"}]}), "give a claim, or the template"),
        (
            job("TenonJob", "x", {"image": "i", "volumeClaimTemplates": [{"metadata": {"name": "a_b"}, "spec": {}}]}),
            "volumeClaimTemplates",
        ),
        (job("TenonJob", "x", {"image": "i", "volumeClaimRetention": "Perhaps"}), "volumeClaimRetention"),
        (job("TenonJob", "x", {"image": "i", "storage": {"checkpoints": "ftp://host/models"}}), "storage.checkpoints"),
        (tfjob("x", policy="Sometimes", Worker=1), "restartPolicy"),
    ]
    for manifest, word in bad:
        with pytest.raises(ApiError) as error:
            ns.submit(manifest)
        assert error.value.status == 422 and word in str(error.value), str(error.value)


def test_what_the_apiserver_lets_pass_fails_with_a_sentence(ns):
    bad = [
        (tfjob("n" * 60, Worker=1), "give the job a shorter one"),
        (tfjob("role", Boss=1), "there are no replicas called 'Boss'"),
        (tfjob("chiefs", Chief=2), "more than the 1 that there may be"),
        (tfjob("two", Chief=1, Master=1), "they are one role"),
        (job("TFJob", "cont", {"tfReplicaSpecs": {"Worker": replicas("other")}}), "no container named 'tensorflow'"),
        (tfjob("none", Worker=0), "the job has no replicas"),
        (
            job("TenonJob", "claim", {"image": "i", "volumes": [{"template": "models", "path": "/m"}]}),
            "there is no 'models' among the volumeClaimTemplates",
        ),
    ]
    for manifest, word in bad:
        job_ = ns.submit(manifest)
        failed = job_.wait("Failed")
        assert word in failed["message"] and failed["reason"].removeprefix("TF") == "JobInvalidSpec"
        assert not job_.pods() and not job_.services()


def test_what_a_template_says_is_kept(ns):
    manifest = tfjob("keep", Worker=1, PS=1)
    own = manifest["spec"]["tfReplicaSpecs"]["Worker"]["template"]
    own["metadata"] = {"labels": {"team": "a"}, "annotations": {"note": "b"}}
    own["spec"]["containers"].append({"name": "sidecar", "image": "log:1"})
    own["spec"]["nodeSelector"] = {"disk": "fast"}
    pod = ns.submit(manifest).wait_pods(2)["keep-worker-0"]
    assert pod["metadata"]["labels"]["team"] == "a" and pod["metadata"]["annotations"]["note"] == "b"
    assert [c["name"] for c in pod["spec"]["containers"]] == ["tensorflow", "sidecar"]
    assert pod["spec"]["nodeSelector"] == {"disk": "fast"}
    assert "env" not in pod["spec"]["containers"][1]


def pod_of(name, labels, owners=()):
    metadata = {"name": name, "labels": labels, "ownerReferences": list(owners)}
    spec = {"containers": [{"name": "tensorflow", "image": "i"}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def test_foreign_pods_are_left_alone_and_orphans_adopted(ns):
    labels = {"training.kubeflow.org/job-name": "fam", "training.kubeflow.org/operator-name": "tfjob-controller",
              "training.kubeflow.org/replica-type": "worker"}  # fmt: skip
    other = {"apiVersion": "v1", "kind": "ConfigMap", "name": "o", "controller": True,
             "uid": ns.client.post(ns.path("configmaps"), {"metadata": {"name": "o"}})["metadata"]["uid"]}  # fmt: skip
    ns.client.post(ns.path("pods"), pod_of("stranger", {**labels, "training.kubeflow.org/replica-index": "1"}, [other]))
    ns.client.post(ns.path("pods"), pod_of("fam-worker-0", {**labels, "training.kubeflow.org/replica-index": "0"}))
    job_ = ns.submit(tfjob("fam", Worker=2))
    uid = job_.get()["metadata"]["uid"]
    job_.wait_pods(3)
    wait_for(lambda: job_.pods()["fam-worker-0"]["metadata"].get("ownerReferences"), tell=job_.tell)
    pods = job_.pods()
    assert pods["fam-worker-0"]["metadata"]["ownerReferences"][0]["uid"] == uid
    assert pods["stranger"]["metadata"]["ownerReferences"][0]["uid"] == other["uid"]
    assert "fam-worker-1" in pods
