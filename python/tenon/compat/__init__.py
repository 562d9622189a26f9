"""Runs programs that say `import tensorflow`: `python -m tenon.compat program.py [arguments]`.

install() makes tensorflow, tflearn and keras names of Tenon's own modules in this process, and google.protobuf where it
is not installed.
"""

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

from tenon.compat import dated, protobuf
from tenon.compat.loading import then

_USAGE = """usage: python -m tenon.compat [--keep PACKAGE]... program.py [arguments]
       python -m tenon.compat [--keep PACKAGE]... -m module [arguments]

Runs a program that says `import tensorflow` on Tenon. `keras`, `tflearn` and `tf_slim` mean Tenon's own;
--keep leaves one of them to the package that is installed, which then runs on Tenon."""

# The first that fits counts. What has no counterpart here is stood in for by something that fails when it is called.
_NAMES = (
    ("tensorflow.compat.v1", "tenon"),
    ("tensorflow_core", "tenon"),
    ("tensorflow", "tenon"),
    ("tflearn", "tenon.tflearn"),
    ("tf_slim", "tenon.contrib.slim"),
    ("keras", "tenon.keras"),
)


def target_of(name):
    """The module that NAME stands for, None if it is not among those that are mapped."""
    for old, new in _NAMES:
        if name == old or name.startswith(old + "."):
            return new + name[len(old) :]
    return None


class Missing(ModuleType):
    """What a program imports and nobody has written: it fails when it is called."""

    __path__ = ()

    def __getattr__(self, name):
        if name[:2] == "__":
            raise AttributeError(name)
        return Missing(f"{self.__name__}.{name}")

    def __call__(self, *_, **__):
        raise NotImplementedError(f"{self.__name__} is not there in Tenon")

    def __mro_entries__(self, bases):
        raise NotImplementedError(f"{self.__name__} is not there in Tenon")

    def __repr__(self):
        return f"<missing {self.__name__}>"


def _complete(module):
    """Lets a MODULE of tensorflow.python look for what it lacks in the public module of its name: keras.layers."""
    from tenon._namespace import NAMES, load
    from tenon._places import places

    space = module.__name__[len("tenon.python.") :]
    if space not in NAMES or "__getattr__" in module.__dict__:
        return

    def find(name):
        whole = f"{module.__name__}.{name}"
        if PathFinder.find_spec(whole, module.__dict__.get("__path__", ())) or whole[len("tenon.") :] in places():
            return import_module(whole)
        if name[:2] == "__":
            raise AttributeError(f"module '{module.__name__}' has no attribute '{name}'")
        return load(space, name)

    module.__getattr__ = find


class InnerFinder:
    """Finds the modules that `tensorflow.python` has here, and completes them."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        return then(PathFinder.find_spec(name, path), _complete) if name.startswith("tenon.python.") else None


class _Loader:
    def __init__(self, target):
        self.target = target

    def create_module(self, spec):
        if self.target is not None:
            return None
        return Missing("tensorflow" + spec.name[5:] if spec.name.startswith("tenon.") else spec.name)

    def exec_module(self, module):
        if self.target is not None:
            sys.modules[module.__name__] = import_module(self.target)


def _importer():
    """The frame whose import is under way, and whether it says `from ... import`."""
    frame, listed = sys._getframe(1), False
    while frame is not None and (
        "importlib" in frame.f_code.co_filename or frame.f_globals.get("__name__") == __name__
    ):
        listed = listed or frame.f_code.co_name == "_handle_fromlist"
        frame = frame.f_back
    return frame, listed


def _guarded(frame):
    """True if the import in FRAME stands inside of a try block: there the program knows what to do without it."""
    table = getattr(frame.f_code, "co_exceptiontable", None) if frame is not None else None
    if not table:
        return False
    import dis

    return any(entry.start <= frame.f_lasti < entry.end for entry in dis._parse_exception_table(frame.f_code))


class Finder:
    """Finds the old names."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        ours = target_of(name)
        if ours is None:
            return None
        try:
            import_module(ours)
        except ModuleNotFoundError as error:
            if error.name is None or not (ours + ".").startswith(error.name + "."):
                raise
            parent, _, last = ours.rpartition(".")
            if _guarded(_importer()[0]) or hasattr(sys.modules.get(parent), last):
                return None
            ours = None
        return ModuleSpec(name, _Loader(ours), is_package=True)


class LastFinder:
    """Finds what a program takes from one of our modules (`from tensorflow.python.ops import x`) that is not there."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if not name.startswith("tenon."):
            return None
        for finder in sys.meta_path[sys.meta_path.index(LastFinder) + 1 :]:
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                return spec
        frame, listed = _importer()
        if not listed or _guarded(frame) or frame.f_globals.get("__name__", "").startswith("tenon."):
            return None
        return ModuleSpec(name, _Loader(None), is_package=True)


# The packages of tf.contrib in 1.15 that are not there: programs name them (`gan = tf.contrib.gan`) before they call.
_CONTRIB = """all_reduce autograph batching bayesflow bigtable boosted_trees cloud coder constrained_optimization
copy_graph cudnn_rnn decision_trees distribute ffmpeg fused_conv gan graph_editor grid_rnn hadoop hooks input_pipeline
integrate kafka kernel_methods kinesis labeled_tensor memory_stats mixed_precision model_pruning nccl nearest_neighbor
periodic_resample proto quantization quantize receptive_field recurrent reduce_slice_ops resampler rpc
saved_model solvers sparsemax specs stat_summarizer tensor_forest tensorrt testing text tfprof
timeseries""".split()


def _stand_in_for_contrib():
    import tenon
    from tenon import _places

    _places.Place.stand_in = lambda place, name: Missing(f"tensorflow{place.__name__[5:]}.{name}")
    for name in _CONTRIB:
        if not hasattr(tenon.contrib, name):
            setattr(tenon.contrib, name, Missing(f"tensorflow.contrib.{name}"))


def install(keep=()):
    """Makes the old names ones of Tenon's own modules; brings back what Python and NumPy lost since.

    The packages that KEEP names (keras, tflearn, tf_slim) stay what is installed of them.
    """
    global _NAMES
    _NAMES = tuple(pair for pair in _NAMES if pair[0] not in keep)
    if Finder in sys.meta_path:
        return
    if not protobuf.is_installed():
        _NAMES += ((protobuf.PACKAGE, "tenon.google_protobuf"),)
    for name in [n for n in sys.modules if target_of(n) is not None]:
        del sys.modules[name]
    sys.meta_path[:0] = [Finder, InnerFinder]
    protobuf.install()
    import tenon

    for name in [n for n in sys.modules if n.startswith("tenon.python.")]:
        _complete(sys.modules[name])

    sys.meta_path.append(LastFinder)

    _stand_in_for_contrib()
    tenon.__version__ = "1.15.0"  # programs compare it with that of the API they need
    dated.restore()


def _start(path, arguments):
    """Runs the program at PATH as __main__."""
    import os

    sys.argv = [path, *arguments]
    sys.path[0] = os.path.dirname(os.path.abspath(path))
    with open(path, "rb") as f:
        code = compile(f.read(), path, "exec")
    names = sys.modules["__main__"].__dict__
    for name in [n for n in names if n[:2] != "__"]:
        del names[name]
    names.update(__file__=path, __name__="__main__", __spec__=None, __package__=None, __cached__=None, __doc__=None)
    exec(code, names)


def main(arguments):
    """The command: a program and its arguments, or -m and a module and its arguments."""
    keep = []
    while arguments[:1] == ["--keep"] and len(arguments) > 1:
        keep, arguments = [*keep, arguments[1]], arguments[2:]
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_USAGE)
        return 0 if arguments else 2
    install(keep)
    if arguments[0] == "-m" and len(arguments) > 1:
        import runpy

        sys.argv = arguments[1:]
        sys.path[0] = ""
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        return 0
    try:
        _start(arguments[0], arguments[1:])
    except FileNotFoundError as error:
        if error.filename != arguments[0]:
            raise
        print(f"tenon.compat: can't open {arguments[0]!r}: {error.strerror}", file=sys.stderr)
        return 2
    return 0
