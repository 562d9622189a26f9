"""What the nodes share of this machine, a folder, a network and control groups, and whether it has them to give.

All of it is gone afterwards; what somebody left who was killed is removed at the next start.
"""

import contextlib
import ctypes
import fcntl
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from kube.e2e.images import make_pause

GATEWAY = "198.18.0.1"  # of the bridge that all nodes and pods are on; the control plane and the DNS listen there
API_SERVICE = "198.19.0.1"  # what Kubernetes gives the API's own Service; an address of ours, so nothing has to proxy
CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)
CNI = "/usr/lib/cni"
PREFIX = f"tenon-e2e-{os.getuid()}-"  # of the folders, and of the control groups, which have the folders' names
# Nothing survives the thread that started it, even if its process is killed.
BOUND = ["setpriv", "--pdeathsig", "KILL"]
OWN_NAMESPACES = ["unshare", "--net", "--mount", "--pid", "--uts", "--fork", "--kill-child", "--mount-proc"]
# What a kubelet sets for the whole machine: it gets copies of its own, so that the machine keeps what it has.
SETTINGS = ["vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops",
            "kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes"]  # fmt: skip
TOOLS = ("etcd", "go", "openssl", "containerd", "runc", "ctr", "ip", "unshare", "setpriv", "gcc", "iptables")


def check(result, what):
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), what)


def run(*words, **options):
    """Runs a command that says nothing if all is well; a failure says what it said."""
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, **options)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or [f"exit status {done.returncode}"]
        raise OSError(f"{' '.join(map(str, words[:3]))}: {said[-1]}")
    return done.stdout


def ip(words):
    run("ip", *words.split())


@contextlib.contextmanager
def own_network():
    """This thread, and what it starts, in a network of its own."""
    with open("/proc/self/ns/net") as before:
        check(LIBC.unshare(CLONE_NEWNET), "a network namespace")
        try:
            ip("link set lo up")
            ip(f"addr add {API_SERVICE}/32 dev lo")
            ip("link add tn0 address 02:00:00:00:00:01 type bridge")
            ip(f"addr add {GATEWAY}/24 dev tn0")
            ip("link set tn0 up")
            Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
            yield
        finally:
            check(LIBC.setns(before.fileno(), CLONE_NEWNET), "the network namespace before")


# --- control groups ---


def control_groups():
    """The folders of the hierarchies of control groups; of version 2 there is one."""
    base = Path("/sys/fs/cgroup")
    if (base / "cgroup.controllers").exists():
        return [base]
    return [p for p in base.glob("*/") if (p / "cgroup.procs").exists()]


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
        for _ in range(600):
            for folder in sorted(group.rglob("*"), key=lambda p: -len(p.parts)):
                if folder.is_dir():
                    with contextlib.suppress(OSError):
                        folder.rmdir()
            with contextlib.suppress(OSError):
                group.rmdir()
            if not group.exists():
                break
            time.sleep(0.1)


# --- folders ---


def remove_folder(folder):
    remove_group(folder.name)
    for _ in range(600):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.1)


def locked(folder):
    """A file that says that FOLDER is in use, as long as it is open; None: it is in use already."""
    file = open(folder / "in-use", "w")  # noqa: SIM115, the caller keeps it
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file


@contextlib.contextmanager
def own_folder():
    """A folder, and a name for control groups, that are gone afterwards."""
    base = Path(tempfile.gettempdir())
    with open(base / f"{PREFIX}lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for old in base.glob(PREFIX + "*/"):
            with locked(old) or contextlib.nullcontext() as mine:
                if mine:
                    remove_folder(old)
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        folder.chmod(0o755)
        in_use = locked(folder)
    try:
        yield folder
    finally:
        remove_folder(folder)
        in_use.close()


# --- can it? ---


def private_settings(folder):
    """Lines of a shell script that give what runs in this mount namespace copies of SETTINGS."""
    (folder / "settings").mkdir(exist_ok=True)
    lines = []
    for name in SETTINGS:
        place = Path("/proc/sys", name)
        if place.exists():
            copy = folder / "settings" / name.replace("/", "-")
            copy.write_text(place.read_text())
            lines.append(f"mount --bind {copy} {place}")
    return "\n".join(lines)


def containerd_settings(folder):
    return f"""version = 2
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.devmapper"]
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "tenon.test/pause:1"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{CNI}"
    conf_dir = "{folder}/cni"
"""


def private_folders(folder):
    """Lines of a shell script that give what follows a /var, a /run and settings of its own, in FOLDER."""
    for name in ("var/lib", "var/log", "var/tmp", "run", "cni"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    if not (folder / "var/run").is_symlink():
        (folder / "var/run").symlink_to("/run")
    return f"""set -e
export PATH=$PATH:/usr/sbin:/sbin
mount --bind {folder}/var /var
mount --bind {folder}/run /run
{private_settings(folder)}
ip link set lo up
"""


def try_container(folder):
    """Runs a container as a node does, with nothing of Kubernetes; an OSError says what is missing."""
    group = f"{folder.name}/node"
    make_group(group)
    ip("link add try0 type veth peer name try1")
    ip("link set try0 master tn0")
    (folder / "containerd.toml").write_text(containerd_settings(folder))
    (folder / "try.sh").write_text(f"""{private_folders(folder)}
containerd --config {folder}/containerd.toml >{folder}/containerd.log 2>&1 &
until ctr version >/dev/null 2>&1; do
  kill -0 $! 2>/dev/null || {{ tail -n 1 {folder}/containerd.log >&2; exit 1; }}
  sleep 0.1
done
ctr images import --digests=false {make_pause(folder)} >/dev/null
ctr run --rm --cgroup /{group}/try tenon.test/pause:1 try /program ends
""")
    with open("/dev/kmsg"):  # a kubelet reads there who was killed for memory
        run(*BOUND, *OWN_NAMESPACES, "sh", folder / "try.sh", timeout=300)


def why_not():
    """Why there can be no nodes here, in one line; None if there can."""
    if os.geteuid() != 0:
        return "nodes need root"
    for tool in TOOLS:
        if not shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin:/sbin"):
            return f"no {tool} here"
    for plugin in ("bridge", "host-local", "loopback"):
        if not Path(CNI, plugin).exists():
            return f"no CNI plug-in {plugin} in {CNI}"
    try:
        with own_folder() as folder, own_network():
            try_container(folder)
    except (OSError, subprocess.SubprocessError) as error:
        return f"this machine can't run a container as a node does: {' '.join(str(error).split())}"
    return None
