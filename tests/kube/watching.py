"""Programs that are watched, and those who watch: a task that tells what a test wants, a training, Prometheus."""

import contextlib
import http.server
import json
import os
import subprocess
import sys
import threading
import urllib.parse
import urllib.request

from kube.cluster import ROOT, Operator, wait_for
from kube.jobs import tenonjob
from ports import free_port

TRAINING = """
import tenon as tf
w = tf.get_variable("w", [])
loss = tf.square(w - 1.0, name="loss")
step = tf.train.get_or_create_global_step()
train = tf.train.GradientDescentOptimizer(0.01).minimize(loss, global_step=step)
with tf.train.MonitoredTrainingSession(hooks=[tf.train.StopAtStepHook(last_step=10**9)]) as sess:
    while not sess.should_stop():
        sess.run([train, loss])
"""


@contextlib.contextmanager
def operating(plane, *options, **more):
    """An operator that asks twice a second."""
    operator = Operator(plane, "--progress", "0.5", *options, **more).wait_ready()
    try:
        yield operator
        assert operator.process.poll() is None, operator.log.read_text()[-3000:]
    finally:
        operator.stop()


class Teller:
    """A task that answers /progress with what TOLD is at the time, and counts how often it was asked."""

    def __init__(self, **told):
        self.told, self.asked, self.headers = told, 0, {}
        teller = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                teller.asked += 1
                teller.headers = dict(self.headers)
                text = teller.told if isinstance(teller.told, bytes) else json.dumps(teller.told).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *words):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@contextlib.contextmanager
def telling(**told):
    teller = Teller(**told)
    try:
        yield teller
    finally:
        teller.close()


@contextlib.contextmanager
def training(folder, program=TRAINING):
    """The port at which a program tells how it is that trains meanwhile."""
    port = free_port()
    (folder / "train.py").write_text(program)
    env = {**os.environ, "PYTHONPATH": str(ROOT / "python"), "TENON_METRICS_PORT": str(port)}
    with open(folder / "train.log", "wb") as log:
        process = subprocess.Popen([sys.executable, folder / "train.py"], env=env, stdout=log, stderr=log)
    try:

        def up():
            assert process.poll() is None, (folder / "train.log").read_text()
            with contextlib.suppress(OSError):
                return urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=10).status == 200

        wait_for(up, 120, lambda: (folder / "train.log").read_text())
        yield port
    finally:
        process.kill()
        process.wait()


class Prometheus:
    """Debian's Prometheus, which scrapes TARGETS (job name to port) every second."""

    def __init__(self, folder, targets, rules):
        self.port, self.log = free_port(), folder / "prometheus.log"
        jobs = [{"job_name": name, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
                for name, port in targets.items()]  # fmt: skip
        settings = {"global": {"scrape_interval": "1s", "evaluation_interval": "1s"}, "rule_files": [str(rules)],
                    "scrape_configs": jobs}  # fmt: skip
        (folder / "prometheus.yml").write_text(json.dumps(settings))
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                ["prometheus", f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}",
                 f"--web.listen-address=127.0.0.1:{self.port}"], stdout=log, stderr=log,
            )  # fmt: skip

    def get(self, path, **words):
        query = urllib.parse.urlencode(words)
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/{path}?{query}", timeout=30) as answer:
                return json.load(answer)["data"]
        except OSError:
            assert self.process.poll() is None, self.log.read_text()
            return None

    def value(self, query):
        """The first value that QUERY gives; None while there is none."""
        data = self.get("query", query=query)
        return float(data["result"][0]["value"][1]) if data and data["result"] else None

    def wait(self, query, seconds=120):
        return wait_for(lambda: self.value(query), seconds, lambda: f"{query}: {self.log.read_text()[-1000:]}")

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def watched_job(name, monitoring=None, **roles):
    job = tenonjob(name, **roles)
    if monitoring is not None:
        job["spec"]["monitoring"] = monitoring
    return job


def run_at(job, pod, address="127.0.0.1"):
    job.status(pod, "Running", {"running": {"startedAt": "2026-01-01T00:00:00Z"}}, podIP=address,
               podIPs=[{"ip": address}])  # fmt: skip


def progress(job):
    return job.get().get("status", {}).get("progress", {})
