"""A small HDFS for the tests, written from WebHDFS's documentation: a name node and two data nodes in one process.

usage: hdfs_server.py NAME_PORT DATA_PORT DATA_PORT

Files belong to who asks; /private is somebody else's. "secret-token" is the only delegation token. POST /_lease to the
name node with {"path": ..., "refusals": n} makes the next n writers of a file be told that another one has it.
"""

import hashlib
import json
import struct
import sys
import threading
import time
import urllib.parse
import zlib

import faulty

TOKEN = "secret-token"
PREFIX = "/webhdfs/v1"


class Refusal(Exception):
    """A RemoteException."""

    def __init__(self, status, name, message):
        super().__init__(message)
        package = "java.io" if name in ("IOException", "FileNotFoundException") else "org.apache.hadoop"
        self.status = status
        self.body = {"RemoteException": {"exception": name, "javaClassName": f"{package}.{name}", "message": message}}


class State(faulty.State):
    """The tree: paths to bytes, or to None for folders."""

    def __init__(self, data_ports):
        super().__init__()
        self.data_ports = data_ports
        self.tree = {"/": None, "/private": None}
        self.times = {}
        self.turn = 0
        self.leases = {}

    def find(self, path):
        if path not in self.tree:
            raise Refusal(404, "FileNotFoundException", f"File does not exist: {path}")
        return self.tree[path]

    def below(self, path):
        return [other for other in self.tree if other.startswith(path.rstrip("/") + "/") and other != path]

    def make_folders(self, path):
        while path not in self.tree:
            self.tree[path] = None
            path = path.rpartition("/")[0] or "/"
        if self.tree[path] is not None:
            raise Refusal(403, "ParentNotDirectoryException", f"{path} (is not a directory)")

    def lease(self, path):
        """Refusal as long as another writer has the file."""
        if self.leases.get(path, 0) > 0:
            self.leases[path] -= 1
            raise Refusal(403, "AlreadyBeingCreatedException", f"{path} is being written by another client")

    def write(self, path, data):
        self.make_folders(path.rpartition("/")[0] or "/")
        self.tree[path] = data
        self.times[path] = int(time.time() * 1000)


def checksum(data):
    """HDFS's, with CRC32 for each 512 bytes and one block; its buffer of 32 bytes is half zeros."""
    sums = b"".join(struct.pack(">I", zlib.crc32(data[i : i + 512])) for i in range(0, len(data), 512))
    whole = hashlib.md5(hashlib.md5(sums).digest() + bytes(16)).digest()
    text = (struct.pack(">IQ", 512, 0) + whole).hex() + "00000000"
    return {"FileChecksum": {"algorithm": "MD5-of-0MD5-of-512CRC32", "bytes": text, "length": 28}}


class Node(faulty.Handler):
    """What name nodes and data nodes have in common."""

    def serve(self):
        path, _, query = self.path.partition("?")
        self.query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        self.where = urllib.parse.unquote(path)[len(PREFIX) :] or "/"
        headers = {"Content-Type": "application/json"}
        try:
            if not path.startswith(PREFIX):
                raise Refusal(404, "FileNotFoundException", "no such page")
            self.check_user()
            with self.state.lock:
                status, body, more = getattr(self, f"{self.command.lower()}_{self.query['op'].lower()}")()
            headers.update(more)
        except Refusal as no:
            status, body = no.status, no.body
        self.answer(status, body if isinstance(body, bytes) else json.dumps(body).encode(), headers)

    def check_user(self):
        if "delegation" in self.query:
            if self.query["delegation"] != TOKEN:
                raise Refusal(403, "InvalidToken", "token is expired")
        elif not self.query.get("user.name"):
            raise Refusal(401, "SecurityException", "Failed to obtain user group information")
        if self.where.startswith("/private/"):
            raise Refusal(403, "AccessControlException", f"Permission denied: user={self.query.get('user.name')}")


class NameNode(Node):
    """Answers on paths; sends to data nodes for what is in files."""

    def _handle(self):
        if self.path == "/_lease":
            wanted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.fault = {}
            self.state.leases[wanted["path"]] = wanted["refusals"]
            self.answer(200)
            return
        super()._handle()

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _handle

    def _redirect(self):
        if self.body:
            raise Refusal(400, "IllegalArgumentException", "the name node takes no data")
        self.state.turn += 1
        port = self.state.data_ports[self.state.turn % len(self.state.data_ports)]
        query = self.path.partition("?")[2]
        to = (
            f"http://127.0.0.1:{port}{PREFIX}{urllib.parse.quote(self.where)}?{query}&namenoderpcaddress=localhost:8020"
        )
        return 307, b"", {"Location": to}

    def _status(self, path, suffix=""):
        data = self.state.find(path)
        kind = "DIRECTORY" if data is None else "FILE"
        return {"pathSuffix": suffix, "type": kind, "length": len(data or b""), "owner": "x", "permission": "755",
                "modificationTime": self.state.times.get(path, 0), "blockSize": 1 << 27, "replication": 1}  # fmt: skip

    def get_getfilestatus(self):
        return 200, {"FileStatus": self._status(self.where)}, {}

    def get_liststatus(self):
        names = [path for path in self.state.below(self.where) if "/" not in path[len(self.where.rstrip("/")) + 1 :]]
        found = [self._status(path, path.rpartition("/")[2]) for path in sorted(names)]
        return 200, {"FileStatuses": {"FileStatus": found}}, {}

    def get_open(self):
        self.state.find(self.where)
        return self._redirect()

    get_getfilechecksum = get_open

    def put_create(self):
        if self.query.get("overwrite") != "true" and self.where in self.state.tree:
            raise Refusal(403, "FileAlreadyExistsException", f"{self.where} already exists")
        return self._redirect()

    def post_append(self):
        self.state.find(self.where)
        return self._redirect()

    def post_concat(self):
        if self.where in (sources := self.query["sources"].split(",")):
            raise Refusal(400, "HadoopIllegalArgumentException", "target is a source")
        whole = self.state.find(self.where) + b"".join(self.state.find(path) for path in sources)
        for path in sources:
            del self.state.tree[path]
        self.state.tree[self.where] = whole
        return 200, b"", {}

    def put_mkdirs(self):
        self.state.make_folders(self.where)
        return 200, {"boolean": True}, {}

    def put_rename(self):
        to, tree = self.query["destination"], self.state.tree
        self.state.find(self.where)
        if to in tree and self.query.get("renameoptions") != "OVERWRITE":
            return 200, {"boolean": False}, {}
        if to in tree and tree[to] is None and self.state.below(to):
            raise Refusal(403, "IOException", f"rename destination directory is not empty: {to}")
        if (to.rpartition("/")[0] or "/") not in tree:
            raise Refusal(404, "FileNotFoundException", f"rename destination parent {to} not found")
        for path in [self.where, *self.state.below(self.where)]:
            tree[to + path[len(self.where) :]] = tree.pop(path)
            self.state.times[to + path[len(self.where) :]] = self.state.times.pop(path, 0)
        return 200, b"", {}

    def delete_delete(self):
        if self.where not in self.state.tree:
            return 200, {"boolean": False}, {}
        below = self.state.below(self.where)
        if below and self.query.get("recursive") != "true":
            raise Refusal(403, "PathIsNotEmptyDirectoryException", f"{self.where} is non empty")
        for path in [self.where, *below]:
            del self.state.tree[path]
        return 200, {"boolean": True}, {}


class DataNode(Node):
    """Holds what is in files."""

    def put_create(self):
        if self.query.get("overwrite") != "true" and self.where in self.state.tree:
            raise Refusal(403, "FileAlreadyExistsException", f"{self.where} already exists")
        kept = self.body[: self.fault["bytes"]] if self.fault.get("do") == "part" else self.body
        self.state.write(self.where, bytes([kept[0] ^ 1]) + kept[1:] if self.fault.get("do") == "spoil" else kept)
        return 201, b"", {}

    def post_append(self):
        self.state.lease(self.where)
        there = self.state.find(self.where)
        if self.fault.get("do") == "part":  # some of it arrives before the node dies
            self.state.write(self.where, there + self.body[: self.fault["bytes"]])
            raise Refusal(403, "IOException", "All datanodes are bad. Aborting...")
        self.state.write(self.where, there + self.body)
        return 200, b"", {}

    def get_open(self):
        data, begin = self.state.find(self.where), int(self.query.get("offset", 0))
        if begin > len(data):
            raise Refusal(403, "IOException", "Offset=... out of the range")
        return (
            200,
            data[begin : begin + int(self.query.get("length", len(data)))],
            {"Content-Type": "application/octet-stream"},
        )

    def get_getfilechecksum(self):
        return 200, checksum(self.state.find(self.where)), {}


def main():
    ports = [int(port) for port in sys.argv[1:]]
    NameNode.state = DataNode.state = State(ports[1:])
    faulty.serve(NameNode, ports[0])
    for port in ports[1:]:
        faulty.serve(DataNode, port)
    print("ready", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
