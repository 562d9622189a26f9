"""Variables of both kinds: assignment, updates in place, rows, slices, counting, life and death."""

import numpy as np

from oracle.api import bad, case, const, ints, program, rand, resource, special, var

FLOATS = ["float32", "float64", "float16", "bfloat16"]
INTS = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]
COMPLEX = ["complex64", "complex128"]
INVALID = "INVALID_ARGUMENT"
FAILED = "FAILED_PRECONDITION"

# --- whole variables ---

for dtype in [*FLOATS, *INTS, *COMPLEX, "bool", "string"]:
    case("Assign", var(rand(dtype, 2, 3)), rand(dtype, 2, 3))
    case("AssignVariableOp", resource(rand(dtype, 2, 3)), rand(dtype, 2, 3), dtype=dtype)
    case("ReadVariableOp", resource(rand(dtype, 5)), dtype=dtype)
for dtype in [*FLOATS, *INTS, *COMPLEX]:
    for op in ["AssignAdd", "AssignSub"]:
        for shape in [(), (0,), (17,), (3, 5)] if dtype == "float32" else [(33,)]:
            case(op, var(rand(dtype, *shape)), rand(dtype, *shape))
            case(op.replace("Assign", "Assign") + "VariableOp", resource(rand(dtype, *shape)), rand(dtype, *shape))
case("AssignAdd", var(rand("float32", 70001)), rand("float32", 70001))
case("AssignSubVariableOp", resource(rand("float32", 70001)), rand("float32", 70001))
case("AssignAdd", var(special("float32")), special("float32"))
case("AssignAdd", var(special("int8")), special("int8"))
case("AssignSub", var(special("int32")), special("int32")[::-1].copy())
case("Assign", var(rand("float32", 2, 3)), rand("float32", 4), validate_shape=False)
case("AssignVariableOp", resource(rand("float32", 0)), rand("float32", 0))
bad("Assign", var(rand("float32", 2, 3)), rand("float32", 3, 2), code=INVALID)
bad("AssignAdd", var(rand("float32", 2, 3)), rand("float32", 3), code=INVALID)
bad("AssignSub", var(rand("float32", 2, 3)), rand("float32"), code=INVALID)
bad("AssignAddVariableOp", resource(rand("float32", 2, 3)), rand("float32", 3), code=INVALID)
bad("AssignVariableOp", resource(rand("float32", 2, 3)), rand("int32", 2, 3), dtype="int32", code=INVALID)
bad("AssignVariableOp", resource(rand("float32", 2, 3)), rand("float32", 3, 2), validate_shape=True, code=INVALID)
bad("ReadVariableOp", resource(rand("float32", 2)), dtype="int32", code=INVALID)

for kind in ["int32", "int64"]:
    case("VariableShape", resource(rand("float32", 2, 0, 3)), out_type=kind)
    case("VariableShape", resource(rand("float32")), out_type=kind)
case("IsVariableInitialized", var(rand("float32", 2)))
case("VarIsInitializedOp", resource(rand("float32", 2)))
case("DisableCopyOnRead", resource(rand("float32", 2)))

for dtype in ["int32", "int64"]:
    case("CountUpTo", var(np.array(3, dtype)), limit=5)
    case("ResourceCountUpTo", resource(np.array(3, dtype)), limit=5, T=dtype)
    bad("CountUpTo", var(np.array(5, dtype)), limit=5, code="OUT_OF_RANGE")
    bad("ResourceCountUpTo", resource(np.array(5, dtype)), limit=5, T=dtype, code="OUT_OF_RANGE")
bad("CountUpTo", var(np.array([5], "int32")), limit=5, code=INVALID)

# --- rows ---

for name in ["Update", "Add", "Sub", "Mul", "Div", "Min", "Max"]:
    ordered = name in ("Min", "Max")
    for dtype in FLOATS + INTS + ([] if ordered else COMPLEX) + (["bool", "string"] if name == "Update" else []):
        updates = ints(dtype, 1, 5, 4, 3) if name == "Div" and dtype in INTS else rand(dtype, 4, 3)
        indices = np.array([2, 0, 2, 4], "int32")
        if not ordered or dtype in [*FLOATS, "int32", "int64"]:
            case("Scatter" + name, var(rand(dtype, 5, 3)), indices, updates)
        case("ResourceScatter" + name, resource(rand(dtype, 5, 3)), indices.astype("int64"), updates)
    x = rand("float32", 5, 2)
    for op, at in [("Scatter" + name, var), ("ResourceScatter" + name, resource)]:
        case(op, at(x), np.array([[1, 2], [3, 3]], "int64"), rand("float32", 2, 2, 2))
        case(op, at(x), np.array([1, 4], "int32"), np.float32(1.5))
        case(op, at(x), np.array(3, "int32"), rand("float32", 2))
        case(op, at(x), np.zeros(0, "int32"), rand("float32", 0, 2))
        bad(op, at(x), np.array([1, 5], "int32"), rand("float32", 2, 2), code=INVALID)
        bad(op, at(x), np.array([1, -1], "int32"), rand("float32", 2, 2), code=INVALID)
        bad(op, at(x), np.array([1, 2], "int32"), rand("float32", 2, 3), code=INVALID)
        bad(op, at(x), np.array([1, 2], "int32"), rand("float32", 3, 2), code=INVALID)
        bad(op, at(rand("float32")), np.array([1, 2], "int32"), rand("float32", 2), code=INVALID)

for name in ["Update", "Add", "Sub"]:
    for dtype in [*FLOATS, *INTS, *COMPLEX, *(["bool", "string"] if name == "Update" else [])]:
        case("ScatterNd" + name, var(rand(dtype, 4, 3)), np.array([[1, 2], [3, 0], [1, 2]], "int32"), rand(dtype, 3))
        at = np.array([[1], [3]], "int64")
        case("ResourceScatterNd" + name, resource(rand(dtype, 4, 3)), at, rand(dtype, 2, 3))
    x = rand("float32", 4, 3)
    for op, at in [("ScatterNd" + name, var), ("ResourceScatterNd" + name, resource)]:
        case(op, at(x), np.array([[[1], [2]], [[0], [0]]], "int32"), rand("float32", 2, 2, 3))
        case(op, at(x), np.zeros((0, 1), "int32"), rand("float32", 0, 3))
        case(op, at(x), np.array([[9], [2]], "int32"), rand("float32", 2, 3), bad_indices_policy="IGNORE")
        bad(op, at(x), np.array([[1, 3]], "int32"), rand("float32", 1), code=INVALID)
        bad(op, at(x), np.array([[-1]], "int32"), rand("float32", 1, 3), code=INVALID)
        bad(op, at(x), np.array([[1]], "int32"), rand("float32", 1, 2), code=INVALID)
        bad(op, at(x), np.array([[1, 1, 1]], "int32"), rand("float32", 1), code=INVALID)

for op, at in [("StridedSliceAssign", var), ("ResourceStridedSliceAssign", resource)]:
    x = rand("float32", 5, 4)

    def spec(begin, end, strides, dtype="int32"):
        return [const(np.array(v, dtype)) for v in (begin, end, strides)]

    case(op, at(x), *spec([1], [4], [2]), rand("float32", 2, 4))
    case(op, at(x), *spec([1, 3], [4, 0], [1, -1]), rand("float32", 3, 3))
    case(op, at(x), *spec([2, 0], [3, 4], [1, 1], "int64"), rand("float32", 4), shrink_axis_mask=1)
    case(op, at(x), *spec([0, 0], [0, 2], [1, 1]), rand("float32", 5, 2), begin_mask=1, end_mask=1)
    case(op, at(x), *spec([0, 1], [0, 2], [1, 1]), rand("float32", 5), ellipsis_mask=1, shrink_axis_mask=2)
    case(op, at(x), *spec([1], [3], [1]), np.float32(2.5))
    case(op, at(x), *spec([3], [3], [1]), rand("float32", 0, 4))
    bad(op, at(x), *spec([1], [4], [2]), rand("float32", 3, 4), code=INVALID)
    bad(op, at(x), *spec([1], [4], [0]), rand("float32", 3, 4), code=INVALID)
    for dtype in ["float64", "int32", "bool", "bfloat16", "complex64", "string"]:
        case(op, at(rand(dtype, 7)), *spec([1], [7], [3]), rand(dtype, 2))

for dtype in [*FLOATS, *INTS, *COMPLEX, "bool", "string"]:
    case("ResourceGather", resource(rand(dtype, 5, 3)), np.array([2, 0, 2], "int32"), dtype=dtype)
    case("ResourceGatherNd", resource(rand(dtype, 5, 3)), np.array([[2, 1], [0, 0]], "int32"), dtype=dtype)
x = rand("float32", 3, 4, 2)
case("ResourceGather", resource(x), np.array([[2, 0], [1, 1]], "int64"), dtype="float32")
case("ResourceGather", resource(x), np.array(2, "int64"), dtype="float32")
case("ResourceGather", resource(x), np.zeros((0, 2), "int64"), dtype="float32")
case("ResourceGather", resource(x), ints("int32", 0, 4, 3, 5), dtype="float32", batch_dims=1)
case("ResourceGatherNd", resource(x), np.array([[[2], [0]]], "int64"), dtype="float32")
case("ResourceGatherNd", resource(x), np.zeros((2, 0), "int64"), dtype="float32")
bad("ResourceGather", resource(x), np.array([3], "int64"), dtype="float32", code=INVALID)
bad("ResourceGather", resource(x), np.array([-1], "int64"), dtype="float32", code=INVALID)
bad("ResourceGatherNd", resource(x), np.array([[0, 4]], "int64"), dtype="float32", code=INVALID)
bad("ResourceGatherNd", resource(x), np.array([[0, 0, 0, 0]], "int64"), dtype="float32", code=INVALID)

# --- several nodes or steps ---


def reference_life(g):
    v = g.op("VariableV2", shape=[3], dtype="float32", name="v")
    there = g.op("IsVariableInitialized", v)
    set_ = g.op("Assign", v, g.constant(np.array([1, 2, 3], "float32")))
    other = g.op("Assign", v, g.constant(np.array([4, 5], "float32")), validate_shape=False)
    add = g.op("AssignAdd", v, g.constant(np.array([1, 1, 1], "float32")))
    one = g.op("VariableV2", shape=[], dtype="int32", shared_name="same", name="a")
    two = g.op("VariableV2", shape=[], dtype="int32", shared_name="same", name="b")
    set_one = g.op("Assign", one, g.constant(np.array(5, "int32")))
    twice = g.op("AddV2", v, v)
    return [
        [there], (FAILED, [v]), (FAILED, [add]), (FAILED, [twice]), [set_], [there, v], [add], [twice], [other], [v],
        (INVALID, [add]), [set_one], [two],
    ]  # fmt: skip


program("life of a reference variable", reference_life)


def resource_life(g):
    h = g.op("VarHandleOp", shape=[3], dtype="float32", shared_name="h")
    there, read = g.op("VarIsInitializedOp", h), g.op("ReadVariableOp", h, dtype="float32")
    set_ = g.op("AssignVariableOp", h, g.constant(np.array([1, 2, 3], "float32")), dtype="float32")
    add = g.op("AssignAddVariableOp", h, g.constant(np.array([1, 1, 1], "float32")), dtype="float32")
    gather = g.op("ResourceGather", h, g.constant(np.array([1], "int32")), dtype="float32")
    scatter = g.op("ResourceScatterAdd", h, g.constant(np.array([1], "int32")), g.constant(np.array([1.0], "float32")))
    shape = g.op("VariableShape", h)
    destroy = g.op("DestroyResourceOp", h)
    strict = g.op("DestroyResourceOp", h, ignore_lookup_error=False)
    same = g.op("VarHandleOp", shape=[3], dtype="float32", shared_name="h", name="same")
    read_same = g.op("ReadVariableOp", same, dtype="float32")
    missing = "NOT_FOUND"
    return [
        [there], (FAILED, [read]), (missing, [add]), (missing, [gather]), (missing, [scatter]), (missing, [shape]),
        [destroy], (missing, [strict]), [set_], [there, read], [add], [scatter], [read, shape, gather], [read_same],
        [destroy], [there], (FAILED, [read_same]), [set_], [read_same], [strict], [there],
    ]  # fmt: skip


program("life of a resource variable", resource_life)


def temporary(g):
    t = g.op("TemporaryVariable", shape=[2], dtype="float32", var_name="t")
    one = g.op("Assign", t, g.constant(np.array([1, 2], "float32")))
    two = g.op("AssignAdd", one, g.constant(np.array([3, 3], "float32")))
    value = g.op("DestroyTemporaryVariable", two, var_name="t")
    wrong = g.op("DestroyTemporaryVariable", two, var_name="u")
    return [[value], [value], ("NOT_FOUND", [wrong])]


program("temporary variable", temporary)


def first_form(g):
    v = g.op("Variable", shape=[2, 2], dtype="int64")
    set_ = g.op("Assign", v, g.constant(np.array([[1, 2], [3, 4]], "int64")))
    return [(FAILED, [v]), [set_], [v]]


program("variable of the first form", first_form)


def control(g):
    """Updates in the order that control edges say; what was fetched before does not change after."""
    v = g.op("VariableV2", shape=[2], dtype="float32")
    set_ = g.op("Assign", v, g.constant(np.array([1, 2], "float32")))
    before = g.op("Identity", v)
    add = g.op("AssignAdd", v, g.constant(np.array([10, 10], "float32")), control_inputs=[before])
    after = g.op("Identity", v, control_inputs=[add])
    return [[set_], [after], [after]]


program("updates in order", control)
