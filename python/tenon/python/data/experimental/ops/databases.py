"""Datasets of databases: rows of SQLite queries, entries of LMDB files."""

import sqlite3

import numpy as np

from tenon.python.data.ops.dataset_ops import Dataset
from tenon.python.data.util import lmdb_file, nest
from tenon.python.framework import dtypes, errors
from tenon.python.util.tf_export import tf_export


class _Generated(Dataset):
    """A dataset of what a Python generator yields."""

    def _take(self, generator, types):
        made = Dataset.from_generator(generator, types, nest.map_structure(lambda _: [], types))
        self._set(made._variant_tensor, made._structure, (made,))


def _cell(value, dtype):
    """A value of a row as DTYPE; NULL is zero, or nothing."""
    if value is None:
        return b"" if dtype is dtypes.string else dtype.as_numpy_dtype()
    if dtype is dtypes.string:
        return value if isinstance(value, (bytes, str)) else str(value)
    return np.array(value).astype(dtype.as_numpy_dtype)


@tf_export("data.experimental.SqlDataset", "contrib.data.SqlDataset")
class SqlDataset(_Generated):
    """The rows that QUERY finds in the database DATA_SOURCE_NAME; DRIVER_NAME is `sqlite`."""

    def __init__(self, driver_name, data_source_name, query, output_types):
        if driver_name != "sqlite":
            raise errors.InvalidArgumentError(
                None, None, f"SqlDataset: the database type '{driver_name}' is not supported; only 'sqlite' is"
            )
        types = tuple(dtypes.as_dtype(t) for t in output_types)

        def rows():
            connection = sqlite3.connect(f"file:{data_source_name}?mode=ro", uri=True)
            try:
                for row in connection.execute(query):
                    if len(row) != len(types):
                        raise ValueError(f"The number of columns in the query ({len(row)}) must match the number of "
                                         f"elements in output_types ({len(types)}): {query}")  # fmt: skip
                    yield tuple(_cell(value, dtype) for value, dtype in zip(row, types))
            finally:
                connection.close()

        self._take(rows, types)


@tf_export("contrib.data.LMDBDataset")
class LMDBDataset(_Generated):
    """(key, value) of the entries of LMDB files, in the order of the keys."""

    def __init__(self, filenames):
        paths = [filenames] if isinstance(filenames, (str, bytes)) else list(filenames)

        def entries():
            for path in paths:
                yield from lmdb_file.entries(path.decode() if isinstance(path, bytes) else path)

        self._take(entries, (dtypes.string, dtypes.string))
