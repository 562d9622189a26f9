"""K-means: nearest centers, and how the first are chosen: bits equal to TensorFlow's where nothing is near a tie."""

import numpy as np

from oracle.api import bad, case, ints, rand

INVALID = "INVALID_ARGUMENT"
I64 = np.int64

for n, m, d in ((1, 1, 1), (5, 3, 2), (7, 11, 13), (300, 17, 3), (3, 1100, 5), (4, 5, 0)):
    for k in (1, 2, 7, 2000):
        if k <= m or k == 2000:
            case("NearestNeighbors", ints("float32", -40, 40, n, d), rand("float32", m, d), I64(k), atol=1e-2)
case("NearestNeighbors", rand("float32", 4, 2), rand("float32", 0, 2), I64(3))
case("NearestNeighbors", rand("float32", 4, 2), rand("float32", 3, 2), I64(0))
TIES = np.array([[0, 0], [1, 1], [0, 0], [1, 1], [2, 2]], "float32")
case("NearestNeighbors", TIES, TIES, I64(1))
case("NearestNeighbors", TIES, TIES, I64(5))
bad("NearestNeighbors", rand("float32", 0, 2), rand("float32", 3, 2), I64(1), code=INVALID)
bad("NearestNeighbors", rand("float32", 4, 2), rand("float32", 3, 3), I64(1), code=INVALID)
bad("NearestNeighbors", rand("float32", 4), rand("float32", 3, 3), I64(1), code=INVALID)
bad("NearestNeighbors", rand("float32", 4, 2), rand("float32", 3, 2), I64(-1), code=INVALID, tf=False,
    why="TensorFlow aborts")  # fmt: skip
bad("NearestNeighbors", rand("float32", 4, 2), rand("float32", 3, 2), np.array([1], I64), code=INVALID)

for n, d, count in ((1, 1, 1), (5, 2, 5), (64, 3, 7), (37, 1, 11), (200, 5, 13)):
    points = ints("float32", -100, 100, n, d)
    for seed in (0, 7, 1 << 40):
        for retries in (0, 1, 5, -1):
            if n != count or d == 2:
                case("KmeansPlusPlusInitialization", points, I64(count), I64(seed), I64(retries))
bad("KmeansPlusPlusInitialization", rand("float32", 3, 2), I64(4), I64(0), I64(0), code=INVALID)
bad("KmeansPlusPlusInitialization", rand("float32", 3, 2), I64(0), I64(0), I64(0), code=INVALID)
bad("KmeansPlusPlusInitialization", rand("float32", 0, 2), I64(1), I64(0), I64(0), code=INVALID)
bad("KmeansPlusPlusInitialization", rand("float32", 3), I64(1), I64(0), I64(0), code=INVALID)
# TensorFlow never ends, or reads beyond its points, where all points are one; ours takes any.
case("KmeansPlusPlusInitialization", np.ones((4, 2), "float32"), I64(3), I64(1), I64(2), tf=False,
     why="TensorFlow reads beyond the points where all distances are 0")  # fmt: skip

for n in (1, 2, 3, 31, 1000):
    for seed in (0, 5, -3):
        case("KMC2ChainInitialization", np.abs(rand("float32", n)), I64(seed))
case("KMC2ChainInitialization", np.array([0, 0, 1, np.inf, np.nan, 2], "float32"), I64(1))
bad("KMC2ChainInitialization", rand("float32", 0), I64(1), code=INVALID)
bad("KMC2ChainInitialization", rand("float32", 2, 2), I64(1), code=INVALID)
