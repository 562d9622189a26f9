"""Tenon: dataflow graphs, sessions and gradients, in the terms of TensorFlow 1.x."""

import os as _os

# In a checkout the extension module lies in the build folder.
_build = _os.path.join(_os.path.dirname(__file__), "..", "..", "build", "python", "tenon")
if _os.path.isdir(_build):
    __path__.append(_os.path.abspath(_build))

from tenon import _core, errors  # noqa: E402
from tenon._graph import Graph, IndexedSlices, Operation, Tensor  # noqa: E402
from tenon._session import Cancellation, Session  # noqa: E402
from tenon.dtypes import *  # noqa: E402,F403
from tenon.dtypes import DType, as_dtype  # noqa: E402

__version__ = _core.version()
__all__ = [
    "Cancellation", "DType", "Graph", "IndexedSlices", "Operation", "Session", "Tensor", "as_dtype", "errors",
    *dtypes.__all__,  # noqa: F405
]  # fmt: skip
