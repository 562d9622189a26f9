"""SobolSample."""

import numpy as np

from oracle.api import bad, case, const

INVALID = "INVALID_ARGUMENT"


def number(n):
    return const(np.array(n, "int32"))


for dtype in ("float32", "float64"):
    for dim, rows, skip in ((1, 1, 0), (1, 7, 0), (2, 1, 5), (3, 33, 1), (37, 17, 3), (1111, 40, 0), (1110, 3, 10**6)):
        case("SobolSample", number(dim), number(rows), number(skip), dtype=dtype, exact=True)
case("SobolSample", number(5), number(1300), number(2**24 - 3), exact=True)
case("SobolSample", np.array(4, "int32"), number(6), np.array(2, "int32"), exact=True)
for dim, rows, skip in ((0, 1, 0), (-1, 1, 0), (2, 0, 0), (2, -3, 0), (2, 3, -1), (2, 2**31 - 2, 5)):
    bad("SobolSample", number(dim), number(rows), number(skip), code=INVALID)
bad("SobolSample", const(np.array([1], "int32")), number(1), number(1), code=INVALID)
