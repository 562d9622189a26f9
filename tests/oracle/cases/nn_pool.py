"""Pools in two and three dimensions, with their gradients of all orders."""

import numpy as np

from oracle.api import bad, case, const, rand

FLOATS = ("float32", "float64", "float16", "bfloat16")
INTS = ("int8", "int16", "int32", "int64", "uint8", "uint16")
LOOSE = {"float16": {"rtol": 2e-2, "atol": 2e-2}, "bfloat16": {"rtol": 1e-1, "atol": 1e-1}}
SHAPES = (
    ((2, 4, 6, 3), (2, 2), (2, 2)),
    ((1, 5, 5, 1), (3, 3), (2, 2)),
    ((2, 5, 4, 17), (2, 3), (1, 2)),
    ((1, 7, 7, 16), (3, 3), (1, 1)),
    ((3, 3, 3, 33), (3, 3), (3, 3)),
    ((33, 4, 4, 2), (2, 2), (2, 2)),
)


def distinct(dtype, *shape):
    """No two elements are equal, so that every maximum has one place."""
    n = int(np.prod(shape))
    order = np.argsort(rand("float32", n).reshape(-1))
    return (
        (order.reshape(shape) / (4.0 if n < 300 else 64.0)).astype(dtype)
        if "float" in dtype
        else order.reshape(shape).astype(dtype)
    )


def pooled(shape, ksize, strides, padding):
    if padding == "SAME":
        spatial = [-(-s // t) for s, t in zip(shape[1:-1], strides)]
    else:
        spatial = [(s - k) // t + 1 for s, k, t in zip(shape[1:-1], ksize, strides)]
    return (shape[0], *spatial, shape[-1])


def maxima(x, ksize, strides, padding):
    """What a max pool gives, for the gradient ops."""
    out = np.zeros(pooled(x.shape, ksize, strides, padding), x.dtype)
    for n, i, j in np.ndindex(*out.shape[:3]):
        at = []
        for d, o in enumerate((i, j)):
            size = x.shape[1 + d]
            needed = max((out.shape[1 + d] - 1) * strides[d] + ksize[d] - size, 0) if padding == "SAME" else 0
            begin = o * strides[d] - needed // 2
            at.append(slice(max(begin, 0), min(begin + ksize[d], size)))
        out[n, i, j] = x[n, at[0], at[1]].max(axis=(0, 1))
    return out


for shape, ksize, strides in SHAPES:
    for padding in ("SAME", "VALID"):
        attrs = {"ksize": [1, *ksize, 1], "strides": [1, *strides, 1], "padding": padding}
        for dtype in FLOATS if shape[0] == 2 else ("float32",):
            x = distinct(dtype, *shape)
            y = maxima(x, ksize, strides, padding)
            case("MaxPool", x, **attrs, **LOOSE.get(dtype, {}))
            case(
                "MaxPoolV2", x, const([1, *ksize, 1]), const([1, *strides, 1]), padding=padding, **LOOSE.get(dtype, {})
            )
            case("MaxPoolGrad", x, y, rand(dtype, *y.shape), fd=False, **attrs, **LOOSE.get(dtype, {}))
            case(
                "MaxPoolGradV2",
                x,
                y,
                rand(dtype, *y.shape),
                const([1, *ksize, 1]),
                const([1, *strides, 1]),
                padding=padding,
                fd=False,
                **LOOSE.get(dtype, {}),
            )
            case("MaxPoolGradGrad", x, y, rand(dtype, *shape), fd=False, **attrs, **LOOSE.get(dtype, {}))
            case(
                "MaxPoolGradGradV2",
                x,
                y,
                rand(dtype, *shape),
                const([1, *ksize, 1]),
                const([1, *strides, 1]),
                padding=padding,
                **LOOSE.get(dtype, {}),
            )
            case("AvgPool", rand(dtype, *shape), **attrs, **LOOSE.get(dtype, {}))
            case("AvgPoolGrad", const(np.array(shape, "int32")), rand(dtype, *y.shape), **attrs, **LOOSE.get(dtype, {}))
            for places in ("int32", "int64"):
                flows = {} if places == "int64" else {"grad": False, "why": "TensorFlow has it for int64 alone"}
                for batch in (False, True):
                    case(
                        "MaxPoolWithArgmax",
                        x,
                        Targmax=places,
                        include_batch_in_index=batch,
                        **flows,
                        **attrs,
                        **LOOSE.get(dtype, {}),
                    )
            size = int(np.prod(shape[1:]))
            argmax = np.abs(rand("int64", *y.shape)) % size
            case("MaxPoolGradWithArgmax", x, rand(dtype, *y.shape), argmax, **attrs, **LOOSE.get(dtype, {}))
for dtype in INTS:
    case("MaxPool", rand(dtype, 2, 4, 4, 3), ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")
case("MaxPool", np.ones((1, 4, 4, 2), "float32"), ksize=[1, 3, 3, 1], strides=[1, 2, 2, 1], padding="SAME")
case(
    "MaxPool",
    rand("float32", 2, 3, 3, 6),
    ksize=[1, 1, 1, 2],
    strides=[1, 1, 1, 2],
    padding="VALID",
    grad=False,
    why="TensorFlow has no gradient over channels",
)
case(
    "MaxPool",
    rand("float32", 2, 5, 5, 3),
    ksize=[1, 3, 3, 1],
    strides=[1, 2, 2, 1],
    padding="EXPLICIT",
    explicit_paddings=[0, 0, 1, 1, 1, 0, 0, 0],
)
case(
    "MaxPool",
    np.array([[-np.inf, -np.inf, 1, 2]], "float32").reshape(1, 2, 2, 1),
    ksize=[1, 1, 2, 1],
    strides=[1, 1, 2, 1],
    padding="VALID",
    grad=False,
    why="infinite",
)
case("MaxPool", rand("float32", 0, 4, 4, 3), ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")
case(
    "AvgPool",
    rand("float32", 0, 4, 4, 3),
    ksize=[1, 2, 2, 1],
    strides=[1, 2, 2, 1],
    padding="SAME",
    grad=False,
    why="empty",
)
X = rand("float32", 2, 4, 4, 3)
for op in ("MaxPool", "AvgPool", "MaxPoolWithArgmax"):
    bad(op, X, ksize=[1, 5, 5, 1], strides=[1] * 4, padding="VALID", code="INVALID_ARGUMENT")
    bad(op, X, ksize=[1, 2, 2], strides=[1, 2, 2], padding="SAME", code="INVALID_ARGUMENT")
    bad(op, X, ksize=[1, 2, 2, 1], strides=[1, 0, 2, 1], padding="SAME", code="INVALID_ARGUMENT")
    bad(op, rand("float32", 4, 4, 3), ksize=[1, 2, 2, 1], strides=[1] * 4, padding="SAME", code="INVALID_ARGUMENT")
for op in ("MaxPool", "AvgPool"):
    bad(op, X, ksize=[2, 2, 2, 1], strides=[1] * 4, padding="SAME", code="UNIMPLEMENTED")
bad("MaxPoolV2", X, const([1, 2, 2]), const([1] * 4), padding="SAME", code="INVALID_ARGUMENT")
POOL = {"ksize": [1, 2, 2, 1], "strides": [1, 2, 2, 1], "padding": "SAME"}
bad("MaxPoolGrad", X, rand("float32", 2, 2, 2, 3), rand("float32", 2, 3, 2, 3), **POOL, code="INVALID_ARGUMENT")
bad("MaxPoolGrad", X, rand("float32", 2, 3, 2, 3), rand("float32", 2, 2, 2, 3), **POOL, code="INVALID_ARGUMENT")
bad(
    "AvgPoolGrad",
    const([2, 4, 4, 3]),
    rand("float32", 2, 3, 2, 3),
    **POOL,
    code="INVALID_ARGUMENT",
    tf=False,
    why="TensorFlow reads past the end",
)
bad(
    "MaxPoolGradWithArgmax",
    X,
    rand("float32", 2, 2, 2, 3),
    np.full((2, 2, 2, 3), 48),
    **POOL,
    tf=False,
    why="TensorFlow aborts",
    code="INVALID_ARGUMENT",
)

VOLUME = {"ksize": [1, 2, 2, 2, 1], "strides": [1, 2, 2, 2, 1]}
for padding in ("SAME", "VALID"):
    for dtype in ("float32", "bfloat16"):
        x = distinct(dtype, 2, 4, 4, 2, 3)
        case("MaxPool3D", x, padding=padding, **VOLUME, **LOOSE.get(dtype, {}))
        y = x.reshape(2, 2, 2, 2, 2, 1, 2, 3).max(axis=(2, 4, 6))
        case("MaxPool3DGrad", x, y, rand(dtype, *y.shape), padding=padding, fd=False, **VOLUME, **LOOSE.get(dtype, {}))
    x = distinct("float32", 2, 4, 4, 2, 3)
    y = x.reshape(2, 2, 2, 2, 2, 1, 2, 3).max(axis=(2, 4, 6))
    case("MaxPool3DGradGrad", x, y, rand("float32", *x.shape), padding=padding, fd=False, **VOLUME)
    for dtype in ("float32", "bfloat16"):
        case("AvgPool3D", rand(dtype, 1, 3, 4, 5, 2), padding=padding, **VOLUME, **LOOSE.get(dtype, {}))
        case(
            "AvgPool3DGrad",
            const([1, 4, 4, 2, 2]),
            rand(dtype, 1, 2, 2, 1, 2),
            padding=padding,
            **VOLUME,
            **LOOSE.get(dtype, {}),
        )
bad("MaxPool3D", X, padding="SAME", **VOLUME, code="INVALID_ARGUMENT")
bad("AvgPool3D", rand("float32", 1, 1, 1, 1, 2), padding="VALID", **VOLUME, code="INVALID_ARGUMENT")
