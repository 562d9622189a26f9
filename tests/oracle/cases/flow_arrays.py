"""Tensor arrays: the ops of all three generations, their errors and their gradients."""

import numpy as np

from oracle.api import bad, program

X = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.25]], np.float64)


def i32(*values):
    return np.array(values if len(values) != 1 else values[0], np.int32)


def array(g, size=2, dtype="float64", **attrs):
    """(handle, flow) of a new array."""
    return g.op("TensorArrayV3", g.constant(i32(size)), dtype=dtype, **attrs)


def write(g, handle, index, value, flow):
    return g.op("TensorArrayWriteV3", handle, g.constant(i32(index)), value, flow)


def read(g, handle, index, flow, dtype="float64"):
    return g.op("TensorArrayReadV3", handle, g.constant(i32(index)), flow, dtype=dtype)


def gather(g, handle, indices, flow, dtype="float64", **attrs):
    return g.op(
        "TensorArrayGatherV3", handle, g.constant(np.array(indices, np.int32)), flow, dtype=dtype, **attrs
    )  # fmt: skip


def scatter(g, handle, indices, value, flow):
    return g.op("TensorArrayScatterV3", handle, g.constant(np.array(indices, np.int32)), value, flow)


def elements(g):
    """Written, read, stacked; and the gradient of it all."""
    x = g.placeholder("float64", [2, 3])
    handle, flow = array(g, 3, clear_after_read=False)
    for i, value in enumerate([x, g.op("Sin", x), g.op("Mul", x, x)]):
        flow = write(g, handle, i, value, flow)
    one = read(g, handle, 1, flow)
    some = gather(g, handle, [2, 0, 2], flow)
    y = g.op("Mul", g.op("Sum", some, g.constant(i32(0))), one)
    size = g.op("TensorArraySizeV3", handle, flow)
    return [([one, some, size, y, *g.gradients([y], [x])], {x: X})]


program("array_elements", elements)


def pieces(g):
    """Cut apart, put together in another order."""
    x = g.placeholder("float64", [2, 3])
    handle, flow = array(g)
    flow = scatter(g, handle, [1, 0], x, flow)
    y = gather(g, handle, [0, 1], flow)
    same, straight = array(g)
    straight = scatter(g, same, [0, 1], x, straight)
    z = gather(g, same, [0, 1], straight)
    total = g.op("Mul", g.op("Exp", y), z)
    return [([y, z, total, *g.gradients([total], [x])], {x: X})]


program("array_pieces", pieces)


def split(g):
    """Pieces of several lengths, one of them empty."""
    x = g.placeholder("float64", [5, 2])
    handle, flow = array(g, 3, clear_after_read=False)
    lengths = g.constant(np.array([2, 0, 3], np.int64))
    flow = g.op("TensorArraySplitV3", handle, x, lengths, flow)
    joined, found = g.op("TensorArrayConcatV3", handle, flow, dtype="float64")
    last = read(g, handle, 2, flow)
    y = g.op("Mul", g.op("Sin", joined), g.op("Sum", last, g.constant(i32(0))))
    fed = {x: np.arange(10.0).reshape(5, 2)}
    return [([joined, found, last, *g.gradients([y], [x])], fed)]


program("array_split", split)


def unread(g):
    """What was not read has a gradient of zeros."""
    x = g.placeholder("float64", [2, 3])
    handle, flow = array(g)
    flow = scatter(g, handle, [0, 1], x, flow)
    y = g.op("Square", read(g, handle, 1, flow))
    unwritten, start = array(g, element_shape=[2])
    return [([y, *g.gradients([y], [x])], {x: X}), read(g, unwritten, 0, start)]


program("array_unread", unread)


def dynamic(g):
    """An array that grows."""
    x = g.placeholder("float64", [2, 3])
    handle, flow = array(g, 0, dynamic_size=True, element_shape=[None, 3])
    flow = write(g, handle, 3, x, write(g, handle, 1, g.op("Neg", x), flow))
    size = g.op("TensorArraySizeV3", handle, flow)
    y = g.op("Mul", read(g, handle, 3, flow), g.op("Exp", read(g, handle, 1, flow)))
    return [([size, y, *g.gradients([y], [x])], {x: X})]


program("array_dynamic", dynamic)


def strings(g):
    handle, flow = array(g, 2, "string")
    flow = scatter(g, handle, [1, 0], g.constant(np.array([[b"a", b"longer than it"], [b"", b"b"]], object)), flow)
    return [gather(g, handle, [0, 1], flow, "string")]


program("array_strings", strings)


def empty(g):
    """Nothing in it: the shape comes from the attributes."""
    handle, flow = array(g, 0, element_shape=[2])
    joined, lengths = g.op(
        "TensorArrayConcatV3", handle, flow, dtype="float64", element_shape_except0=[3]
    )  # fmt: skip
    unknown = ("UNIMPLEMENTED", [gather(g, handle, [], flow)], {})
    return [unknown, gather(g, handle, [], flow, element_shape=[2]), [joined, lengths]]


program("array_empty", empty)


def gradient_array(g):
    """The array for gradients adds up what is written, and reads as zeros."""
    x = g.placeholder("float64", [2, 3])
    handle, flow = array(g, 3)
    flow = scatter(g, handle, [0, 1], x, flow)
    back, flow = g.op("TensorArrayGradV3", handle, flow, source="here")
    one = write(g, back, 1, g.constant(X[0]), flow)
    two = write(g, back, 1, g.constant(X[1]), one)
    both = g.op("Identity", two, control_inputs=[read(g, back, 0, two)])
    size = g.op("TensorArraySizeV3", back, both)
    values = [read(g, back, 0, two), read(g, back, 1, two), size]
    wide, on = g.op("TensorArrayGradWithShape", handle, flow, g.constant(np.array([2], np.int32)), source="wide")
    return [(values[1:], {x: X}), ([read(g, wide, 1, on)], {x: X})]


program("array_gradients", gradient_array)


def mistakes(g):
    """Errors of writing and reading."""
    x = g.constant(X)

    def fails(make, **attrs):
        handle, flow = array(g, 2, **attrs)
        return ("INVALID_ARGUMENT", [make(handle, flow)], {})

    steps = [
        fails(lambda h, f: write(g, h, 2, x, f)),
        fails(lambda h, f: write(g, h, -1, x, f), dynamic_size=True),
        fails(lambda h, f: write(g, h, 1, x, write(g, h, 1, x, f))),
        fails(lambda h, f: write(g, h, 1, x, f), element_shape=[None, 4]),
        fails(lambda h, f: write(g, h, 1, g.constant(X[0]), write(g, h, 0, x, f)), identical_element_shapes=True),
        fails(lambda h, f: write(g, h, 1, g.constant(i32(1)), f)),
        fails(lambda h, f: read(g, h, 0, f)),
        fails(lambda h, f: read(g, h, 2, f)),
        fails(lambda h, f: gather(g, h, [0, 1], write(g, h, 1, g.constant(X[0]), write(g, h, 0, x, f)))),
        fails(lambda h, f: gather(g, h, [0], write(g, h, 0, x, f), element_shape=[3])),
        fails(lambda h, f: gather(g, h, [0, 0], scatter(g, h, [0, 1], x, f))),
        fails(lambda h, f: scatter(g, h, [0, 2], x, f)),
        fails(lambda h, f: scatter(g, h, [0, -1], x, f)),
    ]
    handle, flow = array(g)
    flow = write(g, handle, 0, x, flow)
    closed = g.op("TensorArrayCloseV3", handle, control_inputs=[flow])
    after = g.op("Identity", flow, control_inputs=[closed])
    return [*steps, ("INVALID_ARGUMENT", [read(g, handle, 0, after)], {})]


program("array_mistakes", mistakes)


def split_mistakes(g):
    def fails(lengths, value, **attrs):
        handle, flow = array(g, 2, **attrs)
        made = g.op("TensorArraySplitV3", handle, value, g.constant(np.array(lengths, np.int64)), flow)
        return ("INVALID_ARGUMENT", [made], {})

    scalars, flow = array(g, 1)
    flow = write(g, scalars, 0, g.constant(np.float64(1)), flow)
    return [
        fails([1, 2], g.constant(X)),
        fails([1, 1, 0], g.constant(X)),
        ("INVALID_ARGUMENT", g.op("TensorArrayConcatV3", scalars, flow, dtype="float64"), {}),
    ]


program("array_split_mistakes", split_mistakes)


def second_generation(g):
    """Handles that are two strings."""
    x = g.placeholder("float64", [2, 3])
    size, at = g.constant(i32(2)), g.constant(i32(1))
    handle = g.op("TensorArrayV2", size, dtype="float64", clear_after_read=False)
    flow = g.op("TensorArrayScatterV2", handle, g.constant(i32(0, 1)), x, g.constant(np.float32(0)))
    values = [
        g.op("TensorArrayReadV2", handle, at, flow, dtype="float64"),
        g.op("TensorArrayGatherV2", handle, g.constant(i32(1, 0)), flow, dtype="float64"),
        *g.op("TensorArrayConcatV2", handle, flow, dtype="float64"),
        g.op("TensorArraySizeV2", handle, flow),
    ]
    back = g.op("TensorArrayGradV2", handle, flow, source="here")
    written = g.op("TensorArrayWriteV2", back, at, g.op("Neg", values[0]), flow)
    values.append(g.op("TensorArrayReadV2", back, at, written, dtype="float64"))
    other = g.op("TensorArrayV2", size, dtype="float64")
    cut = g.op("TensorArraySplitV2", other, x, g.constant(np.array([1, 1], np.int64)), flow)
    values.append(g.op("TensorArrayReadV2", other, at, cut, dtype="float64"))
    close = g.op("TensorArrayCloseV2", g.op("TensorArrayV2", size, dtype="float64"))
    return [(values, {x: X}), close]


program("array_second_generation", second_generation)


def first_generation(g):
    """Handles that are references."""
    x = g.placeholder("float64", [2, 3])
    size, at = g.constant(i32(2)), g.constant(i32(1))
    zero = g.constant(np.float32(0))
    handle = g.op("TensorArray", size, dtype="float64", clear_after_read=False)
    flow = g.op("TensorArrayScatter", handle, g.constant(i32(0, 1)), x, zero)
    values = [
        g.op("TensorArrayRead", handle, at, flow, dtype="float64"),
        g.op("TensorArrayGather", handle, g.constant(i32(1, 0)), flow, dtype="float64"),
        g.op("TensorArrayPack", handle, flow, dtype="float64"),
        *g.op("TensorArrayConcat", handle, flow, dtype="float64"),
        g.op("TensorArraySize", handle, flow),
    ]
    back = g.op("TensorArrayGrad", handle, flow, source="here")
    written = g.op("TensorArrayWrite", back, at, g.op("Neg", values[0]), flow)
    values.append(g.op("TensorArrayRead", back, at, written, dtype="float64"))
    other = g.op("TensorArray", size, dtype="float64")
    cut = g.op("TensorArraySplit", other, x, g.constant(np.array([1, 1], np.int64)), flow)
    values.append(g.op("TensorArrayRead", other, at, cut, dtype="float64"))
    third = g.op("TensorArray", size, dtype="float64")
    unpacked = g.op("TensorArrayUnpack", third, x, flow)
    values.append(g.op("TensorArrayRead", third, at, unpacked, dtype="float64"))
    close = g.op("TensorArrayClose", g.op("TensorArray", size, dtype="float64"))
    return [(values, {x: X}), close]


program("array_first_generation", first_generation)

bad("TensorArrayV3", i32(-1), dtype="float32", code="INVALID_ARGUMENT")
bad("TensorArrayV3", i32(1, 2), dtype="float32", code="INVALID_ARGUMENT")
