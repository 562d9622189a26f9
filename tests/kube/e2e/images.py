"""The images of the nodes, as archives that containerd imports."""

import hashlib
import io
import json
import subprocess
import tarfile

from kube.cluster import TENON

# Waits, or ends at once if it is given a word.
PAUSE = "#include <unistd.h>\nint main(int n, char **words) { (void)words; while (n < 2) pause(); }\n"


def write_image(path, name, program):
    """One with one PROGRAM in it."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        tar.add(program, "program")
    layer = layer.getvalue()
    config = {"architecture": "amd64", "os": "linux", "config": {"Entrypoint": ["/program"]},
              "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]}}  # fmt: skip
    manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
    files = {
        "layer.tar": layer,
        "config.json": json.dumps(config).encode(),
        "manifest.json": json.dumps(manifest).encode(),
    }
    with tarfile.open(path, "w") as tar:
        for member, data in files.items():
            info = tarfile.TarInfo(member)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def make_pause(folder):
    """The image of what keeps a pod's namespaces: a program that waits."""
    command = ["gcc", "-static", "-Os", "-x", "c", "-", "-o", folder / "pause"]
    done = subprocess.run(command, input=PAUSE, text=True, capture_output=True)
    if done.returncode:
        raise OSError(f"gcc -static: {done.stderr.strip()}")
    return write_image(folder / "pause.tar", "tenon.test/pause:1", folder / "pause")


def make_image(folder, python):
    """The image of the runtime with Python and NumPy, as `tenon image` makes it; and what that printed."""
    path = folder / "tenon-python.tar"
    command = [TENON, "image", "--with-python", "--python", python, "--output", path, "--name", "tenon.test/python:1"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return path, done.stdout
