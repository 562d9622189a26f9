"""The commands that train, evaluate and predict: results, exit codes, bad input, a full disk, Ctrl-C and going on."""

import gzip
import json
import os
import re
import resource
import shutil
import signal
import struct
import subprocess
import time
import zlib
from pathlib import Path

import pytest

TENON = Path(__file__).resolve().parents[2] / "build" / "tenon"


def tenon(*arguments, **options):
    command = [str(TENON), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL, **options)


def fails(done, *words, code=1):
    assert done.returncode == code, done.stderr
    for word in words:
        assert word in done.stderr
    assert "Test accuracy" not in done.stdout


def newest(folder):
    state = (folder / "checkpoint").read_text()
    return folder / re.search(r'model_checkpoint_path: "(.*)"', state).group(1)


def png(path, pixels):
    """A gray PNG of rows of bytes."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", len(pixels[0]), len(pixels), 8, 0, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + bytes(row) for row in pixels))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b""))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    done = tenon("train", "digits", "--model", "mlp", "--epochs", 12, "--checkpoint", folder)
    assert done.returncode == 0, done.stderr
    assert float(re.search(r"Test accuracy: (\S+) %", done.stdout).group(1)) > 85
    assert "\r" not in done.stdout
    return folder


def test_eval(trained):
    done = tenon("eval", "digits", "--checkpoint", trained, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["accuracy"] > 0.85


def test_predict(trained, tmp_path):
    one = [[255 if 12 <= x < 16 and 4 <= y < 24 else 0 for x in range(28)] for y in range(28)]
    png(tmp_path / "one.png", one)
    png(tmp_path / "paper.png", [[255 - v for v in row] for row in one])
    done = tenon("predict", tmp_path / "one.png", tmp_path / "paper.png", "--checkpoint", trained, "--json")
    assert done.returncode == 0, done.stderr
    first, second = map(json.loads, done.stdout.splitlines())
    assert first == second
    assert abs(sum(first["probabilities"]) - 1) < 1e-4


def test_predict_of_a_broken_picture(trained, tmp_path):
    path = tmp_path / "broken.png"
    png(path, [[0] * 28] * 28)
    path.write_bytes(path.read_bytes()[:50])
    fails(tenon("predict", path, "--checkpoint", trained), "broken.png")
    fails(tenon("predict", tmp_path / "none.png", "--checkpoint", trained), "none.png")
    fails(tenon("predict", "--checkpoint", trained), "which picture", code=2)


def test_a_stopped_run_goes_on_with_the_same_bits(tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    command = ["train", "digits", "--model", "lenet", "--epochs", 3, "--batch", 50]
    assert tenon(*command, "--threads", 1, "--checkpoint", whole).returncode == 0
    child = subprocess.Popen(
        [str(TENON), *map(str, command), "--threads", "2", "--save-steps", "7", "--checkpoint", str(parts)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    until = time.monotonic() + 120
    while not (parts / "checkpoint").exists() and time.monotonic() < until:
        time.sleep(0.01)
    child.send_signal(signal.SIGINT)
    out, _ = child.communicate(timeout=120)
    assert child.returncode == 130
    assert "--resume" in out
    assert newest(parts).name != newest(whole).name
    done = tenon(*command, "--checkpoint", parts, "--resume")
    assert done.returncode == 0, done.stderr
    assert "Going on after step" in done.stdout
    assert newest(parts).name == newest(whole).name
    for ending in (".data-00000-of-00001", ".index"):
        assert Path(f"{newest(parts)}{ending}").read_bytes() == Path(f"{newest(whole)}{ending}").read_bytes()


def test_going_on_with_other_batches_is_refused(trained):
    done = tenon(
        "train", "digits", "--model", "mlp", "--epochs", 20, "--batch", 50, "--checkpoint", trained, "--resume"
    )
    fails(done, "can't be resumed exactly", "the batch size was 100 and is 50")


def test_checkpoints_that_are_broken(trained, tmp_path):
    fails(tenon("eval", "digits", "--checkpoint", tmp_path / "none"), "no checkpoint in")
    for ending in (".index", ".data-00000-of-00001"):
        copy = tmp_path / ending
        shutil.copytree(trained, copy)
        path = Path(f"{newest(copy)}{ending}")
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2])
        fails(tenon("eval", "digits", "--checkpoint", copy), newest(copy).name)
        path.write_bytes(content[:100] + bytes([content[100] ^ 1]) + content[101:])
        fails(tenon("eval", "digits", "--checkpoint", copy), newest(copy).name)
    fails(tenon("eval", "digits", "--model", "lenet", "--checkpoint", trained), "conv2d/kernel")


def test_a_full_disk_leaves_the_last_checkpoint(trained, tmp_path):
    folder = tmp_path / "full"
    shutil.copytree(trained, folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    command = ["train", "digits", "--model", "mlp", "--epochs", 30, "--checkpoint", folder, "--resume"]
    fails(tenon(*command, preexec_fn=limit), "saving step")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert tenon("eval", "digits", "--checkpoint", folder).returncode == 0


def idx(path, shape, data):
    header = bytes([0, 0, 8, len(shape)]) + b"".join(struct.pack(">I", n) for n in shape)
    path.write_bytes(gzip.compress(header + data) if path.suffix == ".gz" else header + data)


def mnist(folder, n=20):
    folder.mkdir()
    for part in ("train", "t10k"):
        idx(folder / f"{part}-images-idx3-ubyte.gz", (n, 28, 28), os.urandom(n * 784))
        idx(folder / f"{part}-labels-idx1-ubyte", (n,), bytes(i % 10 for i in range(n)))
    return folder


def test_data_that_is_whole_trains(tmp_path):
    data = mnist(tmp_path / "data")
    done = tenon("train", "mnist", "--model", "mlp", "--epochs", 1, "--data", data, "--checkpoint", tmp_path / "out")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("damage", ["missing", "empty", "short", "long", "flipped", "text", "label"])
def test_data_that_is_damaged(damage, tmp_path):
    data = mnist(tmp_path / "data")
    images, labels = data / "train-images-idx3-ubyte.gz", data / "train-labels-idx1-ubyte"
    content = images.read_bytes()
    if damage == "missing":
        images.unlink()
    elif damage == "empty":
        images.write_bytes(b"")
    elif damage == "short":
        images.write_bytes(content[:-200])
    elif damage == "long":
        labels.write_bytes(labels.read_bytes() + b"\1")
    elif damage == "flipped":
        images.write_bytes(content[:5000] + bytes([content[5000] ^ 8]) + content[5001:])
    elif damage == "text":
        labels.write_text("seven")
    else:
        idx(labels, (20,), bytes([11] * 20))
    done = tenon("train", "mnist", "--model", "mlp", "--data", data, "--checkpoint", tmp_path / "out")
    fails(done, "train-labels" if damage in ("long", "text", "label") else "train-images")


@pytest.mark.parametrize(
    "arguments, word",
    [
        (["train"], "which data set"), (["train", "mnits"], "did you mean 'mnist'"),
        (["train", "mnist", "--model", "lent"], "did you mean 'lenet'"),
        (["train", "mnist", "--epoch", "3"], "did you mean --epochs"), (["train", "mnist", "--epochs", "x"], "'x'"),
        (["train", "mnist", "--epochs", "-1"], "--epochs"), (["train", "mnist", "--batch", "0"], "--batch"),
        (["trian"], "did you mean 'train'"),
    ],
)  # fmt: skip
def test_wrong_arguments(arguments, word):
    fails(tenon(*arguments), word, code=2)


@pytest.mark.parametrize("command", ["train", "eval", "predict", "inspect", "data", "bench"])
def test_help(command):
    done = tenon(command, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(f"usage: tenon {command} ")
    assert "--help" in done.stdout


def test_what_there_is():
    assert tenon("--version").stdout.startswith("tenon ")
    assert "train" in tenon("--help").stdout
