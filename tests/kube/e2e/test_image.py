"""`tenon image`: what it makes, how large it is, and that it is the same again."""

import hashlib
import json
import re
import subprocess
import tarfile

from kube.cluster import TENON


def megabytes(printed):
    return float(re.search(r"([\d.]+) MB as pulled", printed)[1])


def make(path, *words):
    done = subprocess.run([TENON, "image", "--output", path, *words], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_sizes_and_the_same_bytes_again(tmp_path, image, capsys):
    program = tmp_path / "train"
    program.write_text("#!/bin/sh\n")
    first = make(tmp_path / "a.tar", program)
    program.touch()
    make(tmp_path / "b.tar", program)
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()
    with capsys.disabled():
        print(f"\nimages, as pulled: {megabytes(first)} MB, with Python and NumPy {megabytes(image[1])} MB")
    assert megabytes(first) <= 30
    assert megabytes(image[1]) <= 60


def test_the_archive_is_what_it_says(image):
    with tarfile.open(image[0]) as tar:
        files = {m.name: tar.extractfile(m).read() for m in tar if m.isfile()}
    for name, data in files.items():
        if name.startswith("blobs/sha256/"):
            assert hashlib.sha256(data).hexdigest() == name.rsplit("/", 1)[1]
    (entry,) = json.loads(files["index.json"])["manifests"]
    assert entry["digest"] in image[1]
    manifest = json.loads(files["blobs/sha256/" + entry["digest"].removeprefix("sha256:")])
    config = json.loads(files["blobs/sha256/" + manifest["config"]["digest"].removeprefix("sha256:")])
    assert config["config"]["User"] == "65532:65532"
    assert sum(layer["size"] for layer in manifest["layers"]) / 1e6 <= 60
    (docker,) = json.loads(files["manifest.json"])
    assert docker["RepoTags"] == ["tenon.test/python:1"]
    assert [f"blobs/{layer['digest'].replace(':', '/')}" for layer in manifest["layers"]] == docker["Layers"]


def test_what_is_wrong_is_said():
    for words, text in ((["absent.py"], "absent.py"), (["--with-python", "--python", "no-python"], "no-python"),
                        (["a", "b"], "one program")):  # fmt: skip
        done = subprocess.run([TENON, "image", *words], capture_output=True, text=True, timeout=300)
        assert done.returncode != 0 and text in done.stderr
