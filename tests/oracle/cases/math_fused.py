"""The internal op that fused groups of elementwise ops become: its kernels against each other."""

from oracle.api import case, rand

INTERNAL = {"tf": False, "grad": False, "shapes": False, "why": "internal"}
F, B, I = "float32", "bool", "int32"


def tape(*lines):
    """Lines of a tape."""
    return "\n".join(lines) + "\n"


TANH = tape("in float32", "in float32", "MUL 0 1", "TANH 2", "ADD 3 0", "out 4 float32", "out 3 float32")
for shape, row in [((3, 5), (5,)), ((33, 17), (33, 1)), ((700, 129), (129,)), ((4,), ()), ((7, 1025), (7, 1025))]:
    case(
        "_Fused",
        [rand(F, *shape), rand(F, *row)],
        Tin=[F, F],
        Tout=[F, F],
        shape=list(shape),
        out_shapes=[list(shape)] * 2,
        tape=TANH,
        **INTERNAL,
    )
CHOOSE = tape(
    "in bool", "in float32", "in int32", "GREATER 1 2", "AND 0 3", "SELECT 4 1 2", "out 5 float32", "out 4 bool"
)
case(
    "_Fused",
    [rand(B, 9, 4), rand(F, 4), rand(I, 9, 1)],
    Tin=[B, F, I],
    Tout=[F, B],
    shape=[9, 4],
    out_shapes=[[9, 4], [9, 4]],
    tape=CHOOSE,
    **INTERNAL,
)

NORM = tape("in float32", "SQUARE 0", "out 1 float32 sum", "out 0 float32 max", "out 1 float32 mean", "out 1 float32")
for rows, row in [(1, 1), (5, 31), (3, 64), (20, 97), (2, 5000), (1, 70001)]:
    case(
        "_Fused",
        [rand(F, rows, row)],
        Tin=[F],
        Tout=[F] * 4,
        shape=[rows, row],
        out_shapes=[[rows], [rows, 1], [rows], [rows, row]],
        reduced=1,
        tape=NORM,
        rtol=2e-5,
        atol=2e-5,
        **INTERNAL,
    )

BIAS = tape("in float32", "in float32", "RELU_GRAD 0 1", "out 2 float32", "out 2 float32 columns")
for rows, row in [(1, 1), (33, 17), (5000, 32), (3, 5000)]:
    case(
        "_Fused",
        [rand(F, rows, row), rand(F, rows, row)],
        Tin=[F, F],
        Tout=[F, F],
        shape=[rows, row],
        out_shapes=[[rows, row], [row]],
        reduced=1,
        tape=BIAS,
        rtol=2e-5,
        atol=2e-5,
        **INTERNAL,
    )
