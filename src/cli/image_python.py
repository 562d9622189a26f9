"""Which files a Python program needs, for `tenon image`.

usage: python -c THIS SCRATCH PACKAGES PACKAGE...     prints `kind<tab>source<tab>target` lines: file or library

Tests, headers and other things that no program imports are left out. Bytecode is made in SCRATCH: the image may be
read-only, and compiling takes longer than most programs run.
"""

import importlib
import os
import py_compile
import sys
import sysconfig

LEFT_OUT = {"__pycache__", "test", "tests", "idlelib", "lib2to3", "tkinter", "turtledemo", "ensurepip", "include",
            "site-packages", "dist-packages", "tenon-stubs", "pydoc_data", "distutils", "f2py"}  # fmt: skip
KEPT = (".py", ".so", ".txt", ".json", ".cfg", ".toml")


def say(kind, source, target):
    print(kind, source, target, sep="\t")


def bytecode(scratch, source, target):
    """Beside the source's place in the image; checked by nobody, so that times don't matter."""
    folder, name = os.path.split(target)
    made = os.path.join(folder, "__pycache__", name[:-3] + f".{sys.implementation.cache_tag}.pyc")
    try:
        py_compile.compile(source, scratch + made, target, doraise=True, quiet=2,
                           invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)  # fmt: skip
    except py_compile.PyCompileError:
        return  # a file that is not for this version
    say("file", scratch + made, made)


def tree(scratch, source, target):
    for folder, below, files in os.walk(source):
        below[:] = sorted(
            d for d in below if d not in LEFT_OUT and not d.startswith("config-") and not d.endswith(".p")
        )
        for name in sorted(files):
            path = os.path.join(folder, name)
            place = os.path.join(target, os.path.relpath(path, source))
            if name.startswith("_simd."):
                continue  # NumPy's own tests use it
            if ".so" in name or name.endswith(KEPT) or source.endswith(".libs"):
                say("library" if ".so" in name else "file", path, place)
            if name.endswith(".py"):
                bytecode(scratch, path, place)


def main():
    scratch, packages, *names = sys.argv[1:]
    sys.path[:] = [p for p in sys.path if p]
    program = os.path.realpath(sys.executable)
    say("library", program, "/usr/bin/" + os.path.basename(program))
    say("name", os.path.basename(program), "/usr/bin/python3")
    say("name", os.path.basename(program), "/usr/bin/python")
    tree(scratch, sysconfig.get_path("stdlib"), sysconfig.get_path("stdlib"))
    for name in names:
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError:
            sys.exit(f"tenon: {sys.executable} has no {name}: install it there, or name another Python with --python")
        for folder in getattr(module, "__path__", ()):
            tree(scratch, folder, f"{packages}/{name}")
            if os.path.isdir(folder + ".libs"):
                tree(scratch, folder + ".libs", f"{packages}/{name}.libs")
        if not hasattr(module, "__path__"):
            say("file", module.__file__, f"{packages}/{name}.py")


main()
