"""tf.summary.FileWriterCache."""

import threading

from tenon.python.framework import ops
from tenon.python.summary.writer.writer import FileWriter
from tenon.python.util.tf_export import tf_export


@tf_export("summary.FileWriterCache")
class FileWriterCache:
    """One FileWriter for each folder."""

    _cache = {}
    _lock = threading.RLock()

    @staticmethod
    def clear():
        """Closes and forgets all writers."""
        with FileWriterCache._lock:
            for writer in FileWriterCache._cache.values():
                writer.close()
            FileWriterCache._cache.clear()

    @staticmethod
    def get(logdir):
        """The writer of LOGDIR, made with the default graph if need be."""
        with FileWriterCache._lock:
            if logdir not in FileWriterCache._cache:
                FileWriterCache._cache[logdir] = FileWriter(logdir, graph=ops.get_default_graph())
            return FileWriterCache._cache[logdir]
