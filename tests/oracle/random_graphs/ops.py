"""The units that random recipes draw from. Each takes a Maker and adds a unit, or does nothing where no value fits."""

import numpy as np

from oracle.random_graphs import flow
from oracle.random_graphs.recipe import IN0, IN1, IN2, Unit

FLOAT = ("float32", "float64", "float16", "bfloat16")
WIDE = ("float32", "float64")


def is_float(v):
    return v.dtype in FLOAT


def is_wide(v):
    return v.dtype in WIDE


def calm(unit, node, value, bound):
    """Ends a float unit: what may have grown large goes through Tanh."""
    if bound > 200:
        node, bound = unit.node("Tanh", node), 1.0
    unit.gives(node, value.dtype, value.shape, bound=max(bound, 1.0))


# --- elementwise ---

SMOOTH = ("Relu", "Tanh", "Sigmoid", "Neg", "Abs", "Softplus", "Elu", "LeakyRelu", "Square", "Relu6", "Softsign", "Sin")
KEEPS_EXACT = {"Neg", "Abs", "Relu"}


def unary(m):
    x = m.pick(is_float)
    if x is None:
        return
    op = m.choose(SMOOTH)
    unit = Unit(op, [x])
    bound = x.bound**2 if op == "Square" else x.bound
    if op in KEEPS_EXACT:
        unit.gives(unit.node(op, IN0), x.dtype, x.shape, exact=x.exact, bound=bound)
    else:
        calm(unit, unit.node(op, IN0), x, bound)
    m.add(unit)


def guarded(m):
    """Functions that need a domain: their argument is brought into it first."""
    x = m.pick(is_wide)
    if x is None:
        return
    unit = Unit("guarded", [x])
    positive = unit.node("AddV2", unit.node("Abs", IN0), unit.const(0.5, x.dtype))
    op = m.choose(("Sqrt", "Rsqrt", "Log", "Reciprocal", "Log1p"))
    calm(unit, unit.node(op, positive), x, max(x.bound, 4))
    m.add(unit)


def broadcast_shape(a, b):
    try:
        return np.broadcast_shapes(a, b)
    except ValueError:
        return None


def operands(m, want):
    """Two values of one dtype that broadcast; the second is made if there is none."""
    x = m.pick(want)
    if x is None:
        return None
    y = m.pick(lambda v: v.dtype == x.dtype and broadcast_shape(v.shape, x.shape) is not None)
    if y is None or m.chance(0.3):
        shape = tuple(d if m.chance(0.6) else 1 for d in x.shape)[m.random.randint(0, len(x.shape) + 1) :]
        y = m.source(x.dtype, shape)
    return (x, y, broadcast_shape(x.shape, y.shape)) if np.prod(broadcast_shape(x.shape, y.shape)) < 1e5 else None


def binary(m):
    found = operands(m, is_float)
    if not found:
        return
    x, y, shape = found
    op = m.choose(("AddV2", "Sub", "Mul", "Maximum", "Minimum", "SquaredDifference", "Add", "Mul", "AddV2"))
    unit = Unit(op, [x, y])
    node = unit.node(op, IN0, IN1)
    exact = x.exact and y.exact and op not in ("Mul", "SquaredDifference") and x.bound + y.bound < 64
    bound = x.bound * y.bound if op == "Mul" else x.bound + y.bound
    bound = bound**2 if op == "SquaredDifference" else bound
    if bound > 200:
        node, bound, exact = unit.node("Tanh", node), 1.0, False
    unit.gives(node, x.dtype, shape, exact=exact, bound=bound)
    m.add(unit)


def divide(m):
    found = operands(m, is_wide)
    if not found:
        return
    x, y, shape = found
    unit = Unit("divide", [x, y])
    positive = unit.node("AddV2", unit.node("Abs", IN1), unit.const(1.0, x.dtype))
    unit.gives(unit.node("RealDiv", IN0, positive), x.dtype, shape, bound=x.bound)
    m.add(unit)


def integers(m):
    found = operands(m, lambda v: v.dtype in ("int32", "int64"))
    if not found:
        return
    x, y, shape = found
    op = m.choose(("AddV2", "Sub", "Mul", "Maximum", "FloorMod", "FloorDiv"))
    unit = Unit(op, [x, y])
    right = IN1
    if op.startswith("Floor"):
        right = unit.node("AddV2", unit.node("Abs", IN1), unit.const(1, x.dtype))
    # Kept small, so that a cast to a float is exact.
    node = unit.node("FloorMod", unit.node(op, IN0, right), unit.const(31, x.dtype))
    unit.gives(node, x.dtype, shape, exact=True, bound=31)
    m.add(unit)


def compare(m):
    found = operands(m, lambda v: v.exact and v.dtype != "bool")
    if not found or not found[1].exact:
        return
    x, y, shape = found
    unit = Unit("compare", [x, y])
    op = m.choose(("Less", "LessEqual", "Greater", "GreaterEqual", "Equal", "NotEqual"))
    unit.gives(unit.node(op, IN0, IN1), "bool", shape, exact=True, bound=1)
    m.add(unit)


def logical(m):
    found = operands(m, lambda v: v.dtype == "bool")
    if not found:
        return
    x, y, shape = found
    unit = Unit("logical", [x, y])
    node = unit.node(m.choose(("LogicalAnd", "LogicalOr")), IN0, IN1)
    unit.gives(unit.node("LogicalNot", node) if m.chance(0.3) else node, "bool", shape, exact=True, bound=1)
    m.add(unit)


def select(m):
    found = operands(m, is_float)
    if not found:
        return
    x, y, shape = found
    condition = m.pick(lambda v: v.dtype == "bool" and broadcast_shape(v.shape, shape) == shape)
    condition = condition or m.source("bool", shape)
    unit = Unit("select", [condition, x, y])
    node = unit.node("SelectV2", IN0, IN1, IN2)
    unit.gives(node, x.dtype, shape, exact=x.exact and y.exact, bound=max(x.bound, y.bound))
    m.add(unit)


def cast(m):
    x = m.pick(lambda v: True)
    targets = [*FLOAT, "int32", "int64"] if x.exact and x.bound < 32 else [*FLOAT]
    target = m.choose(targets)
    unit = Unit("cast", [x])
    exact = x.exact and x.bound < 32
    unit.gives(unit.node("Cast", IN0, DstT=target), target, x.shape, exact=exact, bound=max(x.bound, 1))
    m.add(unit)


def clip(m):
    x = m.pick(is_float)
    if x is None:
        return
    unit = Unit("clip", [x])
    node = unit.node("ClipByValue", IN0, unit.const(-1.5, x.dtype), unit.const(2.0, x.dtype))
    unit.gives(node, x.dtype, x.shape, exact=x.exact, bound=2)
    m.add(unit)


def add_n(m):
    x = m.pick(is_float)
    if x is None:
        return
    others = [v for v in m.pool if v.dtype == x.dtype and v.shape == x.shape and v.bound < 64][-3:]
    unit = Unit("AddN", [x, *others])
    node = unit.node("AddN", [("in", i) for i in range(1 + len(others))])
    calm(unit, node, x, x.bound + sum(v.bound for v in others))
    m.add(unit)


# --- what the simplifier looks for ---


def trivial(m):
    """x + 0, x * 1, identities, reshapes there and back, transposes there and back, work on constants."""
    x = m.pick(is_float)
    if x is None:
        return
    unit = Unit("trivial", [x])
    kind = m.random.randint(6)
    if kind == 0:
        node = unit.node("AddV2", IN0, unit.const(0.0, x.dtype))
    elif kind == 1:
        node = unit.node("Mul", unit.const(1.0, x.dtype), IN0)
    elif kind == 2:
        node = unit.node("Identity", unit.node("Identity", IN0))
    elif kind == 3:
        flat = unit.node("Reshape", IN0, unit.const([-1], "int32"))
        node = unit.node("Reshape", flat, unit.const(list(x.shape), "int32"))
    elif kind == 4:
        order = m.random.permutation(len(x.shape)).astype(np.int32)
        there = unit.node("Transpose", IN0, unit.const(order, "int32"))
        node = unit.node("Transpose", there, unit.const(np.argsort(order).astype(np.int32), "int32"))
    else:
        folded = unit.node("Mul", unit.const(0.5, x.dtype), unit.const(0.25, x.dtype))
        node = unit.node("AddV2", IN0, unit.node("Sub", folded, unit.const(0.125, x.dtype)))
    unit.gives(node, x.dtype, x.shape, exact=x.exact, bound=x.bound)
    m.add(unit)


def twin(m):
    """A second node like one that is there: a common subexpression."""
    units = [u for u in m.recipe.units if u.feed is None and u.initial < 0 and not u.fixed and not u.after]
    if not units:
        return
    old = m.choose(units)
    unit = Unit(old.kind, old.inputs, old.nodes, old.outputs, [], old.back_edges)
    unit.values = [type(v)(v.dtype, v.shape, v.exact, v.bound) for v in old.values]
    m.add(unit)


def chain(m):
    """Several elementwise steps in a row, for fusion."""
    for _ in range(m.random.randint(2, 7)):
        m.choose((unary, binary, unary, binary, clip, select))(m)


# --- products, convolutions, normalisation ---


def matmul(m):
    x = m.pick(lambda v: v.dtype in ("float32", "float64") and len(v.shape) == 2)
    x = x or m.source("float32", m.shape(2))
    ta, tb = m.chance(0.3), m.chance(0.3)
    inner, rows = (x.shape[0], x.shape[1]) if ta else (x.shape[1], x.shape[0])
    columns = int(m.choose((1, 3, 8, 16, 17)))
    w = m.source(x.dtype, (columns, inner) if tb else (inner, columns))
    unit = Unit("MatMul", [x, w])
    node = unit.node("MatMul", IN0, IN1, transpose_a=ta, transpose_b=tb)
    bound = x.bound * 4 * inner
    node = finish_layer(m, unit, node, x.dtype, columns, residual=(rows, columns))
    if bound > 200:
        node, bound = unit.node("Tanh", node), 1.0
    unit.gives(node, x.dtype, (rows, columns), bound=bound)
    m.add(unit)


def finish_layer(m, unit, node, dtype, channels, residual):
    """Perhaps a bias, an activation, a residual addition."""
    if m.chance(0.7):
        bias = unit.const(m.numbers(dtype, (channels,)), dtype)
        node = unit.node(m.choose(("BiasAdd", "BiasAdd", "AddV2")), node, bias)
    other = m.pick(lambda v: v.dtype == dtype and v.shape == residual and v.bound < 64, 4) if m.chance(0.4) else None
    if other is not None:
        unit.inputs.append(other)
        node = unit.node("AddV2", node, ("in", len(unit.inputs) - 1))
    if m.chance(0.7):
        node = unit.node(m.choose(("Relu", "Relu", "Relu6", "Tanh", "Sigmoid", "Elu")), node)
    return node


def batch_matmul(m):
    x = m.pick(lambda v: is_wide(v) and len(v.shape) in (3, 4))
    if x is None:
        return
    w = m.source(x.dtype, (*(d if m.chance(0.7) else 1 for d in x.shape[:-2]), x.shape[-1], 3))
    unit = Unit("BatchMatMulV2", [x, w])
    node = unit.node("Tanh", unit.node("BatchMatMulV2", IN0, IN1))
    unit.gives(node, x.dtype, (*x.shape[:-1], 3), bound=1)
    m.add(unit)


def same_size(size, stride):
    return -(-size // stride)


def conv(m):
    x = m.pick(lambda v: v.dtype == "float32" and len(v.shape) == 4 and min(v.shape) > 0 and v.bound < 64, 20)
    x = x or m.source("float32", (2, 9, 8, int(m.choose((1, 3, 4)))))
    n, h, w, c = x.shape
    k, out, stride = int(m.choose((1, 2, 3, 5))), int(m.choose((1, 4, 8))), int(m.choose((1, 1, 2)))
    filters = m.source("float32", (k, k, c, out))
    unit = Unit("Conv2D", [x, filters])
    node = unit.node("Conv2D", IN0, IN1, strides=[1, stride, stride, 1], padding="SAME")
    shape = (n, same_size(h, stride), same_size(w, stride), out)
    if m.chance(0.3):
        node = normalise(m, unit, node, out)
    node = finish_layer(m, unit, node, "float32", out, shape)
    unit.gives(unit.node("Tanh", node), "float32", shape, bound=1)
    m.add(unit)


def normalise(m, unit, node, channels):
    """Batch normalisation, of training or of inference."""
    training = m.chance(0.5)
    scale, offset = (unit.const(m.numbers("float32", (channels,)), "float32") for _ in range(2))
    mean = unit.const([] if training else m.numbers("float32", (channels,)), "float32")
    variance = unit.const([] if training else np.abs(m.numbers("float32", (channels,))) + 1, "float32")
    return unit.node("FusedBatchNormV3", node, scale, offset, mean, variance, is_training=training, epsilon=0.1)


def pool(m):
    x = m.pick(lambda v: v.dtype == "float32" and len(v.shape) == 4 and min(v.shape) > 0)
    if x is None:
        return
    n, h, w, c = x.shape
    stride, op = int(m.choose((1, 2))), m.choose(("MaxPool", "AvgPool"))
    unit = Unit(op, [x])
    node = unit.node(op, IN0, ksize=[1, 2, 2, 1], strides=[1, stride, stride, 1], padding="SAME")
    unit.gives(node, "float32", (n, same_size(h, stride), same_size(w, stride), c), bound=x.bound)
    m.add(unit)


def softmax(m):
    x = m.pick(lambda v: is_wide(v) and len(v.shape) == 2 and v.shape[1] > 0)
    if x is None:
        return
    rows, classes = x.shape
    unit = Unit("softmax", [x])
    kind = m.random.randint(3)
    if kind == 0:
        op = m.choose(("Softmax", "LogSoftmax"))
        unit.gives(unit.node(op, IN0), x.dtype, x.shape, bound=max(x.bound, 4))
    elif kind == 1:
        labels = unit.const(m.random.randint(0, classes, (rows,)), "int64")
        unit.gives(
            unit.node("SparseSoftmaxCrossEntropyWithLogits", IN0, labels), x.dtype, (rows,), bound=2 * x.bound + 4
        )
    else:
        labels = unit.node("Softmax", unit.const(m.numbers(x.dtype, x.shape), x.dtype))
        node = unit.node("SoftmaxCrossEntropyWithLogits", IN0, labels)
        unit.gives(node, x.dtype, (rows,), bound=2 * x.bound + 4)
    m.add(unit)


def reduce(m):
    x = m.pick(lambda v: is_float(v) and len(v.shape) > 0 and min(v.shape) > 0)
    if x is None:
        return
    rank = len(x.shape)
    axes = sorted(m.random.permutation(rank)[: m.random.randint(1, rank + 1)].tolist())
    keep = m.chance(0.4)
    op = m.choose(("Sum", "Mean", "Max", "Min", "Sum", "Mean"))
    given = [a - rank if m.chance(0.3) else a for a in axes]
    unit = Unit(op, [x])
    node = unit.node(op, IN0, unit.const(given, m.choose(("int32", "int64"))), keep_dims=keep)
    shape = tuple(1 if i in axes else d for i, d in enumerate(x.shape) if keep or i not in axes)
    count = int(np.prod([x.shape[a] for a in axes]))
    if op == "Sum":
        calm(unit, node, type(x)(x.dtype, shape), x.bound * count)
    else:
        exact = x.exact and op in ("Max", "Min")
        unit.gives(node, x.dtype, shape, exact=exact, bound=x.bound)
    m.add(unit)


def arg(m):
    x = m.pick(lambda v: v.exact and is_float(v) and len(v.shape) > 0 and min(v.shape) > 0)
    if x is None:
        return
    axis = int(m.random.randint(len(x.shape)))
    unit = Unit("arg", [x])
    node = unit.node(m.choose(("ArgMax", "ArgMin")), IN0, unit.const(axis, "int32"), output_type="int32")
    unit.gives(node, "int32", x.shape[:axis] + x.shape[axis + 1 :], exact=True, bound=20)
    m.add(unit)


WEIGHTS = None


def draw(random):
    """One of the generators, by weight."""
    global WEIGHTS
    from oracle.random_graphs import shapes

    if WEIGHTS is None:
        table = {
            unary: 6, guarded: 2, binary: 8, divide: 2, integers: 3, compare: 2, logical: 1, select: 2, cast: 3,
            clip: 1, add_n: 1, trivial: 4, twin: 3, chain: 3, matmul: 4, batch_matmul: 1, conv: 3, pool: 2, softmax: 2,
            reduce: 4, arg: 1, shapes.reshape: 3, shapes.transpose: 2, shapes.concat: 2, shapes.split: 2,
            shapes.pack: 1, shapes.piece: 3, shapes.pad: 1, shapes.tile: 1, shapes.gather: 2, shapes.one_hot: 1,
            shapes.from_shape: 1, shapes.found: 1, flow.cond: 1.5, flow.loop: 1.5, flow.variable: 1.5, flow.train: 1,
            flow.update: 2.5, flow.descend: 0.7, flow.random: 2,
        }  # fmt: skip
        weights = np.array(list(table.values()), float)
        WEIGHTS = list(table), np.cumsum(weights / weights.sum())
    generators, edges = WEIGHTS
    return generators[min(int(np.searchsorted(edges, random.random_sample())), len(generators) - 1)]


def read_last(m, variable):
    """A read of VARIABLE after all that happened to it."""
    return flow.read(m, variable)


def gradients(m):
    """Differentiates a sum of a smooth value by float sources before it."""
    y = m.pick(lambda v: is_wide(v) and not v.exact)
    if y is None:
        return
    xs = [
        v for v in m.pool if v.unit < y.unit and v.dtype in WIDE and m.recipe.units[v.unit].kind in ("feed", "constant")
    ]
    if not xs:
        return
    unit = Unit("total", [y])
    axes = unit.const(np.arange(len(y.shape), dtype=np.int32), "int32")
    unit.gives(unit.node("Mean", IN0, axes), y.dtype, (), bound=y.bound)
    total = m.add(unit)[0]
    m.recipe.gradients.append((total, [m.choose(xs) for _ in range(2)]))
