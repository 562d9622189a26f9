"""Tensors that stay in the session between steps."""

import numpy as np

from oracle.api import program

X = np.array([[1, 2, 3], [4, 5, 6.5]], np.float32)


def kept(g):
    """Each side hands out names of its own: what they stand for is tested with the Python functions."""
    x, name = g.placeholder("float32"), g.placeholder("string", [])
    keep, other = g.op("GetSessionHandle", x), g.op("GetSessionTensor", name, dtype="float32")
    nothing = {name: np.array(b"nothing", object)}
    return [
        (g.op("Size", g.op("StringLength", keep)), {x: X}), ("INVALID_ARGUMENT", other, nothing),
        ("INVALID_ARGUMENT", g.op("DeleteSessionTensor", name), nothing), (g.op("GetSessionHandleV2", x).op, {x: X}),
    ]  # fmt: skip


program("session_tensors", kept)
