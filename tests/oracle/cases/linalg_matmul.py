"""Matrix products and Einsum."""

from oracle.api import bad, case, rand, special

FLOATS = ("float32", "float64", "float16", "bfloat16")
MATMUL = (*FLOATS, "int32", "int64", "complex64", "complex128")  # as TensorFlow has kernels for
LOOSE = {"float16": {"rtol": 2e-2, "atol": 2e-2}, "bfloat16": {"rtol": 6e-2, "atol": 6e-2}}

for dtype in MATMUL:
    for ta in (False, True):
        for tb in (False, True):
            a = rand(dtype, *((4, 3) if ta else (3, 4)))
            b = rand(dtype, *((5, 4) if tb else (4, 5)))
            case("MatMul", a, b, transpose_a=ta, transpose_b=tb, **LOOSE.get(dtype, {}))
for m, n, k in ((1, 1, 1), (0, 3, 2), (3, 0, 2), (3, 2, 0), (1, 17, 33), (13, 31, 15), (29, 33, 16), (100, 10, 50)):
    for ta in (False, True):
        for tb in (False, True):
            a = rand("float32", *((k, m) if ta else (m, k)))
            b = rand("float32", *((n, k) if tb else (k, n)))
            case("MatMul", a, b, transpose_a=ta, transpose_b=tb, rtol=1e-4, atol=1e-4)
# Large enough for several tasks, blocks and pieces.
for ta in (False, True):
    for tb in (False, True):
        a = rand("float32", *((600, 90) if ta else (90, 600)))
        b = rand("float32", *((101, 600) if tb else (600, 101)))
        case("MatMul", a, b, transpose_a=ta, transpose_b=tb, rtol=1e-3, atol=1e-3)
case("MatMul", special("float32").reshape(1, -1), special("float32").reshape(-1, 1), grad=False, why="not a number")
bad("MatMul", rand("float32", 3, 4), rand("float32", 3, 5), code="INVALID_ARGUMENT")
bad("MatMul", rand("float32", 3, 4), rand("float32", 4, 5), transpose_a=True, code="INVALID_ARGUMENT")
bad("MatMul", rand("float32", 3), rand("float32", 3, 5), code="INVALID_ARGUMENT")
bad("MatMul", rand("float32", 2, 3, 4), rand("float32", 2, 4, 5), code="INVALID_ARGUMENT")

for dtype in (*FLOATS, "int32", "int64", "complex64", "complex128"):
    for ax in (False, True):
        for ay in (False, True):
            x = rand(dtype, 2, *((4, 3) if ax else (3, 4)))
            y = rand(dtype, 2, *((5, 4) if ay else (4, 5)))
            case("BatchMatMul", x, y, adj_x=ax, adj_y=ay, **LOOSE.get(dtype, {}))
            case("BatchMatMulV2", x, y[:1], adj_x=ax, adj_y=ay, **LOOSE.get(dtype, {}))
for dtype in ("int16",):
    case("BatchMatMulV2", rand(dtype, 2, 3, 4), rand(dtype, 4, 2))
for xs, ys in (
    ((3, 4), (4, 5)),
    ((2, 1, 3, 4), (3, 4, 5)),
    ((0, 3, 4), (0, 4, 5)),
    ((2, 3, 0), (2, 0, 5)),
    ((5, 1, 2, 3), (1, 4, 3, 2)),
):
    case("BatchMatMulV2", rand("float32", *xs), rand("float32", *ys))
    case("BatchMatMulV3", rand("float32", *xs), rand("float32", *ys), Tout="float32")
case("BatchMatMul", rand("float32", 20, 17, 33), rand("float32", 20, 33, 18), rtol=1e-4, atol=1e-4)
case("BatchMatMul", rand("float32", 2, 70, 600), rand("float32", 2, 600, 101), rtol=1e-3, atol=1e-3)
case("BatchMatMulV2", rand("float32", 2, 70, 600), rand("float32", 600, 101), rtol=1e-3, atol=1e-3)
case("BatchMatMulV3", rand("float32", 2, 70, 600), rand("float32", 600, 101), Tout="float32", rtol=1e-3, atol=1e-3)
case("BatchMatMulV3", rand("int8", 2, 3, 4), rand("int8", 4, 5), Tout="int32")
case("BatchMatMulV3", rand("uint8", 2, 3, 4), rand("int8", 4, 5), Tout="int32")
for op in ("BatchMatMul", "BatchMatMulV2"):
    bad(op, rand("float32", 2, 3, 4), rand("float32", 2, 3, 5), code="INVALID_ARGUMENT")
    bad(op, rand("float32", 2, 3, 4), rand("float32", 3, 4, 5), code="INVALID_ARGUMENT")
    bad(op, rand("float32", 4), rand("float32", 4, 5), code="INVALID_ARGUMENT")
bad("BatchMatMulV3", rand("float32", 2, 3, 4), rand("float32", 2, 3, 5), Tout="float32", code="INVALID_ARGUMENT")

ONE = (
    ("ij->ji", (2, 3)),
    ("ij->", (2, 3)),
    ("ij->j", (2, 3)),
    ("abc->ca", (2, 3, 4)),
    ("ii->i", (3, 3)),
    ("ii->", (3, 3)),
    ("i->ii", (3,)),
    ("aab->ba", (2, 2, 3)),
    ("...ij->...ji", (2, 2, 3)),
    ("i...->...", (2, 3)),
    ("...ii->...i", (2, 3, 3)),
    ("->", ()),
)
for equation, shape in ONE:
    for dtype in ("float32", "float64"):
        case("Einsum", [rand(dtype, *shape)], equation=equation)
TWO = (
    ("ij,jk->ik", (2, 3), (3, 4)),
    ("ij,jk->ki", (2, 3), (3, 4)),
    ("bij,bjk->bik", (2, 3, 4), (2, 4, 5)),
    ("i,j->ij", (2,), (3,)),
    ("i,i->", (3,), (3,)),
    ("ij,k->i", (2, 3), (4,)),
    ("ijk,jm->im", (2, 3, 4), (3, 5)),
    ("bfnh,btnh->bnft", (2, 3, 2, 4), (2, 5, 2, 4)),
    ("abc,cde->abde", (2, 3, 4), (4, 2, 3)),
    ("...ij,...jk->...ik", (2, 3, 4), (2, 4, 5)),
    ("...ij,...jk->...ik", (2, 1, 3, 4), (3, 4, 5)),
    ("...ij,jk->...ik", (2, 3, 4), (4, 5)),
    ("ab,bc->", (2, 3), (3, 4)),
    ("aab,bc->ac", (2, 2, 3), (3, 4)),
    ("ij,jk->ik", (0, 3), (3, 4)),
    ("ij,jk->ik", (2, 0), (0, 4)),
)
for equation, x, y in TWO:
    for dtype in ("float32", "float64"):
        case("Einsum", [rand(dtype, *x), rand(dtype, *y)], equation=equation, rtol=1e-4, atol=1e-5)
for dtype in ("float16", "bfloat16", "int32", "int64", "complex64", "complex128"):
    case("Einsum", [rand(dtype, 2, 3), rand(dtype, 3, 4)], equation="ij,jk->ik", **LOOSE.get(dtype, {}))
bad("Einsum", [rand("float32", 2), rand("float32", 3)], equation="i,j", code="INVALID_ARGUMENT")
bad("Einsum", [rand("float32", 2, 3), rand("float32", 2, 3)], equation="ij,jk->ik", code="INVALID_ARGUMENT")
bad("Einsum", [rand("float32", 2, 3)], equation="ij->k", code="INVALID_ARGUMENT")
bad("Einsum", [rand("float32", 2, 3)], equation="ij,jk->ik", code="INVALID_ARGUMENT")
bad("Einsum", [rand("float32", 2, 3)], equation="ijk->i", code="INVALID_ARGUMENT")
bad("Einsum", [rand("float32", 2, 3)], equation="i..j->i", code="INVALID_ARGUMENT")
bad("Einsum", [rand("float32", 2, 3)], equation="...->", code="INVALID_ARGUMENT")
