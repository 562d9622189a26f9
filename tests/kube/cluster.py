"""A real control plane for tests: etcd, kube-apiserver and the garbage collector, and a client for its API."""

import http.client
import json
import os
import shutil
import signal
import ssl
import subprocess
import threading
import time
from pathlib import Path

from ports import free_port

ROOT = Path(__file__).resolve().parents[2]
TENON = ROOT / "build" / "tenon"
NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


class ApiError(Exception):
    def __init__(self, status, body):
        super().__init__(f"{status}: {body.get('message', body)}")
        self.status, self.body = status, body


def missing_tools():
    """Why the control plane can't be started here; None if it can."""
    for tool in ("etcd", "go", "openssl"):
        if not shutil.which(tool):
            return f"no {tool} here"
    return None


class Certificates:
    """A CA and what it signs, made with openssl into FOLDER."""

    def __init__(self, folder):
        self.folder = folder
        self._ssl("req", "-x509", *NEW_KEY, "-days", "2", "-subj",
                  "/CN=test-ca", "-keyout", "ca.key", "-out", "ca.crt")  # fmt: skip
        self._ssl("genrsa", "-out", "sa.key", "2048")

    def _ssl(self, *words):
        subprocess.run(["openssl", *words], cwd=self.folder, check=True, capture_output=True)

    def sign(self, name, subject, names="", days=1):
        """NAME.crt and NAME.key for SUBJECT; NAMES: alternative names."""
        (self.folder / f"{name}.ext").write_text(
            f"subjectAltName={names}\n" if names else "keyUsage=digitalSignature\n"
        )
        self._ssl("req", "-new", *NEW_KEY, "-subj", subject, "-keyout",
                  f"{name}.key", "-out", f"{name}.csr")  # fmt: skip
        self._ssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days",
                  str(days), "-extfile", f"{name}.ext", "-out", f"{name}.crt")  # fmt: skip
        return self.folder / f"{name}.crt", self.folder / f"{name}.key"


class Client:
    """The API as an administrator."""

    def __init__(self, port, certificates):
        self.port = port
        self.context = ssl.create_default_context(cafile=certificates.folder / "ca.crt")
        self.context.load_cert_chain(*certificates.sign("admin", "/O=system:masters/CN=admin"))
        self.own = threading.local()

    @property
    def connection(self):
        """This thread's; None before its first call, and after one that failed."""
        return getattr(self.own, "connection", None)

    def call(self, method, path, body=None, kind="application/json"):
        data = None if body is None else json.dumps(body)
        for attempt in range(2):
            try:
                if self.connection is None:
                    self.own.connection = http.client.HTTPSConnection(
                        "127.0.0.1", self.port, context=self.context, timeout=60
                    )
                self.connection.request(method, path, data, {"Content-Type": kind} if data else {})
                answer = self.connection.getresponse()
                text = answer.read()
                break
            except (OSError, http.client.HTTPException):
                self.own.connection = None
                if attempt:
                    raise
        try:
            value = json.loads(text)
        except ValueError:
            value = {"message": text.decode(errors="replace")}
        if answer.status >= 300:
            raise ApiError(answer.status, value)
        return value

    def get(self, path):
        return self.call("GET", path)

    def post(self, path, body):
        return self.call("POST", path, body)

    def patch(self, path, body):
        return self.call("PATCH", path, body, "application/merge-patch+json")

    def delete(self, path):
        return self.call("DELETE", path)


class ControlPlane:
    """Programs, ports and folders of one control plane."""

    ADDRESSES = "IP:127.0.0.1,IP:198.19.0.1,DNS:localhost"  # of the apiserver
    BOUND = ()  # what stands before each command

    def __init__(self, folder, programs):
        self.folder, self.programs = folder, Path(programs)
        self.processes = {}
        self.certificates = Certificates(folder)
        self.etcd_port, self.peer_port, self.port = free_port(), free_port(), free_port()
        self.certificates.sign("apiserver", "/CN=apiserver", self.ADDRESSES)
        self.client = Client(self.port, self.certificates)
        self.kubeconfig = self.write_kubeconfig("admin")

    def write_kubeconfig(self, user, certificate=None):
        """A kubeconfig for a USER whose certificate was signed."""
        path = self.folder / f"{user}.kubeconfig"
        folder = self.certificates.folder
        path.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{"name": "test", "cluster": {"server": f"https://127.0.0.1:{self.port}",
                                                      "certificate-authority": str(folder / "ca.crt")}}],
            "users": [{"name": user, "user": {"client-certificate": str(folder / f"{certificate or user}.crt"),
                                              "client-key": str(folder / f"{certificate or user}.key")}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": user}}],
        }))  # fmt: skip
        return path

    def spawn(self, name, command):
        log = open(self.folder / f"{name}.log", "ab")  # noqa: SIM115, the process keeps it
        command = list(map(str, [*self.BOUND, *command]))
        self.processes[name] = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder)
        log.close()

    def start_etcd(self):
        url, peer = f"http://127.0.0.1:{self.etcd_port}", f"http://127.0.0.1:{self.peer_port}"
        self.spawn("etcd", [
            "etcd", "--data-dir", self.folder / "etcd", "--unsafe-no-fsync", "--logger", "zap", "--log-level", "error",
            "--listen-client-urls", url, "--advertise-client-urls", url, "--listen-peer-urls", peer,
            "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}",
        ])  # fmt: skip

    def start_apiserver(self):
        c = self.certificates.folder
        self.spawn("apiserver", [
            self.programs / "kube-apiserver", f"--etcd-servers=http://127.0.0.1:{self.etcd_port}",
            "--bind-address=127.0.0.1", f"--secure-port={self.port}", "--advertise-address=127.0.0.1",
            f"--tls-cert-file={c}/apiserver.crt", f"--tls-private-key-file={c}/apiserver.key",
            f"--client-ca-file={c}/ca.crt",
            "--authorization-mode=RBAC", "--service-cluster-ip-range=198.19.0.0/24",
            "--service-account-issuer=https://kubernetes.default.svc", f"--service-account-key-file={c}/sa.key",
            f"--service-account-signing-key-file={c}/sa.key", "--disable-admission-plugins=ServiceAccount",
            "--endpoint-reconciler-type=none",
        ])  # fmt: skip
        self.wait_ready()

    def start_garbage_collector(self):
        self.spawn("controllers", [
            self.programs / "kube-controller-manager", f"--kubeconfig={self.kubeconfig}", "--leader-elect=false",
            "--controllers=garbage-collector-controller,namespace-controller", f"--secure-port={free_port()}",
            "--bind-address=127.0.0.1", f"--authentication-kubeconfig={self.kubeconfig}",
            f"--authorization-kubeconfig={self.kubeconfig}",
        ])  # fmt: skip

    def wait_ready(self):
        end = time.monotonic() + 300
        while True:
            try:
                self.client.get("/readyz")
                return
            except ApiError:
                pass
            except OSError:
                pass
            if self.processes["apiserver"].poll() is not None or time.monotonic() > end:
                raise RuntimeError(
                    "kube-apiserver did not start:\n" + (self.folder / "apiserver.log").read_text()[-3000:]
                )
            time.sleep(0.1)

    def install(self):
        subprocess.run([TENON, "install", "--crds-only", "--kubeconfig", self.kubeconfig], check=True)

    def start(self):
        self.start_etcd()
        self.start_apiserver()
        self.start_garbage_collector()
        return self

    def stop(self, name, how=signal.SIGTERM):
        process = self.processes.pop(name, None)
        if process and process.poll() is None:
            process.send_signal(how)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def close(self):
        for name in list(self.processes)[::-1]:
            self.stop(name, signal.SIGKILL if name in ("etcd", "apiserver", "controllers") else signal.SIGTERM)


class Operator:
    """`tenon operator` as a process."""

    def __init__(self, plane, *options, kubeconfig=None, name="operator", ns="default"):
        self.port = free_port()
        self.log = plane.folder / f"{name}.log"
        config = str(kubeconfig or plane.kubeconfig)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [*plane.BOUND, TENON, "operator", "--kubeconfig", config, "--port", str(self.port), *options],
                stderr=log, env={**os.environ, "POD_NAMESPACE": ns},
            )  # fmt: skip

    def page(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def wait_ready(self):
        def ready():
            try:
                return self.page("/readyz")[0] == 200
            except OSError:
                return False

        try:
            wait_for(ready, 90, lambda: self.log.read_text()[-2000:] or "nothing is in its log")
        except AssertionError:
            self.kill()
            raise
        return self

    def metric(self, name):
        """The sum of all series of a metric."""
        lines = (
            line for line in self.page("/metrics")[1].split("\n") if line.startswith(name) and line[len(name)] in "{ "
        )
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            self.process.wait(120)
        return self.process.returncode


def wait_for(condition, seconds=60, tell=None):
    """The first true value of CONDITION; fails with what TELL says."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"this did not come to be within {seconds} s: {tell() if tell else condition}")
        time.sleep(0.03)
