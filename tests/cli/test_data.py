"""`tenon data`, `tenon inspect` and the command itself: what they print, and how they fail."""

import functools
import gzip
import http.server
import json
import os
import subprocess
import threading
from pathlib import Path

import pytest

TENON = Path(__file__).resolve().parents[2] / "build" / "tenon"
FILES = ["train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"]


def tenon(*arguments, **environment):
    command = [str(TENON), *map(str, arguments)]
    options = {"capture_output": True, "text": True, "timeout": 120, "stdin": subprocess.DEVNULL}
    return subprocess.run(command, env={**os.environ, **environment}, **options)


def mnist():
    done = tenon("data", "list")
    assert done.returncode == 0
    where = next(line.split()[2] for line in done.stdout.splitlines() if line.startswith("mnist"))
    if where == "not":
        pytest.skip("the MNIST files are not on this machine")
    return Path(where)


@pytest.fixture
def server(tmp_path):
    """A mirror on this machine: the folder that it shows, and its URL."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    folder = tmp_path / "mirror"
    folder.mkdir()
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()


def test_get(server, tmp_path):
    """What the mirror compressed in its own way is right if its contents are."""
    folder, url = server
    for name in FILES:
        packed = (mnist() / f"{name}-ubyte.gz").read_bytes()
        (folder / f"{name}-ubyte.gz").write_bytes(gzip.compress(gzip.decompress(packed), 1))
    done = tenon("data", "get", "mnist", TENON_MIRROR=url, XDG_CACHE_HOME=str(tmp_path))
    assert done.returncode == 0, done.stderr
    got = tmp_path / "tenon" / "mnist"
    assert sorted(f.name for f in got.iterdir()) == sorted(f"{n}-ubyte.gz" for n in FILES)


def test_get_what_is_wrong(server, tmp_path):
    """A wrong file does not get into the cache, and neither do half a file and none at all."""
    folder, url = server
    environment = {"TENON_MIRROR": url, "XDG_CACHE_HOME": str(tmp_path)}
    first = folder / f"{FILES[0]}-ubyte.gz"
    for content, words in [(gzip.compress(b"other"), "checksum"), (b"no gzip", "corrupt"), (None, "404")]:
        first.unlink(missing_ok=True)
        if content is not None:
            first.write_bytes(content)
        done = tenon("data", "get", "mnist", **environment)
        assert done.returncode == 1
        assert words in done.stderr
        assert list((tmp_path / "tenon" / "mnist").iterdir()) == []


def test_usage():
    assert tenon().returncode == 2
    assert "tenon COMMAND" in tenon("--help").stdout
    assert tenon("--version").stdout.startswith("tenon ")
    done = tenon("trian")
    assert done.returncode == 2 and "did you mean 'train'?" in done.stderr
    done = tenon("data", "get", "mnits")
    assert done.returncode == 2 and "did you mean 'mnist'?" in done.stderr
    done = tenon("bench", "--thread", "1")
    assert done.returncode == 2 and "did you mean --threads?" in done.stderr
    done = tenon("bench", "--threads", "many")
    assert done.returncode == 2 and "'many'" in done.stderr
    for command in ["train", "eval", "predict", "inspect", "data", "bench"]:
        done = tenon(command, "--help")
        assert done.returncode == 0 and f"usage: tenon {command}" in done.stdout


def test_inspect(tmp_path):
    done = tenon("train", "digits", "--model", "mlp", "--epochs", "1", "--checkpoint", tmp_path)
    assert done.returncode == 0, done.stderr
    index = next(tmp_path.glob("*.index"))
    done = tenon("inspect", index, "--json")
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert any(line["dtype"] == "float32" and line["shape"] and line["shape"][0] == 784 for line in lines)
    assert "tensors" in tenon("inspect", str(index)[: -len(".index")]).stdout
    (tmp_path / "graph.pb").write_bytes(b"\x0a\x10\x0a\x01x\x12\x0bPlaceholder")
    done = tenon("inspect", tmp_path / "graph.pb")
    assert done.returncode == 1 and "x" in done.stderr
    assert tenon("inspect", tmp_path / "nothing").returncode == 1
    index.write_bytes(index.read_bytes()[:50])
    done = tenon("inspect", index)
    assert done.returncode == 1 and "magic" in done.stderr


def test_bench():
    done = tenon("bench", "call-overhead", "--json")
    line = json.loads(done.stdout)
    assert (line["peer"], line["work"], line["unit"]) == ("tenon", "call-overhead", "us/run")
    assert line["value"] > 0
