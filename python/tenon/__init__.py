"""Tenon: dataflow graphs, sessions and gradients. `import tenon as tf` is the TensorFlow 1.x API."""

import os as _os
import sys as _sys

# In a checkout the extension module and the table of names lie in the build folder.
_build = _os.path.join(_os.path.dirname(__file__), "..", "..", "build", "python", "tenon")
if _os.path.isdir(_build):
    __path__.append(_os.path.abspath(_build))

from tenon import _namespace  # noqa: E402

_sys.meta_path.insert(0, _namespace.Finder)
_sys.meta_path.append(_namespace.LastFinder)

if _os.environ.get("TENON_METRICS_PORT"):
    from tenon import _task_monitor

    _task_monitor.start()


def __getattr__(name):
    if name == "__version__":
        from tenon import _core

        value = _core.version()
    elif name == "__all__":
        return _namespace.names("")
    else:
        value = _namespace.load("", name)
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *_namespace.names("")})
