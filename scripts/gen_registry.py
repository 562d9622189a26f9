#!/usr/bin/env python3
"""Writes the op registry: a table of every op that a source file defines with TN_OP(Name), sorted by name.

usage: gen_registry.py OUTPUT [FILE...]
"""

import re
import sys
from pathlib import Path

OP = re.compile(r"^TN_OP\(\s*(\w+)", re.MULTILINE)
HEAD = '/* Written by scripts/gen_registry.py from the files that define ops. */\n#include "graph/op.h"\n\n'


def collect(files):
    """Maps each op's name to the file that defines it; a name defined twice is an error that names both."""
    found = {}
    for file in files:
        for name in OP.findall(Path(file).read_text(encoding="utf-8")):
            if name in found:
                raise SystemExit(f"gen_registry: op {name} is defined in {found[name]} and again in {file}")
            found[name] = file
    return found


def render(names):
    """The text of registry.gen.c; names sort by their bytes, as strcmp does."""
    names = sorted(names, key=str.encode)
    lines = [f"extern const tn_op_def tn_op_{name};\n" for name in names]
    entries = [f"    &tn_op_{name},\n" for name in names] or ["    NULL,\n"]
    table = f"\nconst tn_op_def *const tn_op_table[] = {{\n{''.join(entries)}}};\n"
    return HEAD + "".join(lines) + table + f"const size_t tn_op_table_size = {len(names)};\n"


def main(arguments):
    if not arguments:
        raise SystemExit(__doc__)
    output, files = Path(arguments[0]), arguments[1:]
    text = render(collect(files))
    # An unchanged file keeps its time, so that editing a kernel does not compile the table again.
    if not output.exists() or output.read_text(encoding="utf-8") != text:
        output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
