#!/usr/bin/env python3
"""Writes type stubs for the public names: a package tenon-stubs, one folder for each namespace.

usage: gen_stubs.py PACKAGE OUTPUT

What is defined in Python is imported from where it is, so that its own signature counts; functions of generated ops
have theirs from endpoints.tsv.
"""

import shutil
import sys
from pathlib import Path

import gen_api


def signatures(package):
    """Maps op types to the signatures of their functions, defaults left out."""
    found = {}
    for path in package.rglob("endpoints.tsv"):
        for line in path.read_text(encoding="utf-8").splitlines():
            op, _, signature = line.split("\t")
            names = [part.partition("=") for part in split(signature)]
            found[op] = ", ".join(f"{name.strip()}=..." if equals else name.strip() for name, equals, _ in names)
    return found


def split(signature):
    """The parameters of a signature; commas inside brackets don't count."""
    parts, depth, start = [], 0, 0
    for i, c in enumerate(signature):
        depth += (c in "([") - (c in ")]")
        if c == "," and not depth:
            parts.append(signature[start:i])
            start = i + 1
    return [*parts, signature[start:]]


def stub(space, names, children, ops):
    """The text of a namespace's stub."""
    lines = ["from typing import Any\n"] + [f"from tenon{'.' + space if space else ''} import {c} as {c}\n"
                                            for c in sorted(children)]  # fmt: skip
    for name, place in sorted(names.items()):
        module, attribute = place.split(":")
        if not name.isidentifier() or not attribute.isidentifier():
            lines.append(f"{name}: Any\n" if name.isidentifier() else "")
        elif module == "python.ops.gen_ops":
            lines.append(f"def {name}({ops.get(attribute, '*args, **kwargs')}) -> Any: ...\n")
        else:
            lines.append(f"from tenon.{module} import {attribute} as {name}\n")
    return "".join(lines)


def main(arguments):
    if len(arguments) != 2:
        raise SystemExit(__doc__)
    package, output = map(Path, arguments)
    table = gen_api.collect(package, {})[0]
    ops = signatures(package)
    shutil.rmtree(output, ignore_errors=True)
    for space, names in table.items():
        folder = output / Path(*space.split(".")) if space else output
        folder.mkdir(parents=True, exist_ok=True)
        lead = space + "." if space else ""
        children = {s[len(lead) :].split(".")[0] for s in table if s.startswith(lead) and s != space} - {""}
        (folder / "__init__.pyi").write_text(stub(space, names, children - set(names), ops), encoding="utf-8")
    (output / "py.typed").write_text("partial\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
