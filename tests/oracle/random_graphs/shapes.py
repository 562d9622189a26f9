"""Units that move elements: reshapes, transposes, joins and pieces."""

import numpy as np

from oracle.random_graphs.recipe import IN0, IN1, Unit


def moved(m, unit, node, x, shape, **more):
    """Ends a unit that only moves the elements of X."""
    unit.gives(node, x.dtype, shape, exact=x.exact, bound=x.bound, **more)
    m.add(unit)


def any_value(m, rank=1):
    return m.pick(lambda v: len(v.shape) >= rank)


def reshape(m):
    x = any_value(m, 0)
    size = int(np.prod(x.shape))
    factor = int(m.choose([d for d in (1, 2, 3, 4, 8) if size % d == 0]))
    shape = [(size,), (factor, size // factor), (size // factor, 1, factor), (1, factor, size // factor, 1)][
        m.random.randint(4)
    ]
    unit = Unit("reshape", [x])
    given = list(shape)
    if size and m.chance(0.5):
        given[m.random.randint(len(given))] = -1
    node = unit.node("Reshape", IN0, unit.const(given, "int32"))
    if m.chance(0.2):
        node = unit.node("Squeeze", unit.node("ExpandDims", node, unit.const(0, "int32")), squeeze_dims=[0])
    moved(m, unit, node, x, shape)


def transpose(m):
    x = any_value(m, 2)
    if x is None:
        return
    order = m.random.permutation(len(x.shape)).astype(np.int32)
    unit = Unit("transpose", [x])
    node = unit.node("Transpose", IN0, unit.const(order, "int32"))
    moved(m, unit, node, x, tuple(x.shape[i] for i in order))


def concat(m):
    x = any_value(m)
    if x is None:
        return
    axis = int(m.random.randint(len(x.shape)))

    def around(shape):
        return shape[:axis], shape[axis + 1 :]

    def fits(v):
        return v.dtype == x.dtype and len(v.shape) == len(x.shape) and around(v.shape) == around(x.shape)

    parts = [x, m.pick(fits) or x, m.pick(fits) or x][: m.random.randint(2, 4)]
    shape = (*x.shape[:axis], sum(v.shape[axis] for v in parts), *x.shape[axis + 1 :])
    if np.prod(shape) > 1e5:
        return
    unit = Unit("concat", parts)
    node = unit.node("ConcatV2", [("in", i) for i in range(len(parts))], unit.const(axis, "int32"))
    unit.gives(node, x.dtype, shape, exact=all(v.exact for v in parts), bound=max(v.bound for v in parts))
    m.add(unit)


def split(m):
    x = any_value(m)
    if x is None:
        return
    axis = int(m.random.randint(len(x.shape)))
    size = x.shape[axis]
    unit = Unit("split", [x])
    if m.chance(0.5) and size >= 2:
        cut = int(m.random.randint(1, size))
        sizes = [cut, size - cut]
        node = unit.node("SplitV", IN0, unit.const(sizes, "int64"), unit.const(axis, "int32"), num_split=2)
    else:
        pieces = int(m.choose([d for d in (1, 2, 3, 4) if size % d == 0]))
        sizes = [size // pieces] * pieces
        node = unit.node("Split", unit.const(axis, "int32"), IN0, num_split=pieces)
    for i, part in enumerate(sizes):
        shape = (*x.shape[:axis], part, *x.shape[axis + 1 :])
        unit.gives(node, x.dtype, shape, i, exact=x.exact, bound=x.bound)
    m.add(unit)


def pack(m):
    x = any_value(m, 0)
    if len(x.shape) > 4:
        return
    y = m.pick(lambda v: v.dtype == x.dtype and v.shape == x.shape) or x
    axis = int(m.random.randint(len(x.shape) + 1))
    unit = Unit("pack", [x, y])
    node = unit.node("Pack", [IN0, IN1], axis=axis)
    if m.chance(0.3):
        node = unit.node("Unpack", node, num=2, axis=axis)
        unit.gives(node, x.dtype, x.shape, 1, exact=y.exact, bound=y.bound)
        m.add(unit)
        return
    shape = (*x.shape[:axis], 2, *x.shape[axis:])
    unit.gives(node, x.dtype, shape, exact=x.exact and y.exact, bound=max(x.bound, y.bound))
    m.add(unit)


def piece(m):
    """Slice or StridedSlice."""
    x = any_value(m)
    if x is None or min(x.shape) == 0:
        return
    begin = [int(m.random.randint(d)) for d in x.shape]
    unit = Unit("piece", [x])
    if m.chance(0.5):
        sizes = [int(m.random.randint(1, d - b + 1)) for b, d in zip(begin, x.shape)]
        node = unit.node("Slice", IN0, unit.const(begin, "int32"), unit.const(sizes, "int32"))
        moved(m, unit, node, x, sizes)
        return
    step = [int(m.choose((1, 1, 2, -1))) for _ in x.shape]
    end = [int(m.random.randint(b + 1, d + 1)) if s > 0 else -d - 1 for b, d, s in zip(begin, x.shape, step)]
    parts = [unit.const(v, "int32") for v in (begin, end, step)]
    shape = np.empty(x.shape, bool)[tuple(slice(b, e, s) for b, e, s in zip(begin, end, step))].shape
    node = unit.node("StridedSlice", IN0, *parts)
    moved(m, unit, node, x, shape)


def pad(m):
    x = m.pick(lambda v: 1 <= len(v.shape) <= 4 and np.prod(v.shape) < 5000)
    if x is None:
        return
    widths = m.random.randint(0, 3, (len(x.shape), 2))
    unit = Unit("pad", [x])
    node = unit.node("Pad", IN0, unit.const(widths, "int32"))
    moved(m, unit, node, x, tuple(int(d + w.sum()) for d, w in zip(x.shape, widths)))


def tile(m):
    x = m.pick(lambda v: 1 <= len(v.shape) <= 3 and np.prod(v.shape) < 2000)
    if x is None:
        return
    times = [int(t) for t in m.random.randint(1, 3, len(x.shape))]
    unit = Unit("tile", [x])
    moved(m, unit, unit.node("Tile", IN0, unit.const(times, "int32")), x, tuple(d * t for d, t in zip(x.shape, times)))


def gather(m):
    x = any_value(m)
    if x is None or min(x.shape) == 0:
        return
    axis = int(m.random.randint(len(x.shape)))
    n = int(m.random.randint(1, 6))
    indices = m.random.randint(0, x.shape[axis], (n,))
    unit = Unit("gather", [x])
    node = unit.node("GatherV2", IN0, unit.const(indices, m.choose(("int32", "int64"))), unit.const(axis, "int32"))
    moved(m, unit, node, x, (*x.shape[:axis], n, *x.shape[axis + 1 :]))


def one_hot(m):
    x = m.pick(lambda v: v.dtype in ("int32", "int64") and len(v.shape) < 4)
    if x is None:
        return
    unit = Unit("one_hot", [x])
    values = unit.const(1.0, "float32"), unit.const(-0.5, "float32")
    node = unit.node("OneHot", IN0, unit.const(5, "int32"), *values)
    unit.gives(node, "float32", (*x.shape, 5), exact=True, bound=1)
    m.add(unit)


def found(m):
    """Shapes that only the step knows: Where and Unique, then a sum so that they end."""
    x = m.pick(lambda v: v.exact and 1 <= len(v.shape) <= 3 and v.dtype in ("float32", "int32") and v.bound < 64)
    if x is None:
        return
    unit = Unit("found", [x])
    where = m.chance(0.5)
    if where:
        items = unit.node("GatherNd", IN0, unit.node("Where", unit.node("Greater", IN0, unit.const(0, x.dtype))))
    else:
        whole = unit.node("Cast", unit.node("Mul", IN0, unit.const(8, x.dtype)), DstT="int32")
        items = unit.node("Unique", unit.node("Reshape", whole, unit.const([-1], "int32")))
    total = unit.node("Sum", items, unit.const([0], "int32"))
    if where and x.dtype == "float32":
        unit.gives(unit.node("Tanh", total), x.dtype, (), bound=1)
    else:
        unit.gives(unit.node("FloorMod", total, unit.const(31, "int32")), "int32", (), exact=True, bound=31)
    m.add(unit)


def from_shape(m):
    """Values that come from shapes: Shape, Fill, Range, and a reshape to another tensor's shape."""
    x = any_value(m)
    if x is None:
        return
    unit = Unit("from_shape", [x])
    shape = unit.node("Shape", IN0)
    kind = m.random.randint(3)
    if kind == 0:
        unit.gives(shape, "int32", (len(x.shape),), exact=True, bound=31 if max(x.shape) < 31 else 2000)
    elif kind == 1:
        unit.gives(unit.node("Fill", shape, unit.const(0.5, "float32")), "float32", x.shape, exact=True, bound=1)
    else:
        flat = unit.node("Reshape", IN0, unit.const([-1], "int32"))
        unit.gives(unit.node("Reshape", flat, shape), x.dtype, x.shape, exact=x.exact, bound=x.bound)
    m.add(unit)
