"""Versions of the package and of what it writes."""

from tenon import _core
from tenon.python.util.tf_export import tf_export

GRAPH_DEF_VERSION = 2474
GRAPH_DEF_VERSION_MIN_CONSUMER = 0
GRAPH_DEF_VERSION_MIN_PRODUCER = 0
TENSOR_BUNDLE_VERSION = 1
VERSION = __version__ = "1.15.0"  # of the API
GIT_VERSION = __git_version__ = "tenon-" + _core.version()
COMPILER_VERSION = __compiler_version__ = "c17"
CXX11_ABI_FLAG = __cxx11_abi_flag__ = 1
CXX_VERSION = __cxx_version__ = 201703
MONOLITHIC_BUILD = __monolithic_build__ = 0
TF_EXPORTS = {
    "VERSION": "VERSION", "version.VERSION": "VERSION", "GIT_VERSION": "GIT_VERSION",
    "version.GIT_VERSION": "GIT_VERSION", "COMPILER_VERSION": "COMPILER_VERSION",
    "version.COMPILER_VERSION": "COMPILER_VERSION", "GRAPH_DEF_VERSION": "GRAPH_DEF_VERSION",
    "version.GRAPH_DEF_VERSION": "GRAPH_DEF_VERSION",
    "GRAPH_DEF_VERSION_MIN_CONSUMER": "GRAPH_DEF_VERSION_MIN_CONSUMER",
    "version.GRAPH_DEF_VERSION_MIN_CONSUMER": "GRAPH_DEF_VERSION_MIN_CONSUMER",
    "GRAPH_DEF_VERSION_MIN_PRODUCER": "GRAPH_DEF_VERSION_MIN_PRODUCER",
    "version.GRAPH_DEF_VERSION_MIN_PRODUCER": "GRAPH_DEF_VERSION_MIN_PRODUCER",
    "CXX11_ABI_FLAG": "CXX11_ABI_FLAG", "sysconfig.CXX11_ABI_FLAG": "CXX11_ABI_FLAG",
    "CXX_VERSION": "CXX_VERSION", "sysconfig.CXX_VERSION": "CXX_VERSION",
    "MONOLITHIC_BUILD": "MONOLITHIC_BUILD", "sysconfig.MONOLITHIC_BUILD": "MONOLITHIC_BUILD",
}  # fmt: skip


@tf_export("sysconfig.get_include")
def get_include():
    """The folder of the C headers."""
    import os

    import tenon

    return os.path.join(os.path.dirname(tenon.__file__), "include")


@tf_export("sysconfig.get_lib")
def get_lib():
    """The folder of the library."""
    import os

    return os.path.dirname(_core.__file__)


@tf_export("sysconfig.get_compile_flags")
def get_compile_flags():
    """Flags for compiling what uses the library."""
    return ["-I" + get_include()]


@tf_export("sysconfig.get_link_flags")
def get_link_flags():
    """Flags for linking with the library."""
    return ["-L" + get_lib(), "-ltenon"]


@tf_export("sysconfig.get_build_info")
def get_build_info():
    """How the library was built."""
    return {"is_cuda_build": False, "is_rocm_build": False, "is_tensorrt_build": False}
