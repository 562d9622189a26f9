"""Print, PrintV2 and Assert: what they pass on and when they fail. What they print has a test in test_print.py."""

import numpy as np

from oracle.api import bad, case, program, rand

for dtype in ["float32", "float64", "float16", "int8", "int64", "bool", "string", "complex64"]:
    case("Print", rand(dtype, 2, 3), [rand(dtype, 5), rand("float32")], message="seen: ", first_n=0)
case("Print", rand("float64", 2), [rand("float32", 5)], first_n=0)
case("PrintV2", np.array("", object), end="")
bad("PrintV2", np.array(["a", "b"], object), code="INVALID_ARGUMENT")
bad("PrintV2", np.array("a", object), output_stream="nowhere", code="INVALID_ARGUMENT")

case("Assert", np.array(True), [rand("float32", 5)])
bad("Assert", np.array(False), [rand("float32", 5), rand("string", 2)], code="INVALID_ARGUMENT")
bad("Assert", np.array([True]), [rand("float32", 5)], code="INVALID_ARGUMENT")
bad("Assert", np.array(1), [rand("float32", 5)], code="INVALID_ARGUMENT")


def guarded(g):
    """A value that is only there if the assertion holds."""
    x = g.placeholder("int32", [])
    check = g.op("Assert", g.op("Greater", x, g.constant(np.array(0, "int32"))), [x])
    y = g.op("Identity", x, control_inputs=[check])
    return [([y], {x: np.int32(3)}), ("INVALID_ARGUMENT", [y], {x: np.int32(-3)}), ([y], {x: np.int32(1)})]


program("a value behind an assertion", guarded)
