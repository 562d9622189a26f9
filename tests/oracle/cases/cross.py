"""Cross."""

from oracle.api import bad, case, ints, rand

for dtype in ("float32", "float64", "float16", "bfloat16"):
    case("Cross", rand(dtype, 5, 3), rand(dtype, 5, 3))
for dtype in ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"):
    case("Cross", ints(dtype, 0, 100, 7, 3), ints(dtype, 0, 100, 7, 3))
for shape in ((3,), (0, 3), (2, 17, 3)):
    case("Cross", rand("float32", *shape), rand("float32", *shape))

bad("Cross", rand("float32", 5, 3), rand("float32", 4, 3), code="INVALID_ARGUMENT")
bad("Cross", rand("float32", 5, 2), rand("float32", 5, 2), code="INVALID_ARGUMENT")
