"""Gradients of gradients, and sparse gradients that stay so on their way, through the array ops."""

import numpy as np

from oracle.api import program, rand


def ints(*values):
    return np.array(values, "int32")


X = np.asarray(rand("float64", 4, 3, 2))
# Name -> a function of graph and input.
WAYS = {
    "Reshape": lambda g, x: g.op("Reshape", x, g.constant(ints(6, 4))),
    "Squeeze": lambda g, x: g.op("Squeeze", g.op("ExpandDims", x, g.constant(ints(1)[0]))),
    "ConcatV2": lambda g, x: g.op("ConcatV2", [x, x], g.constant(ints(1)[0])),
    "Split": lambda g, x: g.op("Split", g.constant(ints(0)[0]), x, num_split=2)[1],
    "SplitV": lambda g, x: g.op("SplitV", x, g.constant(ints(1, 3)), g.constant(ints(0)[0]), num_split=2)[1],
    "Pack": lambda g, x: g.op("Pack", [x, x], axis=1),
    "Unpack": lambda g, x: g.op("Unpack", x, num=3, axis=1)[1],
    "Slice": lambda g, x: g.op("Slice", x, g.constant(ints(1, 0, 1)), g.constant(ints(2, 3, 1))),
    "StridedSlice": lambda g, x: g.op(
        "StridedSlice", x, *(g.constant(v) for v in (ints(3, 0), ints(0, 1), ints(-2, 1))), shrink_axis_mask=2
    ),
    "Pad": lambda g, x: g.op("Pad", x, g.constant(ints([1, 0], [0, 0], [2, 1]))),
    "MirrorPad": lambda g, x: g.op("MirrorPad", x, g.constant(ints([1, 0], [1, 1], [0, 1])), mode="REFLECT"),
    "Tile": lambda g, x: g.op("Tile", x, g.constant(ints(1, 2, 3))),
    "Transpose": lambda g, x: g.op("Transpose", x, g.constant(ints(2, 0, 1))),
    "ReverseV2": lambda g, x: g.op("ReverseV2", x, g.constant(ints(0, 2))),
    "Roll": lambda g, x: g.op("Roll", x, g.constant(ints(1)), g.constant(ints(0))),
    "GatherV2, rows": lambda g, x: g.op("GatherV2", x, g.constant(ints(3, 0, 3)), g.constant(ints(0)[0])),
    "GatherV2, columns": lambda g, x: g.op("GatherV2", x, g.constant(ints(2, 2)), g.constant(ints(1)[0])),
    "GatherNd": lambda g, x: g.op("GatherNd", x, g.constant(ints([3, 0], [3, 0], [1, 2]))),
    "ScatterNd": lambda g, x: g.op("ScatterNd", g.constant(ints([1], [1], [0], [4])), x, g.constant(ints(5, 3, 2))),
    "TensorScatterUpdate": lambda g, x: g.op(
        "TensorScatterUpdate",
        x,
        g.constant(ints([1])),
        g.op("Slice", x, *(g.constant(v) for v in (ints(0, 0, 0), ints(1, 3, 2)))),
    ),
    "DynamicPartition": lambda g, x: g.op("DynamicPartition", x, g.constant(ints(0, 1, 1, 0)), num_partitions=2)[1],
    "DynamicStitch": lambda g, x: g.op("DynamicStitch", [g.constant(ints(3, 1, 0, 2))], [x]),
    "MatrixDiagPart": lambda g, x: g.op("MatrixDiagPart", x),
    "MatrixBandPart": lambda g, x: g.op(
        "MatrixBandPart", x, g.constant(np.array(0, "int64")), g.constant(np.array(-1, "int64"))
    ),
    "MatrixDiag": lambda g, x: g.op("MatrixDiag", x),
    "SpaceToBatchND": lambda g, x: g.op("SpaceToBatchND", x, g.constant(ints(2)), g.constant(ints([1, 0]))),
    "DepthToSpace": lambda g, x: g.op("DepthToSpace", g.op("Reshape", x, g.constant(ints(1, 3, 2, 4))), block_size=2),
    "IdentityN": lambda g, x: g.op("IdentityN", [x, x])[1],
    "CheckNumerics": lambda g, x: g.op("CheckNumerics", x, message=""),
}


def second_order(way):
    def build(g):
        x = g.placeholder("float64", [4, 3, 2])
        y = WAYS[way](g, x)
        cube = g.op("Mul", y, g.op("Mul", y, y))
        first = g.gradients([cube], [x])[0]
        second = g.gradients([g.op("Mul", first, first)], [x])[0]
        return [([first, second], {x: X})]

    return build


for name in WAYS:
    program(f"second order: {name}", second_order(name))


TABLE = np.asarray(rand("float64", 6, 2))


def sparse(axis, indices):
    """Rows of two tables that were joined: each table's part of the sparse gradient."""

    def build(g):
        a, b = g.placeholder("float64", [6, 2]), g.placeholder("float64", [6, 2])
        joined = g.op("Identity", g.op("ConcatV2", [a, b], g.constant(ints(axis)[0])))
        rows = g.op("GatherV2", joined, g.constant(np.array(indices, "int32")), g.constant(ints(0)[0]))
        more = g.op("GatherV2", joined, g.constant(ints(1, 1)), g.constant(ints(0)[0]))
        loss = [g.op("Mul", rows, rows), g.op("Mul", more, more)]
        return [(g.gradients(loss, [a, b]), {a: TABLE, b: TABLE + 1})]

    return build


program("sparse gradients through Concat, rows", sparse(0, [11, 0, 5, 6, 0]))
program("sparse gradients through Concat, columns", sparse(1, [5, 0, 3, 0]))


def of_unknown_sizes(g):
    """Concat of what is known when it runs: the slices are found there."""
    a, b = g.placeholder("float64"), g.placeholder("float64")
    axis = g.placeholder("int32", [])
    y = g.op("ConcatV2", [a, b], axis)
    grads = g.gradients([g.op("Mul", y, y)], [a, b])
    return [(grads, {a: TABLE, b: TABLE[:2], axis: np.array(-2, "int32")})]


program("Concat of unknown sizes", of_unknown_sizes)
