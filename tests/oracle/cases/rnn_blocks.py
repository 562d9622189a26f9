"""Cells of recurrent networks as one op a step or a sequence."""

import numpy as np

from oracle.api import bad, case, rand

INVALID = "INVALID_ARGUMENT"
# TensorFlow 2.21 has lost the gradients of single steps; tests/api/test_block_rnn.py checks ours.
STEP = {"grad": False, "why": "no gradient in TensorFlow 2.21"}


def weights(dtype, inputs, cells):
    """w, wci, wcf, wco, b."""
    matrix = (rand("float32", inputs + cells, 4 * cells) * np.float32(0.5)).astype(dtype)
    return [matrix, *(rand(dtype, cells) for _ in range(3)), rand(dtype, 4 * cells)]


def like(dtype, count, *shape):
    """COUNT arrays of SHAPE, between the values that gates have."""
    return [(rand("float32", *shape) * np.float32(0.25) + np.float32(0.5)).astype(dtype) for _ in range(count)]


for dtype, close in (("float32", {"rtol": 1e-4, "atol": 1e-5}), ("float16", {"rtol": 2e-2, "atol": 3e-2})):
    for batch, inputs, cells in ((3, 5, 7), (1, 1, 1), (2, 17, 40), (4, 0, 3)):
        x, state, w = rand(dtype, batch, inputs), like(dtype, 2, batch, cells), weights(dtype, inputs, cells)
        steps = like(dtype, 8, batch, cells)
        for options in ({}, {"use_peephole": True, "cell_clip": 0.3}, {"forget_bias": 0.25, "cell_clip": -1.0}):
            case("LSTMBlockCell", x, *state, *w, **options, **close, **STEP)
        for peephole in (False, True):
            case("LSTMBlockCellGrad", x, *state, *w, *steps, use_peephole=peephole, **close)
for batch, inputs, cells in ((3, 5, 7), (1, 1, 1), (2, 17, 40)):
    close = {"rtol": 1e-4, "atol": 1e-4}
    x, h, u = rand("float32", batch, inputs), rand("float32", batch, cells), like("float32", 4, batch, cells)
    w = [rand("float32", inputs + cells, 2 * cells), rand("float32", inputs + cells, cells)]
    b = [rand("float32", 2 * cells), rand("float32", cells)]
    case("GRUBlockCell", x, h, *w, *b, **close, **STEP)
    case("GRUBlockCellGrad", x, h, *w, *b, *u, **close)

for dtype, close in (("float32", {"rtol": 1e-3, "atol": 1e-4}), ("float16", {"rtol": 3e-2, "atol": 6e-2})):
    for time, batch, inputs, cells in ((4, 3, 5, 7), (1, 1, 1, 1), (5, 2, 17, 20)):
        x, state, w = rand(dtype, time, batch, inputs), like(dtype, 2, batch, cells), weights(dtype, inputs, cells)
        whole = {"fd": dtype == "float32" and cells == 7, **close}
        for length in sorted({time, time - 1}):
            length = np.array(length, "int64")
            # What TensorFlow has behind the last step is whatever the memory held, but for cs and h.
            short = whole if length == time else {**whole, "tf": False, "why": "the rest is not set"}
            case("BlockLSTM", length, x, *state, *w, forget_bias=0.5, cell_clip=0.0, **short)
            # tests/api/test_block_rnn.py checks our gradient.
            second = {**short, "grad": False, "why": "TensorFlow takes that of BlockLSTM, with other gates"}
            case("BlockLSTMV2", length, x, *state, *w, use_peephole=True, **second)
        steps = like(dtype, 9, time, batch, cells)
        for op in ("BlockLSTMGrad", "BlockLSTMGradV2"):
            for peephole in (False, True):
                case(op, np.array(time, "int64"), x, *state, *w, *steps, use_peephole=peephole, **close)

x, state, w = rand("float32", 3, 5), like("float32", 2, 3, 7), weights("float32", 5, 7)
bad("LSTMBlockCell", x[:2], *state, *w, code=INVALID)
bad("LSTMBlockCell", x, *state, w[0][:3], *w[1:], code=INVALID)
bad("LSTMBlockCell", x, *state, *w[:4], w[4][:5], code=INVALID)
bad("LSTMBlockCell", x[0], *state, *w, code=INVALID, tf=False, why="TensorFlow aborts")
bad("BlockLSTM", np.array(1, "int64"), x, *state, *w, code=INVALID)
bad("BlockLSTM", np.array(1, "int64"), rand("float32", 2, 3, 4), *state, *w, code=INVALID)
bad("GRUBlockCell", x, rand("float32", 2, 4), rand("float32", 9, 8), rand("float32", 9, 4), rand("float32", 8),
    rand("float32", 4), code=INVALID)  # fmt: skip
