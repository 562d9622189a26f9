#!/usr/bin/env python3
"""How the operator does at scale: a real apiserver, nodes and pods that KWOK simulates.

usage: kube_scale.py [--jobs N] [--replicas N] [--idle SECONDS] [--no-kwok] [--check] [--write]

Prints a line for each of what is promised: the objects of one large job, the passes over many jobs,
rest, memory, start. --check: the exit status is 1 if one of them is not kept; --write: bench/kube_scale.md holds the
table. It takes some minutes and needs etcd, openssl and Go; programs are built into the cache at the first run.
"""

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from kube.cluster import ControlPlane, Operator, missing_tools, wait_for  # noqa: E402
from kube.jobs import Namespace, tenonjob, tfjob  # noqa: E402
from ports import free_port  # noqa: E402
from run import hardware_text  # noqa: E402

NODES = 20
MEMORY_MB, PASS_S, START_MS, IDLE_SHARE, TENON_S, TF_S = 50, 1.0, 200, 1.0, 10, 20


class Table:
    """What was measured, beside what was promised."""

    def __init__(self):
        self.good, self.rows = True, []

    def add(self, what, value, limit, unit):
        kept = value <= limit
        self.good &= kept
        self.rows.append(f"| {what} | {value:.3g} {unit} | {limit:g} {unit} | {'' if kept else 'NOT KEPT '}|\n")
        print(f"{what:<52} {value:>9.3g} {unit:<4} promised: {limit:g} {'' if kept else '  NOT KEPT'}", flush=True)

    def write(self, path):
        path.write_text(
            "# The operator at scale\n\n"
            f"Written by `bench/kube_scale.py --write` on {time.strftime('%Y-%m-%d')}, with etcd, kube-apiserver, "
            f"scheduler and KWOK on the same machine: {hardware_text()}.\n\n"
            "| what | measured | promised, at most | |\n| --- | --- | --- | --- |\n" + "".join(self.rows)
        )


def tools(*names):
    done = subprocess.run([ROOT / "scripts" / "kube-tools", *names], check=True, stdout=subprocess.PIPE, text=True)
    return Path(done.stdout.strip())


def add_nodes(plane):
    room = {"cpu": "10000", "memory": "10000Gi", "pods": "1000"}
    for i in range(NODES):
        plane.client.post("/api/v1/nodes", {
            "metadata": {"name": f"node-{i}", "annotations": {"kwok.x-k8s.io/node": "fake"},
                         "labels": {"kubernetes.io/hostname": f"node-{i}"}},
            "status": {"capacity": room, "allocatable": room},
        })  # fmt: skip


def simulate(plane, programs, kwok):
    """Nodes that KWOK plays, and the scheduler that gives them pods."""
    add_nodes(plane)
    plane.spawn("scheduler", [
        programs / "kube-scheduler", f"--kubeconfig={plane.kubeconfig}", "--leader-elect=false",
        f"--secure-port={free_port()}", "--bind-address=127.0.0.1",
        f"--authentication-kubeconfig={plane.kubeconfig}", f"--authorization-kubeconfig={plane.kubeconfig}",
        "--kube-api-qps=500", "--kube-api-burst=1000",
    ])  # fmt: skip
    plane.spawn("kwok", [kwok, f"--kubeconfig={plane.kubeconfig}", "--manage-all-nodes=true",
                         f"--server-address=127.0.0.1:{free_port()}", "--cidr=127.64.0.0/16"])  # fmt: skip


@contextlib.contextmanager
def cluster(simulated):
    """A control plane; SIMULATED: with nodes on which pods run."""
    programs = tools("kube-apiserver", "kube-controller-manager", "kube-scheduler")
    kwok = tools("kwok") / "kwok" if simulated else None
    with tempfile.TemporaryDirectory() as folder:
        plane = ControlPlane(Path(folder), programs)
        try:
            plane.start()
            plane.install()
            if simulated:
                simulate(plane, programs, kwok)
            yield plane
        finally:
            plane.close()


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_mb(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return 0.0


def start(plane, table):
    """From the start of the process to the end of the first pass over a job."""
    space = Namespace(plane, "start").create()
    space.submit(tenonjob("first", run={"suspend": True}, worker=1))
    began = time.monotonic()
    operator = Operator(plane)

    def passed():
        with contextlib.suppress(OSError):
            return operator.metric("tenon_operator_reconcile_seconds_count") >= 1

    while not passed():
        time.sleep(0.002)
    table.add("start to the end of the first pass", (time.monotonic() - began) * 1000, START_MS, "ms")
    return operator


def large_job(plane, operator, table, job, limit):
    """One job of a thousand replicas: how long until its objects exist; then it is deleted."""
    kind = job["kind"]
    space = Namespace(plane, f"large-{kind.lower()}").create()
    before = operator.metric("tenon_operator_pods_created_total")
    services = operator.metric("tenon_operator_services_created_total")
    wanted = 1 if kind == "TenonJob" else 1000
    began = time.monotonic()
    made = space.submit(job)
    wait_for(lambda: operator.metric("tenon_operator_pods_created_total") - before == 1000
             and operator.metric("tenon_operator_services_created_total") - services == wanted, 300)  # fmt: skip
    table.add(f"1,000 pods of one {kind}", time.monotonic() - began, limit, "s")
    made.client.delete(made.path)
    # Not all of them: listing a thousand again and again would be what the apiserver is busy with.
    wait_for(lambda: not space.client.get(space.path("pods") + "?limit=1")["items"], 600)


def p99(operator, before):
    """The 99th percentile of the passes since BEFORE, as the bound of its bucket."""
    after = buckets(operator)
    counts = {le: n - before[le] for le, n in after.items()}
    total = counts[float("inf")]
    return min(le for le, n in counts.items() if n >= 0.99 * total)


def buckets(operator):
    found = {}
    for line in operator.page("/metrics")[1].splitlines():
        if line.startswith("tenon_operator_reconcile_seconds_bucket"):
            le = line.split('"')[1]
            found[float("inf") if le == "+Inf" else float(le)] = float(line.rsplit(" ", 1)[1])
    return found


def many_jobs(plane, operator, table, options):
    """Many jobs at once, until KWOK runs all their pods."""
    jobs, replicas = options.jobs, options.replicas
    space = Namespace(plane, "many").create()
    before, created = buckets(operator), operator.metric("tenon_operator_pods_created_total")
    began = time.monotonic()
    made = [space.submit(tenonjob(f"j{i}", worker=replicas - 1, ps=1)) for i in range(jobs)]
    submitted = time.monotonic() - began
    wait_for(lambda: operator.metric("tenon_operator_pods_created_total") - created == jobs * replicas, 600)
    table.add(f"p99 of a pass, {jobs} jobs of {replicas} made", p99(operator, before), PASS_S, "s")
    if options.no_kwok:
        return
    wait_for(lambda: all(o["status"].get("replicaStatuses", {}).get("worker", {}).get("active") == replicas - 1
                         for o in space.list("tenonjobs")), 600)  # fmt: skip
    running = (job for job in made if not job.is_true("Running"))
    wait_for(lambda: next(running, None) is None, 600)
    table.add("p99 of a pass, until all of them run", p99(operator, before), PASS_S, "s")
    print(f"  submitted in {submitted:.1f} s, all run after {time.monotonic() - began:.1f} s", flush=True)


def idle(plane, operator, table, seconds):
    from kube.test_operator import writes

    end = time.monotonic() + 300
    while time.monotonic() < end:  # until what is on its way has settled
        before = writes(plane)
        time.sleep(3)
        if writes(plane) == before:
            break
    before, used, began = writes(plane), cpu_seconds(operator.process.pid), time.monotonic()
    time.sleep(seconds)
    share = 100 * (cpu_seconds(operator.process.pid) - used) / (time.monotonic() - began)
    table.add(f"writes in {seconds} s at rest", writes(plane) - before, 0, "")
    table.add("share of a core at rest", share, IDLE_SHARE, "%")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=500, help="jobs at once (500)")
    parser.add_argument("--replicas", type=int, default=4, help="replicas of each (4)")
    parser.add_argument("--idle", type=int, default=20, help="how long rest is watched, in seconds (20)")
    parser.add_argument("--no-kwok", action="store_true", help="leave the pods as they are made: nothing runs them")
    parser.add_argument("--write", action="store_true", help="also write bench/kube_scale.md")
    parser.add_argument("--check", action="store_true", help="fail if a promise is not kept")
    options = parser.parse_args()
    why = missing_tools()
    if why:
        sys.exit(f"bench/kube_scale.py: {why}")
    table = Table()
    with cluster(not options.no_kwok) as plane:
        operator = start(plane, table)
        try:
            large_job(plane, operator, table, tenonjob("large", worker=1000), TENON_S)
            large_job(plane, operator, table, tfjob("large", Worker=1000), TF_S)
            many_jobs(plane, operator, table, options)
            idle(plane, operator, table, options.idle)
            table.add("memory of the operator at its peak", peak_mb(operator.process.pid), MEMORY_MB, "MB")
        finally:
            operator.stop()
    if options.write:
        table.write(ROOT / "bench" / "kube_scale.md")
    return 0 if table.good or not options.check else 1


if __name__ == "__main__":
    sys.exit(main())
