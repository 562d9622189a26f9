"""What of TensorFlow 1.15's tf.contrib is missing here, or has another signature than contrib_signatures.tsv says.

usage: python tests/api/contrib_parity.py [MODULE...] [--update]

--update rewrites contrib_missing.txt, the list that test_contrib_signatures.py compares with: it may only shrink.
"""

import functools
import inspect
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
if __name__ == "__main__":
    sys.path[:0] = [str(HERE.parent), str(HERE.parent.parent / "python")]

from api import parity  # noqa: E402

TABLE = HERE / "contrib_signatures.tsv"
MISSING = HERE / "contrib_missing.txt"
# The modules of which nothing may be missing.
WHOLE = "layers rnn seq2seq legacy_seq2seq framework slim losses util data".split()
# Defaults that mean the same as the table's.
EXCUSED = {
    "data.make_batched_features_dataset()": "reader=None means TFRecordDataset",
    "data.read_batch_features()": "reader=None means TFRecordDataset",
}


def table():
    """{name: parameters} of the table, in its order."""
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    return dict(line.split("\t") for line in lines if not line.startswith("#"))


def split(parameters):
    """The parameters of a signature: the commas outside of brackets divide them."""
    parts, depth, quoted = [""], 0, False
    for char in parameters:
        quoted ^= char == "'"
        depth += 0 if quoted else (char in "([{") - (char in ")]}")
        if char == "," and not depth and not quoted:
            parts.append("")
        else:
            parts[-1] += char
    return [part.strip() for part in parts if part.strip()]


def literal(text):
    """True for a default that is a value, not a name."""
    return text[:1] in "'\"([{-.0123456789" or text in ("None", "True", "False") or text.startswith("tf.")


def same_parameter(ours, theirs):
    """True if two parameters have one name, and defaults that say the same."""
    name, _, default = theirs.partition("=")
    our_name, _, our_default = ours.partition("=")
    if name != our_name or bool(default) != bool(our_default):
        return False
    if not default or literal(default) and "(" not in default:
        return default == our_default
    return default == our_default or not literal(our_default) or "(" in default


def partial_signature(thing):
    """The parameters of a functools.partial as text."""
    parts, named = [], False
    for parameter in inspect.signature(thing).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not named:
            named = True
            parts.append("*")
        given = parameter.default is not parameter.empty
        parts.append(f"{parameter.name}={parity.default(parameter.default)}" if given else parameter.name)
    return ", ".join(parts)


def differs(ours, theirs):
    """What is wrong with the callable OURS, whose parameters should be THEIRS; None if nothing is."""
    got = partial_signature(ours) if isinstance(ours, functools.partial) else parity.signature(ours)
    wanted, have = split(theirs), split(got or "")
    if have[:1] == ["self"] and wanted[:1] != ["self"]:
        have = have[1:]
    if theirs.endswith("*args, **kwargs") and len(wanted) <= 3:
        return None
    # Arguments that came after 1.15 may follow, if they need not be given.
    later = have[len(wanted) :]
    if len(wanted) <= len(have) and all(map(same_parameter, have, wanted)) and all("=" in p or "*" in p for p in later):
        return None
    return f"({got}) should be ({theirs})"


def find(package, path):
    """(what is called PATH in PACKAGE, True), (None, False) if there is none."""
    found = package
    for part in path.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            return None, False
    return found, True


def differences(modules=()):
    """{name: what is wrong} of the table's names, of MODULES only if there are any."""
    from tenon import contrib

    wrong, absent = {}, set()
    for path, parameters in table().items():
        if modules and not any(path.startswith(f"{module}.") for module in modules):
            continue
        name = path.removesuffix("()")
        if name.rpartition(".")[0] in absent:
            continue
        try:
            ours, there = find(contrib, name)
        except Exception as error:
            wrong[path] = f"{type(error).__name__}: {error}"
            continue
        if not there:
            absent.add(name)
            wrong[path] = "missing"
        elif path.endswith("()") and path not in EXCUSED:
            what = differs(ours, parameters)
            if what:
                wrong[path] = what
    return wrong


def main(arguments):
    found = differences([a for a in arguments if not a.startswith("-")])
    for path, what in found.items():
        print(f"{path}: {what}")
    print(f"{len(found)} differences")
    if "--update" in arguments:
        MISSING.write_text("".join(f"{path}\n" for path in sorted(differences())), encoding="utf-8")


if __name__ == "__main__":
    given, sys.argv = sys.argv[1:], sys.argv[:1]
    main(given)
