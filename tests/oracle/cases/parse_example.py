"""ParseExample, ParseExampleV2 and ParseSingleExample."""

import numpy as np

from oracle.api import bad, case
from oracle.messages import chunk, example

INVALID = "INVALID_ARGUMENT"


def text(*items):
    return np.array([*items, None], object)[:-1]


def one(item):
    return np.array(item, object)


NO_NAMES = text()
FULL = example({"f": [1.5, -2.0], "i": [7], "s": [b"ab", b""], "v": [1, 2, 3], "other": [9]})
PLAIN = example({"f": [0.5, 3.0], "i": [-1], "s": [b"x" * 200], "v": []}, packed=False)
TWICE = example([("i", [1]), ("i", [2]), ("f", [1.0, 2.0]), ("s", None)])
BATCH = text(FULL, PLAIN, TWICE)
FLOATS = np.array([9.0, 8.0], "float32")
EMPTY = {t: np.zeros(0, object if t == "string" else t) for t in ("float32", "int64", "string")}
DENSE = {"Tdense": ["float32", "int64"], "dense_shapes": [[2], []]}
DEFAULTS = [EMPTY["float32"], EMPTY["int64"]]

for batch in (BATCH, BATCH[:1], BATCH[:0], text(*[FULL, PLAIN] * 40)):
    case(
        "ParseExample", batch, NO_NAMES, [one(b"s"), one(b"v")], [one(b"f"), one(b"i")], DEFAULTS,
        sparse_types=["string", "int64"], Nsparse=2, Ndense=2, **DENSE,
    )  # fmt: skip
case(
    "ParseExample",
    BATCH,
    NO_NAMES,
    [one(b"nothing")],
    [],
    [],
    sparse_types=["float32"],
    Tdense=[],
    dense_shapes=[],
    Nsparse=1,
    Ndense=0,
)
case(
    "ParseExample", text(b"", FULL), NO_NAMES, [], [one(b"f"), one(b"i")], [FLOATS, np.array(3, "int64")],
    sparse_types=[], Nsparse=0, Ndense=2, **DENSE,
)  # fmt: skip
for packed in (False, True):
    numbers = [0, 1, -1, 127, 128, 2**31, -(2**31), 2**63 - 1, -(2**63), 300]
    one_of_all = text(example({"i": numbers, "f": [1e38, -0.0, float("inf")]}, packed))
    case(
        "ParseExample", one_of_all, text(b"name"), [one(b"i"), one(b"f")], [], [],
        sparse_types=["int64", "float32"], Tdense=[], dense_shapes=[], Nsparse=2, Ndense=0,
    )  # fmt: skip

# Dense features whose first dimension is free.
for shape, values in (([None], ([1, 2, 3], [], [4])), ([None, 2], ([1, 2, 3, 4], [5, 6], []))):
    ragged = text(*(example({"v": x}) for x in values), example({}))
    case(
        "ParseExample", ragged, NO_NAMES, [], [one(b"v")], [np.array([-7], "int64")],
        sparse_types=[], Tdense=["int64"], dense_shapes=[shape], Nsparse=0, Ndense=1,
    )  # fmt: skip
bad(
    "ParseExample", text(example({"v": [1, 2, 3]})), NO_NAMES, [], [one(b"v")], [np.array([-7], "int64")],
    sparse_types=[], Tdense=["int64"], dense_shapes=[[None, 2]], Nsparse=0, Ndense=1, code=INVALID,
)  # fmt: skip


def broken(batch, *, sparse=(), dense=(), defaults=(), names=NO_NAMES, types=(), shapes=((),), code=INVALID):
    bad(
        "ParseExample", batch, names, [one(k) for k in sparse], [one(k) for k in dense], list(defaults),
        sparse_types=[*types], Tdense=["int64"] * len(dense), dense_shapes=[list(s) for s in shapes[: len(dense)]],
        Nsparse=len(sparse), Ndense=len(dense), code=code,
    )  # fmt: skip


broken(BATCH, dense=[b"none"], defaults=[EMPTY["int64"]])
broken(BATCH, dense=[b"v"], defaults=[EMPTY["int64"]])
broken(BATCH, dense=[b"s"], defaults=[EMPTY["int64"]])
broken(BATCH, sparse=[b"s"], types=["int64"])
broken(BATCH, sparse=[b"s"], types=["string"], names=text(b"a"))
broken(BATCH, dense=[b"i"], defaults=[np.array([1, 2], "int64")])
broken(text(FULL[:-1]), sparse=[b"s"], types=["string"])
broken(text(b"\x0a\xff"), sparse=[b"s"], types=["string"])
broken(
    text(chunk(1, chunk(1, chunk(1, b"i") + chunk(2, chunk(3, b"\x0a\x02\x80\x80"))))), sparse=[b"i"], types=["int64"]
)

# --- version 2 ---
for batch, names in ((BATCH, NO_NAMES), (one(FULL), one(b"name")), (BATCH[:0], NO_NAMES)):
    for splits in ("int32", "int64"):
        case(
            "ParseExampleV2", batch, names, text(b"s"), text(b"f", b"i"), text(b"v"), DEFAULTS,
            num_sparse=1, sparse_types=["string"], ragged_value_types=["int64"], ragged_split_types=[splits], **DENSE,
        )  # fmt: skip
for batch in (text(example({"v": [1, 2]}), example({})), one(example({"v": [1, 2]})), one(example({}))):
    case(
        "ParseExampleV2", batch, NO_NAMES, text(), text(b"v"), text(),
        [np.array([5], "int64")], num_sparse=0, sparse_types=[], ragged_value_types=[], ragged_split_types=[],
        Tdense=["int64"], dense_shapes=[[None]],
    )  # fmt: skip
bad(
    "ParseExampleV2", BATCH, NO_NAMES, text(), text(), text(b"v", b"i"), [], num_sparse=0, sparse_types=[],
    ragged_value_types=["int64"], ragged_split_types=["int64"], Tdense=[], dense_shapes=[], code=INVALID,
)  # fmt: skip
bad(
    "ParseExampleV2", BATCH.reshape(3, 1), NO_NAMES, text(b"s"), text(), text(), [], num_sparse=1,
    sparse_types=["string"],
    ragged_value_types=[], ragged_split_types=[], Tdense=[], dense_shapes=[], code=INVALID,
)  # fmt: skip

# --- one example ---
for message in (FULL, PLAIN):
    case(
        "ParseSingleExample", one(message), DEFAULTS, num_sparse=2, sparse_keys=["s", "v"], dense_keys=["f", "i"],
        sparse_types=["string", "int64"], **DENSE,
    )  # fmt: skip
for values in ([1, 2, 3, 4], []):
    case(
        "ParseSingleExample", one(example({"v": values})), [np.array([5], "int64")], num_sparse=0, sparse_keys=[],
        dense_keys=["v"], sparse_types=[], Tdense=["int64"], dense_shapes=[[None, 2]],
    )  # fmt: skip
bad(
    "ParseSingleExample", one(b""), DEFAULTS, num_sparse=0, sparse_keys=[], dense_keys=["f", "i"], sparse_types=[],
    code=INVALID, **DENSE,
)  # fmt: skip
bad(
    "ParseSingleExample", BATCH, DEFAULTS, num_sparse=0, sparse_keys=[], dense_keys=["f", "i"], sparse_types=[],
    code=INVALID, **DENSE,
)  # fmt: skip
