"""A whole Kubernetes on this machine: a control plane, CoreDNS, and nodes with kubelet and containerd.

Everything lies in a network namespace of its own, which this process enters: nothing of it is seen on the machine's
network, and no address or port can clash. A node has namespaces of its own for network, mounts and processes: it ends
as a machine does that loses its power, and takes its containers, mounts and interfaces along. All processes end with
this one, however it ends.
"""

import contextlib
import ctypes
import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from kube.cluster import TENON, ControlPlane, wait_for

GATEWAY = "198.18.0.1"  # of the bridge that all nodes and pods are on; the control plane and the DNS listen there
API_SERVICE = "198.19.0.1"  # what Kubernetes gives the API's own Service; an address of ours, so nothing has to proxy
CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)
CNI = "/usr/lib/cni"
# Nothing survives the process that started it, even if that is killed.
BOUND = ["setpriv", "--pdeathsig", "KILL"]
CONTROLLERS = [
    "garbage-collector-controller", "namespace-controller", "node-lifecycle-controller", "taint-eviction-controller",
    "serviceaccount-controller", "root-ca-certificate-publisher-controller", "endpointslice-controller",
    "endpoints-controller", "persistentvolume-binder-controller", "pod-garbage-collector-controller",
    "deployment-controller", "replicaset-controller",
]  # fmt: skip


def why_not():
    """Why there can be no such cluster here; None if there can."""
    if os.geteuid() != 0:
        return "nodes need root"
    for tool in ("etcd", "go", "openssl", "containerd", "runc", "ctr", "ip", "unshare", "setpriv", "gcc", "iptables"):
        if not shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin:/sbin"):
            return f"no {tool} here"
    if not Path(CNI, "bridge").exists():
        return f"no CNI plug-ins in {CNI}"
    tried = subprocess.run(["unshare", "--net", "--mount", "--pid", "--fork", "true"], capture_output=True, text=True)
    return tried.stderr.strip() or None if tried.returncode else None


def check(result):
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


@contextlib.contextmanager
def own_network():
    """This thread, and what it starts, in a network of its own."""
    with open("/proc/self/ns/net") as before:
        check(LIBC.unshare(CLONE_NEWNET))
        try:
            ip("link set lo up")
            ip(f"addr add {API_SERVICE}/32 dev lo")
            ip("link add tn0 address 02:00:00:00:00:01 type bridge")
            ip(f"addr add {GATEWAY}/24 dev tn0")
            ip("link set tn0 up")
            Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
            yield
        finally:
            check(LIBC.setns(before.fileno(), CLONE_NEWNET))


def ip(words):
    subprocess.run(["ip", *words.split()], check=True)


def control_groups():
    """The folders of the hierarchies of control groups; of version 2 there is one."""
    base = Path("/sys/fs/cgroup")
    if (base / "cgroup.controllers").exists():
        return [base]
    return [p for p in base.iterdir() if (p / "cgroup.procs").exists()]


def make_group(name):
    for base in control_groups():
        group = base / name
        group.mkdir(parents=True, exist_ok=True)
        for child in (base / name.split("/")[0], group):
            # A cpuset is empty until it is told, and of version 2 every level hands on what it controls.
            for file in ("cpuset.cpus", "cpuset.mems"):
                if (base / "cgroup.controllers").exists() or not (child / file).exists():
                    continue
                (child / file).write_text((child.parent / file).read_text())
            if (base / "cgroup.controllers").exists():
                controllers = (child / "cgroup.controllers").read_text().split()
                (child / "cgroup.subtree_control").write_text(" ".join("+" + c for c in controllers))


def remove_group(name):
    """With all below it; what is in use for a moment still is tried again."""
    for base in control_groups():
        group = base / name
        for _ in range(50):
            for folder in sorted(group.rglob("*"), key=lambda p: -len(p.parts)):
                if folder.is_dir():
                    with contextlib.suppress(OSError):
                        folder.rmdir()
            with contextlib.suppress(OSError):
                group.rmdir()
            if not group.exists():
                break
            time.sleep(0.1)


class Cluster(ControlPlane):
    """A control plane with a scheduler, CoreDNS and nodes; in own_network()."""

    ADDRESSES = f"IP:127.0.0.1,IP:{GATEWAY},IP:{API_SERVICE},DNS:localhost,DNS:kubernetes.default.svc"
    CONTAINER = "tenon"

    def __init__(self, folder, programs, images):
        super().__init__(folder, programs)
        self.images = images
        self.group = f"tenon-{os.getpid()}"
        self.nodes = {}
        self.shared = folder / "shared"
        self.shared.mkdir()
        self.shared.chmod(0o777)
        self.port = self.client.port = 443  # the apiserver answers at the address of its Service
        self.kubeconfig = self.write_kubeconfig("admin")

    def spawn(self, name, command):
        super().spawn(name, [*BOUND, *command])

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
        self.start_etcd()
        self.start_apiserver()
        self.start_controllers()
        self.start_dns()
        for number in range(1, nodes + 1):
            self.nodes[f"node{number}"] = Node(self, number)
        for node in self.nodes.values():
            node.start()
        wait_for(lambda: len(self.ready_nodes()) == nodes, 300, self.tell)
        return self

    def ready_nodes(self):
        ready = {"type": "Ready", "status": "True"}
        return [n["metadata"]["name"] for n in self.client.get("/api/v1/nodes")["items"]
                if any(ready.items() <= c.items() for c in n["status"]["conditions"])]  # fmt: skip

    def tell(self):
        """The ends of the nodes' logs."""
        return "\n".join(
            f"== {p}\n" + p.read_text(errors="replace")[-1500:] for p in sorted(self.folder.glob("node*/*.log"))
        )

    def close(self):
        for node in self.nodes.values():
            node.kill()
        super().close()
        remove_group(self.group)


class Node:
    """A kubelet and its containerd."""

    def __init__(self, cluster, number):
        self.cluster, self.number, self.name = cluster, number, f"node{number}"
        self.folder = cluster.folder / self.name
        self.address = f"198.18.0.{1 + number}"
        self.process = None
        for folder in ("var/lib", "var/log", "var/tmp", "run", "cni"):
            (self.folder / folder).mkdir(parents=True)
        (self.folder / "var/run").symlink_to("/run")
        cluster.certificates.sign(self.name, f"/O=system:nodes/CN=system:node:{self.name}")
        config = json.loads(cluster.write_kubeconfig(self.name).read_text())
        config["clusters"][0]["cluster"]["server"] = f"https://{GATEWAY}:{cluster.port}"
        (self.folder / "kubeconfig").write_text(json.dumps(config))
        cluster.certificates.sign(f"{self.name}-serving", f"/CN={self.name}", f"IP:{self.address}")
        self.write_containerd()
        self.write_kubelet()
        self.write_script()

    def write_containerd(self):
        (self.folder / "containerd.toml").write_text(f"""version = 2
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.devmapper"]
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "tenon.test/pause:1"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{CNI}"
    conf_dir = "{self.folder}/cni"
""")
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

    def write_script(self):
        f, name = self.folder, self.name
        images = "\n".join(f"ctr -n k8s.io images import --digests=false {i} >/dev/null" for i in self.cluster.images)
        (f / "node.sh").write_text(f"""set -e
export PATH=$PATH:/usr/sbin:/sbin
mount --bind {f}/var /var
mount --bind {f}/run /run
ip link set lo up
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
        make_group(f"{self.cluster.group}/{self.name}")
        # A machine that starts again finds nothing of what ran, but its disk.
        shutil.rmtree(self.folder / "run")
        (self.folder / "run").mkdir()
        log = open(self.folder / "node.log", "ab")  # noqa: SIM115, the process keeps it
        command = [*BOUND, "unshare", "--net", "--mount", "--pid", "--uts", "--fork", "--kill-child", "--mount-proc",
                   "sh", self.folder / "node.sh"]  # fmt: skip
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


def make_pause(folder):
    """The image of what keeps a pod's namespaces: a program that waits."""
    from kube.e2e.images import write_image

    source = "#include <unistd.h>\nint main(void) { for (;;) pause(); }\n"
    subprocess.run(
        ["gcc", "-static", "-Os", "-x", "c", "-", "-o", folder / "pause"], input=source, text=True, check=True
    )
    return write_image(folder / "pause.tar", "tenon.test/pause:1", folder / "pause")


def make_image(folder, python):
    """The image of the runtime with Python and NumPy, as `tenon image` makes it; and what that printed."""
    path = folder / "tenon-python.tar"
    done = subprocess.run([TENON, "image", "--with-python", "--python", python, "--output", path, "--name",
                           "tenon.test/python:1"], capture_output=True, text=True, check=True)  # fmt: skip
    return path, done.stdout
