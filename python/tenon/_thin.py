"""The thin API, all of it in one place: what tests and benchmarks build graphs with, without TensorFlow's semantics."""

from tenon import _core
from tenon._graph import Graph, IndexedSlices, Operation, Tensor
from tenon._session import Cancellation, RunMetadata, Session
from tenon.python.framework import dtypes, errors
from tenon.python.framework.dtypes import *  # noqa: F403
from tenon.python.framework.dtypes import DType, as_dtype

__all__ = [
    "Cancellation", "DType", "Graph", "IndexedSlices", "Operation", "RunMetadata", "Session", "Tensor", "_core",
    "as_dtype", "dtypes", "errors", *dtypes.__all__,
]  # fmt: skip
