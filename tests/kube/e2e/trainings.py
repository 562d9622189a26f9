"""Jobs that really train: their manifests, volumes, logs and checkpoints."""

import os
import shutil
from pathlib import Path

from kube.cluster import ROOT

IMAGE = "tenon.test/python:1"


def mnist_folder():
    """Where MNIST is."""
    for base in filter(None, (os.environ.get("TENON_DATA"), ROOT.parent / "shared" / "data")):
        if (Path(base) / "mnist").is_dir():
            return Path(base) / "mnist"
    return None


class Storage:
    """The one volume that all nodes share, with the data set on it; claimed as `models` in namespace default."""

    def __init__(self, cluster):
        self.folder, client = cluster.shared, cluster.client
        shutil.copytree(mnist_folder(), self.folder / "mnist")
        size, modes = {"storage": "1Gi"}, ["ReadWriteMany"]
        volume = {"capacity": size, "accessModes": modes, "storageClassName": "",
                  "hostPath": {"path": str(self.folder)}}  # fmt: skip
        claim = {"accessModes": modes, "storageClassName": "", "volumeName": "models", "resources": {"requests": size}}
        name = {"name": "models"}
        client.post("/api/v1/persistentvolumes", {"metadata": name, "spec": volume})
        client.post("/api/v1/namespaces/default/persistentvolumeclaims", {"metadata": name, "spec": claim})
