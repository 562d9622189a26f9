"""Connectionist temporal classification and edit distances."""

import numpy as np

from oracle.api import bad, case, rand

INVALID = "INVALID_ARGUMENT"
X = rand("float32", 7, 3, 5) * 2
LENGTHS = np.array([7, 4, 6], "int32")
PLACES = [[0, 0], [0, 1], [0, 2], [1, 0], [2, 0], [2, 1], [2, 2]]
LABELS = (np.array(PLACES, "int64"), np.array([0, 1, 1, 3, 2, 2, 0], "int32"))
CLOSE = {"rtol": 1e-4, "atol": 1e-5}

for dtype in ("float32", "float64"):
    for collapse in (False, True):
        for merge in (False, True):
            case(
                "CTCLoss", X.astype(dtype), *LABELS, LENGTHS, preprocess_collapse_repeated=collapse,
                ctc_merge_repeated=merge, grad=dtype == "float32", why="TensorFlow has no second gradient", **CLOSE,
            )  # fmt: skip
SHORT = {"ignore_longer_outputs_than_inputs": True, "grad": False, "why": "zero"}
case("CTCLoss", X, *LABELS, np.array([3, 1, 2], "int32"), **SHORT, **CLOSE)
bad("CTCLoss", X, *LABELS, np.array([7, 4, 2], "int32"), code=INVALID)
bad("CTCLoss", X, *LABELS, np.array([8, 4, 6], "int32"), code=INVALID)
bad("CTCLoss", X, *LABELS, LENGTHS[:2], code=INVALID)
bad("CTCLoss", X, LABELS[0], LABELS[1] + 2, LENGTHS, code=INVALID)
bad("CTCLoss", X[0], *LABELS, LENGTHS, code=INVALID)

for dtype in ("float32", "float64"):
    for merge in (False, True):
        case("CTCGreedyDecoder", X.astype(dtype), LENGTHS, merge_repeated=merge)
        for width, paths in ((1, 1), (3, 2), (10, 3), (100, 5)):
            options = {"beam_width": width, "top_paths": paths, "merge_repeated": merge, **CLOSE}
            case("CTCBeamSearchDecoder", X.astype(dtype), LENGTHS, **options)
for blank in (0, 2, -2):
    case("CTCGreedyDecoder", X, LENGTHS, blank_index=blank)
case("CTCGreedyDecoder", X, LENGTHS * 0)
bad("CTCGreedyDecoder", X, LENGTHS, blank_index=5, code=INVALID)
bad("CTCGreedyDecoder", X, LENGTHS + 1, code="FAILED_PRECONDITION")
bad("CTCBeamSearchDecoder", X, LENGTHS + 1, beam_width=3, top_paths=1, code="FAILED_PRECONDITION")
bad("CTCBeamSearchDecoder", X, LENGTHS, beam_width=3, top_paths=4, code=INVALID)


def sequences(dtype, rows):
    indices = [[i, j] for i, row in enumerate(rows) for j in range(len(row))]
    values = [x for row in rows for x in row]
    values = np.array([v.encode() for v in values], object) if dtype == "string" else np.array(values, dtype)
    return np.array(indices, "int64").reshape(-1, 2), values, np.array([len(rows), max(map(len, rows))], "int64")


A, B = ["kitten", "abc", "", "x", "same"], ["sitting", "", "xy", "x", "emas"]
for normalize in (False, True):
    case("EditDistance", *sequences("string", A), *sequences("string", B), normalize=normalize)
    numbers = [[ord(c) for c in s] for s in A], [[ord(c) for c in s] for s in B]
    for dtype in ("int32", "int64", "float32", "uint8"):
        case("EditDistance", *sequences(dtype, numbers[0]), *sequences(dtype, numbers[1]), normalize=normalize)
THREE = np.array([[0, 0, 0], [0, 1, 0], [1, 0, 0]], "int64"), np.array([1, 2, 3]), np.array([2, 2, 1], "int64")
case("EditDistance", *THREE, *THREE)
bad("EditDistance", *THREE, *sequences("int32", [[1], [2]]), code=INVALID)
bad("EditDistance", THREE[0], THREE[1][:2], THREE[2], *THREE, code=INVALID)
