"""A whole Kubernetes on this machine: a control plane, CoreDNS, and nodes with kubelet and containerd.

Everything lies in a network namespace of its own, which this process enters: nothing of it is seen on the machine's
network, and no address or port can clash. A node has namespaces of its own for network, mounts and processes: it ends
as a machine does that loses its power, and takes its containers, mounts and interfaces along. All processes end with
this one, however it ends.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

from kube.cluster import ApiError, ControlPlane, wait_for
from kube.e2e.machine import (
    API_SERVICE,
    BOUND,
    GATEWAY,
    OWN_NAMESPACES,
    containerd_settings,
    ip,
    make_group,
    private_folders,
    remove_group,
)

CONTROLLERS = [
    "garbage-collector-controller", "namespace-controller", "node-lifecycle-controller", "taint-eviction-controller",
    "serviceaccount-controller", "root-ca-certificate-publisher-controller", "endpointslice-controller",
    "endpoints-controller", "persistentvolume-binder-controller", "pod-garbage-collector-controller",
    "deployment-controller", "replicaset-controller",
]  # fmt: skip


class Cluster(ControlPlane):
    """A control plane with a scheduler, CoreDNS and nodes; in own_network()."""

    ADDRESSES = f"IP:127.0.0.1,IP:{GATEWAY},IP:{API_SERVICE},DNS:localhost,DNS:kubernetes.default.svc"
    BOUND = BOUND

    def __init__(self, folder, programs):
        super().__init__(folder, programs)
        self.group = folder.name
        self.nodes, self.operator = {}, None
        self.shared = folder / "shared"
        self.shared.mkdir()
        self.shared.chmod(0o777)
        self.port = self.client.port = 443  # the apiserver answers at the address of its Service
        self.kubeconfig = self.write_kubeconfig("admin")

    def start_apiserver(self):
        c = self.certificates.folder
        self.spawn("apiserver", [
            self.programs / "kube-apiserver", f"--etcd-servers=http://127.0.0.1:{self.etcd_port}",
            "--bind-address=0.0.0.0", f"--secure-port={self.port}", f"--advertise-address={GATEWAY}",
            f"--tls-cert-file={c}/apiserver.crt", f"--tls-private-key-file={c}/apiserver.key",
            f"--client-ca-file={c}/ca.crt", f"--kubelet-client-certificate={c}/admin.crt",
            f"--kubelet-client-key={c}/admin.key", "--kubelet-preferred-address-types=InternalIP",
            "--authorization-mode=Node,RBAC", "--allow-privileged=true", "--service-cluster-ip-range=198.19.0.0/24",
            "--service-account-issuer=https://kubernetes.default.svc", f"--service-account-key-file={c}/sa.key",
            f"--service-account-signing-key-file={c}/sa.key", "--endpoint-reconciler-type=none",
        ])  # fmt: skip
        self.wait_ready()

    def start_controllers(self):
        c = self.certificates.folder
        self.spawn("controllers", [
            self.programs / "kube-controller-manager", f"--kubeconfig={self.kubeconfig}", "--leader-elect=false",
            f"--controllers={','.join(CONTROLLERS)}", "--node-monitor-period=1s", "--node-monitor-grace-period=8s",
            f"--root-ca-file={c}/ca.crt", f"--service-account-private-key-file={c}/sa.key", "--secure-port=0",
        ])  # fmt: skip
        self.spawn("scheduler", [self.programs / "kube-scheduler", f"--kubeconfig={self.kubeconfig}",
                                 "--leader-elect=false", "--secure-port=0"])  # fmt: skip

    def start_dns(self):
        (self.folder / "Corefile").write_text(
            f".:53 {{\n  errors\n  kubernetes cluster.local {{\n"
            f"    kubeconfig {self.kubeconfig} test\n    ttl 1\n  }}\n}}\n"
        )
        self.spawn("dns", [self.programs / "coredns", "-conf", self.folder / "Corefile"])

    def start(self, nodes=3):
        """Without the nodes, which start_nodes starts."""
        self.start_etcd()
        self.start_apiserver()
        self.start_controllers()
        self.start_dns()
        for number in range(1, nodes + 1):
            self.nodes[f"node{number}"] = Node(self, number)

    def start_nodes(self, images):
        """With IMAGES on each of them."""
        for node in self.nodes.values():
            node.write_script(images)
            node.start()
        self.wait_nodes()

    def wait_nodes(self):
        wait_for(lambda: len(self.ready_nodes()) == len(self.nodes), 300, self.tell)

    def ready_nodes(self):
        ready = {"type": "Ready", "status": "True"}
        return [n["metadata"]["name"] for n in self.client.get("/api/v1/nodes")["items"]
                if any(ready.items() <= c.items() for c in n["status"]["conditions"])]  # fmt: skip

    def tell(self):
        """What there is to know when something went wrong: pods, the last events, the ends of the logs."""
        logs = [*self.folder.glob("node*/*.log"), *self.folder.glob("*.log")]
        parts = [f"== {p}\n{p.read_text(errors='replace')[-1500:]}" for p in sorted(logs)]
        return "\n".join([*parts, *self.tell_pods()])

    def tell_pods(self):
        try:
            for pod in self.client.get("/api/v1/pods")["items"]:
                status, node = pod["status"], pod["spec"].get("nodeName")
                states = [c.get("state") for c in status.get("containerStatuses", ())]
                yield f"{pod['metadata']['name']} on {node}: {status.get('phase')} {status.get('reason', '')} {states}"
            events = self.client.get("/api/v1/events")["items"]
            for event in sorted(events, key=lambda e: e["metadata"]["creationTimestamp"])[-40:]:
                about = event["involvedObject"].get("name")
                yield f"{event['metadata']['creationTimestamp']} {about}: {event.get('reason')}: {event.get('message')}"
        except (OSError, ApiError) as error:
            yield f"the apiserver does not tell: {error}"

    def close(self):
        for node in self.nodes.values():
            node.kill()
        for name in list(self.processes):
            self.stop(name, signal.SIGKILL)


class Node:
    """A kubelet and its containerd."""

    def __init__(self, cluster, number):
        self.cluster, self.number, self.name = cluster, number, f"node{number}"
        self.folder = cluster.folder / self.name
        self.address = f"198.18.0.{1 + number}"
        self.process = None
        self.folder.mkdir()
        self.begin = private_folders(self.folder)
        cluster.certificates.sign(self.name, f"/O=system:nodes/CN=system:node:{self.name}")
        config = json.loads(cluster.write_kubeconfig(self.name).read_text())
        config["clusters"][0]["cluster"]["server"] = f"https://{GATEWAY}:{cluster.port}"
        (self.folder / "kubeconfig").write_text(json.dumps(config))
        cluster.certificates.sign(f"{self.name}-serving", f"/CN={self.name}", f"IP:{self.address}")
        self.write_containerd()
        self.write_kubelet()

    def write_containerd(self):
        (self.folder / "containerd.toml").write_text(containerd_settings(self.folder))
        pods = 32 + 64 * (self.number - 1)
        (self.folder / "cni" / "10-tenon.conflist").write_text(json.dumps({
            "cniVersion": "1.0.0", "name": "tenon", "plugins": [{
                "type": "bridge", "bridge": "cni0", "isGateway": False, "ipMasq": False, "hairpinMode": True,
                "ipam": {"type": "host-local", "routes": [{"dst": "0.0.0.0/0"}], "ranges": [[
                    {"subnet": "198.18.0.0/24", "rangeStart": f"198.18.0.{pods}",
                     "rangeEnd": f"198.18.0.{pods + 60}", "gateway": GATEWAY}]]}}]}))  # fmt: skip

    def write_kubelet(self):
        c = self.cluster.certificates.folder
        (self.folder / "resolv.conf").write_text(f"nameserver {GATEWAY}\n")
        (self.folder / "kubelet.json").write_text(json.dumps({
            "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
            "cgroupDriver": "cgroupfs", "cgroupRoot": f"/{self.cluster.group}/{self.name}", "failCgroupV1": False,
            "failSwapOn": False, "enforceNodeAllocatable": [], "clusterDNS": [GATEWAY],
            "clusterDomain": "cluster.local",
            "imageGCHighThresholdPercent": 100, "evictionHard": {"memory.available": "100Mi"},
            "resolvConf": str(self.folder / "resolv.conf"),
            "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
            "authentication": {"x509": {"clientCAFile": f"{c}/ca.crt"}, "webhook": {"enabled": False},
                               "anonymous": {"enabled": False}},
            "authorization": {"mode": "AlwaysAllow"}, "tlsCertFile": f"{c}/{self.name}-serving.crt",
            "tlsPrivateKeyFile": f"{c}/{self.name}-serving.key", "nodeStatusUpdateFrequency": "2s",
            "nodeLeaseDurationSeconds": 8, "syncFrequency": "5s", "volumePluginDir": "/var/lib/volumes",
        }))  # fmt: skip

    def write_script(self, images):
        f, name = self.folder, self.name
        images = "\n".join(f"ctr -n k8s.io images import --digests=false {i} >/dev/null" for i in images)
        (f / "node.sh").write_text(f"""{self.begin}
until ip link show eth0 >/dev/null 2>&1; do sleep 0.05; done
ip link add cni0 address 02:00:00:00:00:{1 + self.number:02x} type bridge
ip link set eth0 master cni0 up
ip addr add {self.address}/24 dev cni0
ip link set cni0 up
ip route add default via {GATEWAY}
containerd --config {f}/containerd.toml >>{f}/containerd.log 2>&1 &
until ctr version >/dev/null 2>&1; do sleep 0.1; done
[ -e {f}/var/images ] || {{ {images}
touch {f}/var/images; }}
{self.cluster.programs}/kubelet --config={f}/kubelet.json --kubeconfig={f}/kubeconfig --hostname-override={name} \\
  --node-ip={self.address} --node-labels=tenon.dev/test-node={name} >>{f}/kubelet.log 2>&1 &
wait
""")

    def start(self):
        # A machine that starts again finds nothing of what ran, but its disk.
        remove_group(f"{self.cluster.group}/{self.name}")
        make_group(f"{self.cluster.group}/{self.name}")
        shutil.rmtree(self.folder / "run")
        (self.folder / "run").mkdir()
        log = open(self.folder / "node.log", "ab")  # noqa: SIM115, the process keeps it
        command = [*BOUND, *OWN_NAMESPACES, "sh", self.folder / "node.sh"]
        self.process = subprocess.Popen(list(map(str, command)), stdout=log, stderr=log)
        log.close()
        init = wait_for(self.find_init, 60)
        ip(f"link add {self.name} type veth peer name eth0 netns {init}")
        ip(f"link set {self.name} master tn0 up")
        return self

    def find_init(self):
        """The node's first process, once it is in namespaces of its own."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        if not children or self.process.poll() is not None:
            return None
        ours, its = (os.readlink(f"/proc/{p}/ns/net") for p in ("self", children[0]))
        return int(children[0]) if ours != its else None

    def kill(self):
        """As if its power went: kubelet, containerd and containers at once."""
        if self.process is None:
            return
        init = None
        with contextlib.suppress(OSError):
            init = self.find_init()
        if init:
            os.kill(init, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(30)
        self.process.kill()
        self.process.wait()
        self.process = None
        # The interface goes with the namespace, but not at once.
        wait_for(lambda: not Path(f"/sys/class/net/{self.name}").exists() or self.drop_link(), 60)

    def drop_link(self):
        return subprocess.run(["ip", "link", "del", self.name], capture_output=True).returncode == 0
