"""Sparse tensors as strings, sets, crossed features."""

import numpy as np

from oracle.api import bad, case, ints, program, rand
from oracle.cases.sparse_moves import longs, sparse

INVALID = "INVALID_ARGUMENT"


def text(*items):
    return np.array([*items, None], object)[:-1]


# --- strings ---
for dtype in ("float32", "int64", "bool", "complex64"):
    case("SerializeSparse", *sparse(dtype, (3, 4), 5))
    case("SerializeManySparse", *sparse(dtype, (5, 3, 4), 11))
bad("SerializeManySparse", *sparse("float32", (5,), 2), code=INVALID)
bad("SerializeSparse", longs(1, 2), rand("float32", 2), longs(3), code=INVALID)


def there_and_back(dtype, to, back):
    arrays = sparse(dtype, (5, 3, 4), 11)

    def build(g):
        parts = [g.constant(x) for x in arrays]
        return [g.op(back, g.op(to, *parts), dtype=dtype)]

    return build


for dtype in ("float32", "string", "int64"):
    for to, back in (
        ("SerializeSparse", "DeserializeSparse"),
        ("SerializeManySparse", "DeserializeSparse"),
        ("SerializeManySparse", "DeserializeManySparse"),
    ):
        program(f"{to} {back} {dtype}", there_and_back(dtype, to, back))
bad("DeserializeManySparse", text(b"a", b"b", b"c"), dtype="float32", code=INVALID)
bad("DeserializeSparse", text(b"a", b"b", b"c"), dtype="float32", code=INVALID)
bad("DeserializeSparse", text(b"", b""), dtype="float32", code=INVALID)

# --- sets ---
OPERATIONS = ("a-b", "b-a", "intersection", "union")
for dtype in ("int32", "int64", "int8", "uint8", "int16", "uint16", "string"):
    a, b = (
        (rand("string", 3, 4), rand("string", 3, 6))
        if dtype == "string"
        else (ints(dtype, 0, 6, 3, 4), ints(dtype, 0, 6, 3, 6))
    )
    s, t = (sparse("int64", (3, 7), n) for n in (8, 11))
    s, t = ((x[0], np.resize(v.reshape(-1), len(x[1])), x[2]) for x, v in ((s, a), (t, b)))
    for operation in OPERATIONS:
        case("DenseToDenseSetOperation", a, b, set_operation=operation)
        case("DenseToSparseSetOperation", a, *t, set_operation=operation)
        case("SparseToSparseSetOperation", *s, *t, set_operation=operation)
    case("SetSize", *s)
A = ints("int64", 0, 5, 2, 3, 4)
case("DenseToDenseSetOperation", A, A[..., :2] + 1, set_operation="union")
case("DenseToDenseSetOperation", A[:, :, :0], A, set_operation="a-b")
case("SetSize", *(x[:0] for x in sparse("int64", (3, 7), 8)[:2]), longs(3, 7))
bad("DenseToDenseSetOperation", A, A[:1], set_operation="union", code=INVALID)
bad("DenseToDenseSetOperation", A, A, set_operation="other", code=INVALID)
bad("DenseToDenseSetOperation", A[0, 0], A[0, 0], set_operation="union", code=INVALID)
bad(
    "SparseToSparseSetOperation",
    *sparse("int64", (3, 7), 8),
    *sparse("int64", (4, 7), 8),
    set_operation="union",
    code=INVALID,
)
bad("SetSize", longs(2, 1, 1, 0).reshape(2, 2), longs(5, 6), longs(3, 3), code=INVALID)

# --- crosses ---
ONE = (np.array([[0, 0], [1, 0], [1, 1]], "int64"), text(b"a", b"b", b"c"), longs(3, 2))
TWO = (np.array([[0, 0], [0, 1], [1, 0], [2, 0]], "int64"), longs(7, -1, 9, 11), longs(3, 2))
DENSE = text(b"x", b"y", b"z").reshape(3, 1)
for parts, dense in (([ONE, TWO], []), ([ONE], [DENSE]), ([ONE, TWO], [DENSE, longs(1, 2, 3, 4, 5, 6).reshape(3, 2)])):
    types = {
        "sparse_types": ["string", "int64"][: len(parts)],
        "dense_types": ["string", "int64"][: len(dense)],
        "N": len(parts),
    }
    inputs = [*map(list, zip(*parts)), dense]
    case("SparseCrossV2", *inputs, np.array(b"_Y_", object), **types)
    for buckets in (0, 100):
        case(
            "SparseCross", *inputs, hashed_output=True, num_buckets=buckets, hash_key=956888297470, out_type="int64",
            internal_type="int64", **types,
        )  # fmt: skip
    case(
        "SparseCross", *inputs, hashed_output=False, num_buckets=0, hash_key=1, out_type="string",
        internal_type="int64", **types,
    )  # fmt: skip
bad(
    "SparseCross", [ONE[0]], [ONE[1]], [longs(4, 2)], [DENSE], hashed_output=False, num_buckets=0, hash_key=1,
    out_type="string", internal_type="string", sparse_types=["string"], dense_types=["string"], N=1, code=INVALID,
)  # fmt: skip
