"""The cells of tf.contrib.rnn against their equations in NumPy: values, names of variables, gradients."""

import numpy as np
import pytest

import tenon as tf
from api.both import both

RANDOM = np.random.RandomState(3)
X = RANDOM.randn(3, 5).astype("f")
STEPS = 3
rnn = tf.contrib.rnn


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def relu(x):
    return np.maximum(x, 0)


def joined(*parts):
    return np.concatenate(parts, 1)


def normal(x, w, scope):
    """Layer normalisation of rows with the weights of SCOPE."""
    mean, variance = x.mean(1, keepdims=True), x.var(1, keepdims=True)
    return (x - mean) / np.sqrt(variance + 1e-12) * w[f"{scope}/gamma"] + w[f"{scope}/beta"]


def ugrnn(x, h, w):
    g, c = np.split(joined(x, h) @ w["kernel"] + w["bias"], 2, 1)
    g = sigmoid(g + 0.5)
    h = g * h + (1 - g) * np.tanh(c)
    return h, h


def intersection(x, h, w):
    x = x @ w["in_projection/kernel"] + w["in_projection/bias"]
    gh, nh, gy, y = np.split(joined(x, h) @ w["kernel"] + w["bias"], 4, 1)
    gh, gy = sigmoid(gh + 1), sigmoid(gy + 1)
    return gy * x + (1 - gy) * relu(y), gh * h + (1 - gh) * np.tanh(nh)


def nas(x, state, w):
    c, m = state
    a, b = np.split(x @ w["kernel"], 8, 1), np.split(m @ w["recurrent_kernel"] + w["bias"], 8, 1)
    tanh = np.tanh
    one = tanh(sigmoid(a[0] + b[0]) * relu(a[1] + b[1]))
    two = tanh(sigmoid(a[2] + b[2]) + relu(a[3] * b[3]))
    three = tanh(tanh(a[4] + b[4]) * sigmoid(a[5] + b[5]))
    four = sigmoid(tanh(a[6] + b[6]) + sigmoid(a[7] + b[7]))
    c = tanh(one + c) * two
    m = tanh(c * tanh(three + four)) @ w["projection_weights"]
    return m, (c, m)


def sru(x, c, w):
    bar, f, r, through = np.split(x @ w["kernel"], 4, 1)
    f, r = np.split(sigmoid(joined(f, r) + w["bias"]), 2, 1)
    c = f * c + (1 - f) * bar
    return r * np.tanh(c) + (1 - r) * through, c


def indrnn(x, h, w):
    h = np.tanh(x @ w["kernel_w"] + h * w["kernel_u"] + w["bias"])
    return h, h


def indygru(x, h, w):
    gates = x @ w["gates/kernel_w"] + np.tile(h, (1, 2)) * w["gates/kernel_u"] + w["gates/bias"]
    r, u = np.split(sigmoid(gates), 2, 1)
    c = np.tanh(x @ w["candidate/kernel"] + r * h * w["candidate/kernel_u"] + w["candidate/bias"])
    h = u * h + (1 - u) * c
    return h, h


def memory(gates, c, forget_bias=1.0):
    i, j, f, o = gates
    c = sigmoid(f + forget_bias) * c + sigmoid(i) * np.tanh(j)
    return c, sigmoid(o) * np.tanh(c)


def indylstm(x, state, w):
    gates = x @ w["kernel_w"] + np.tile(state[1], (1, 4)) * w["kernel_u"] + w["bias"]
    c, h = memory(np.split(gates, 4, 1), state[0])
    return h, (c, h)


def layer_norm_lstm(x, state, w):
    gates = np.split(joined(x, state[1]) @ w["kernel"], 4, 1)
    i, j, f, o = (normal(g, w, s) for g, s in zip(gates, ("input", "transform", "forget", "output")))
    c = normal(state[0] * sigmoid(f + 1) + sigmoid(i) * np.tanh(j), w, "state")
    h = np.tanh(c) * sigmoid(o)
    return h, (c, h)


def coupled(x, state, w):
    c, m = state
    j, f, o = np.split(joined(x, m) @ np.concatenate([w["W_0"], w["W_1"]]) + w["B"], 3, 1)
    f = sigmoid(f + 1 + w["W_F_diag"] * c)
    c = f * c + (1 - f) * np.tanh(j)
    m = np.clip(sigmoid(o + w["W_O_diag"] * c) * np.tanh(c) @ w["W_P_0"], -0.1, 0.1)
    return m, (c, m)


def glstm(x, state, w):
    c, m = state
    groups = zip(np.split(x[:, :4], 2, 1), np.split(m, 2, 1))
    parts = [np.split(joined(*pair) @ w[f"group{k}/kernel"], 4, 1) for k, pair in enumerate(groups)]
    gates = [joined(*(part[g] for part in parts)) + w[f"bias_{name}"] for g, name in enumerate("ijfo")]
    c, m = memory(gates, c)
    m = m @ w["projection/kernel"]
    return m, (c, m)


def block_lstm(x, state, w):
    c, h = state
    i, j, f, o = np.split(joined(x, h) @ w["kernel"] + w["bias"], 4, 1)
    i, f = i + w["w_i_diag"] * c, f + 0.5 + w["w_f_diag"] * c
    c = np.clip(sigmoid(f) * c + sigmoid(i) * np.tanh(j), -0.3, 0.3)
    h = sigmoid(o + w["w_o_diag"] * c) * np.tanh(c)
    return h, (c, h)


def block_gru(x, h, w):
    r, u = np.split(sigmoid(joined(x, h) @ w["w_ru"] + w["b_ru"]), 2, 1)
    h = u * h + (1 - u) * np.tanh(joined(x, r * h) @ w["w_c"] + w["b_c"])
    return h, h


def block_gru_v2(x, h, w):
    names = {"w_ru": "gates/kernel", "b_ru": "gates/bias", "w_c": "candidate/kernel", "b_c": "candidate/bias"}
    return block_gru(x, h, {short: w[name] for short, name in names.items()})


def attention(x, state, w):
    inner, attended, before = state
    before = before.reshape(3, 2, 4)
    x = joined(x, attended) @ w["kernel"] + w["bias"]
    inner = np.tanh(joined(x, inner) @ w["basic_rnn_cell/kernel"] + w["basic_rnn_cell/bias"])
    features = before @ w["attention/attn_w"][0, 0]
    y = inner @ w["attention/kernel"] + w["attention/bias"]
    score = (w["attention/attn_v"] * np.tanh(features + y[:, None])).sum(2)
    score = np.exp(score) / np.exp(score).sum(1, keepdims=True)
    attended = (score[:, :, None] * before).sum(1)
    output = joined(inner, attended) @ w["attn_output_projection/kernel"] + w["attn_output_projection/bias"]
    before = np.concatenate([before[:, 1:], output[:, None]], 1).reshape(3, 8)
    return output, (inner, attended, before)


def highway(x, h, w):
    h = np.tanh(joined(x, h) @ w["kernel"] + w["bias"])
    carry = sigmoid(x @ w["carry_w"] + w["carry_b"])
    return x * carry + h * sigmoid(x @ w["transform_w"] + w["transform_b"]), h


def time_freq(x, state, w):
    parts, m_freq, outputs, new = np.split(state, state.shape[1] // 4, 1), np.zeros((3, 4)), [], []
    for at in range(2):
        c, m = parts[2 * at], parts[2 * at + 1]
        i, j, f, o = np.split(joined(x[:, 2 * at : 2 * at + 3], m, m_freq) @ w["W_0"] + w["B"], 4, 1)
        c = sigmoid(f + 1 + w["W_F_diag"] * c) * c + sigmoid(i + w["W_I_diag"] * c) * np.tanh(j)
        m_freq = sigmoid(o + w["W_O_diag"] * c) * np.tanh(c)
        outputs.append(m_freq)
        new += [c, m_freq]
    return joined(*outputs), joined(*new)


CELLS = {
    "ugrnn": (lambda: rnn.UGRNNCell(4, forget_bias=0.5), ugrnn),
    "intersection": (lambda: rnn.IntersectionRNNCell(4, num_in_proj=4), intersection),
    "nas": (lambda: rnn.NASCell(4, num_proj=3, use_bias=True), nas),
    "sru": (lambda: rnn.SRUCell(4), sru),
    "indrnn": (lambda: rnn.IndRNNCell(4), indrnn),
    "indygru": (lambda: rnn.IndyGRUCell(4), indygru),
    "indylstm": (lambda: rnn.IndyLSTMCell(4), indylstm),
    "layer norm": (lambda: rnn.LayerNormBasicLSTMCell(4), layer_norm_lstm),
    "coupled": (
        lambda: rnn.CoupledInputForgetGateLSTMCell(4, use_peepholes=True, num_proj=3, proj_clip=0.1, num_unit_shards=2),
        coupled,
    ),
    "glstm": (lambda: rnn.GLSTMCell(4, number_of_groups=2, num_proj=2), glstm),
    "block lstm": (lambda: rnn.LSTMBlockCell(4, forget_bias=0.5, cell_clip=0.3, use_peephole=True), block_lstm),
    "block gru": (lambda: rnn.GRUBlockCell(4), block_gru),
    "block gru 2": (lambda: rnn.GRUBlockCellV2(4), block_gru_v2),
    "attention": (lambda: rnn.AttentionCellWrapper(rnn.BasicRNNCell(4), 2), attention),
    "highway": (lambda: rnn.HighwayWrapper(rnn.BasicRNNCell(5), couple_carry_transform_gates=False), highway),
    "time freq": (lambda: rnn.TimeFreqLSTMCell(4, use_peepholes=True, feature_size=3, frequency_skip=2), time_freq),
}  # fmt: skip


def inputs_of(name):
    return X[:, :4] if name == "glstm" else X


def flat(value):
    return [leaf for item in value for leaf in flat(item)] if isinstance(value, (tuple, list)) else [value]


def weights(session, scope=""):
    """{name within the cell: value} of the variables, set to numbers that differ."""
    made = {}
    for at, variable in enumerate(tf.global_variables()):
        value = np.random.RandomState(at).uniform(-0.6, 0.6, variable.shape.as_list()).astype("f")
        variable.load(value, session)
        made[variable.op.name.split("/", scope.count("/") + 1)[-1]] = value
    return made


@pytest.mark.parametrize("name", CELLS)
def test_cell_is_its_equation(name):
    make, equation = CELLS[name]
    with tf.Graph().as_default(), tf.Session() as session:
        cell, x = make(), inputs_of(name)
        with tf.variable_scope("cell") as scope:
            state, outputs = cell.zero_state(3, tf.float32), []
            if name == "time freq":
                state = tf.zeros([3, 16])
            for step in range(STEPS):
                if step:
                    scope.reuse_variables()
                output, state = cell(tf.constant(x * (step + 1)), state, scope=scope)
                outputs.append(output)
        session.run(tf.global_variables_initializer())
        w = weights(session)
        got, last, gradients = session.run([outputs, state, tf.gradients(outputs, tf.trainable_variables())])
        zeros = session.run(cell.zero_state(3, tf.float32)) if name != "time freq" else np.zeros((3, 16), "f")
        wanted, state = [], zeros
        for step in range(STEPS):
            output, state = equation(x.astype("d") * (step + 1), state, w)
            wanted.append(output)
        np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5)
        for ours, theirs in zip(flat(last), flat(state), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
        assert all(g is not None and np.isfinite(g).all() for g in gradients)
        if name != "time freq":
            assert cell.output_size == wanted[0].shape[1]


def test_phased_lstm():
    with tf.Graph().as_default(), tf.Session() as session:
        cell = rnn.PhasedLSTMCell(4, use_peepholes=True, ratio_on=0.4)
        time = np.array([[0.3], [1.7], [250.0]], "f")
        c, h = RANDOM.randn(2, 3, 4)
        state = rnn.LSTMStateTuple(*map(tf.constant, np.array([c, h], "f")))
        output, new = cell((tf.constant(time), tf.constant(X)), state)
        names = [v.op.name for v in tf.global_variables()]
        assert names == [f"phased_lstm_cell/{n}" for n in (
            "mask_gates/kernel", "mask_gates/bias", "new_input/kernel", "new_input/bias", "output_gate/kernel",
            "output_gate/bias", "period", "phase", "ratio_on")]  # fmt: skip
        session.run(tf.global_variables_initializer())
        period, phase = session.run([v for v in tf.global_variables() if v.op.name.endswith(("period", "phase"))])
        assert (period >= 1).all() and (period <= 1000).all() and (phase >= 0).all()
        w = weights(session)
        w["period"] = np.array([1, 2, 3, 400], "f")
        for variable in tf.global_variables():
            variable.load(np.abs(w[variable.op.name.split("/", 1)[1]]), session)
        w = {name: np.abs(value) for name, value in w.items()}
        i, f = np.split(sigmoid(joined(X, h, c) @ w["mask_gates/kernel"] + w["mask_gates/bias"]), 2, 1)
        full = f * c + i * np.tanh(joined(X, h) @ w["new_input/kernel"] + w["new_input/bias"])
        o = sigmoid(joined(X, h, full) @ w["output_gate/kernel"] + w["output_gate/bias"])
        cycle = np.mod(time - w["phase"], w["period"]) / w["period"]
        ratio = w["ratio_on"]
        k = np.where(
            cycle < ratio / 2, 2 * cycle / ratio, np.where(cycle < ratio, 2 - 2 * cycle / ratio, 0.001 * cycle)
        )
        got, state = session.run([output, new])
        np.testing.assert_allclose(state.c, k * full + (1 - k) * c, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(got, k * np.tanh(full) * o + (1 - k) * h, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_conv_lstm(dims):
    """With a kernel of one pixel each pixel is an LSTM of its own; a larger kernel keeps the shape."""
    place = [4, 3, 2][:dims]
    kind = getattr(rnn, f"Conv{dims}DLSTMCell")
    with tf.Graph().as_default(), tf.Session() as session:
        x = RANDOM.randn(2, *place, 3).astype("f")
        cell = kind(input_shape=[*place, 3], output_channels=5, kernel_shape=[1] * dims, skip_connection=True)
        assert cell.output_size.as_list() == [*place, 8] and cell.state_size.c.as_list() == [*place, 5]
        state = rnn.LSTMStateTuple(*RANDOM.randn(2, 2, *place, 5).astype("f"))
        output, new = cell(tf.constant(x), rnn.LSTMStateTuple(*map(tf.constant, state)))
        session.run(tf.global_variables_initializer())
        w = weights(session)
        assert set(w) == {"kernel", "biases"}
        flat_x, c, h = (v.reshape(-1, v.shape[-1]) for v in (x, *state))
        gates = joined(flat_x, h) @ w["kernel"].reshape(8, 20) + w["biases"]
        c, h = memory(np.split(gates, 4, 1), c)
        got, state = session.run([output, new])
        np.testing.assert_allclose(state.c.reshape(c.shape), c, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(got.reshape(-1, 8), joined(h, flat_x), rtol=1e-4, atol=1e-5)
    with tf.Graph().as_default():
        cell = kind(input_shape=[*place, 3], output_channels=5, kernel_shape=[3] * dims, use_bias=False)
        output, _ = cell(tf.constant(x), cell.zero_state(2, tf.float32))
        assert output.shape.as_list() == [2, *place, 5] and len(tf.global_variables()) == 1
    with pytest.raises(ValueError, match="Invalid input_shape"):
        rnn.ConvLSTMCell(2, [4, 3], 5, [3, 3])


def windows(x, start, count):
    """COUNT windows of two frequencies of X."""
    return [x[:, at : at + 2] for at in range(start, start + count)]


def grid_step(blocks, state, w, share=False, couple=False):
    """One step of a GridLSTMCell with peepholes over BLOCKS of windows: {name: value} of the state becomes another."""
    outputs, new = [], {}
    for block, parts in enumerate(blocks):
        mf = cf = np.zeros((3, 4))
        for at, part in enumerate(parts):
            key = f"state_f{at:02d}_b{block:02d}"
            ct, mt = state[key + "_c"], state[key + "_m"]
            seen = joined(part, mt, mf)

            def lane(d, which, seen=seen, ct=ct, cf=cf, block=block):
                gates = np.split(seen @ w[f"W_{d[0]}_{block}_0"] + w[f"B_{d[0]}_{block}"], 3 if couple else 4, 1)

                def peep(letter, a, b):
                    return w[f"W_{letter}_diag_{d}f_{block}"] * a + w[f"W_{letter}_diag_{d}t_{block}"] * b

                i = sigmoid(gates[0] + peep("I", cf, ct))
                f = 1 - i if couple else sigmoid(gates[2] + 1 + peep("F", cf, ct))
                return f * which + i * np.tanh(gates[1]), gates[-1], peep

            other = "freq" if share else "time"
            nf, of, pf = lane("freq", cf)
            nt, ot, pt = lane(other, ct)
            mf, mt = sigmoid(of + pf("O", nf, nt)) * np.tanh(nf), sigmoid(ot + pt("O", nf, nt)) * np.tanh(nt)
            cf = nf
            outputs += [mt, mf]
            new.update({key + "_c": nt, key + "_m": mt})
    return joined(*outputs), new


@pytest.mark.parametrize("share", [False, True])
@pytest.mark.parametrize("couple", [False, True])
def test_grid_lstm(share, couple):
    with tf.Graph().as_default(), tf.Session() as session:
        cell = rnn.GridLSTMCell(4, use_peepholes=True, share_time_frequency_weights=share, feature_size=2,
                                frequency_skip=1, num_frequency_blocks=[2, 1], start_freqindex_list=[0, 3],
                                end_freqindex_list=[3, 5], couple_input_forget_gates=couple)  # fmt: skip
        state = cell.zero_state(3, tf.float32)
        with tf.variable_scope("cell") as scope:
            output, state = cell(tf.constant(X), state, scope=scope)
            scope.reuse_variables()
            output, state = cell(tf.constant(2 * X), state, scope=scope)
        session.run(tf.global_variables_initializer())
        w = weights(session)
        values = {name: np.zeros((3, 4)) for name in cell.state_tuple_type._fields}
        for scale in (1, 2):
            blocks = [windows(scale * X, 0, 2), windows(scale * X, 3, 1)]
            wanted, values = grid_step(blocks, values, w, share, couple)
        got, last = session.run([output, state])
        np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5)
        for name, value in values.items():
            np.testing.assert_allclose(getattr(last, name), value, rtol=1e-4, atol=1e-5)
        assert cell.output_size == got.shape[1]


def test_grid_lstm_both_ways():
    with tf.Graph().as_default(), tf.Session() as session:
        options = {"feature_size": 2, "frequency_skip": 1, "num_frequency_blocks": [4], "use_peepholes": True}
        cell = rnn.BidirectionalGridLSTMCell(4, backward_slice_offset=1, **options)
        with tf.variable_scope("cell") as scope:
            output, state = cell(tf.constant(X), cell.zero_state(3, tf.float32), scope=scope)
        session.run(tf.global_variables_initializer())
        w = weights(session)
        got, last = session.run([output, state])
        zeros = {f"state_f{f:02d}_b00_{p}": np.zeros((3, 4)) for f in range(4) for p in "cm"}
        split = {d: {n[4:]: v for n, v in w.items() if n.startswith(d)} for d in ("fwd", "bwd")}
        forward, _ = grid_step([windows(X, 0, 4)], zeros, split["fwd"])
        # Backward: windows one further on, from the highest; what lies outside is zero.
        moved = np.pad(X, ((0, 0), (0, 1)))
        backward, _ = grid_step([windows(moved, 1, 4)[::-1]], zeros, split["bwd"])
        assert cell.output_size == got.shape[1] == 64 and len(last) == 16
        np.testing.assert_allclose(got, joined(forward, backward), rtol=1e-4, atol=1e-5)


def test_concatenated_states():
    with tf.Graph().as_default():
        cell = rnn.GridLSTMCell(4, feature_size=2, frequency_skip=1, num_frequency_blocks=[4], state_is_tuple=False)
        output, state = cell(tf.constant(X), tf.zeros([3, cell.state_size]))
        assert state.shape.as_list() == [3, 32] and output.shape.as_list() == [3, 32]
    with tf.Graph().as_default():
        cell = rnn.CoupledInputForgetGateLSTMCell(4, state_is_tuple=False)
        output, state = cell(tf.constant(X), tf.zeros([3, cell.state_size]))
        assert state.shape.as_list() == [3, 8]


@pytest.mark.parametrize("lengths", [None, [4, 0, 2]])
@pytest.mark.parametrize("as_list", [False, True])
def test_fused_lstm(lengths, as_list):
    """LSTMBlockFusedCell is LSTMBlockCell step by step; and TensorFlow's BlockLSTM."""
    sequence = RANDOM.randn(4, 3, 5).astype("f")

    def program(tf):
        kernel = np.random.RandomState(0).uniform(-1, 1, (9, 16)).astype("f")
        diagonals = np.random.RandomState(1).uniform(-1, 1, (3, 4)).astype("f")
        steps = 4 if lengths is None else max(lengths)
        if not hasattr(tf, "contrib"):
            zeros = np.zeros((3, 4), "f")
            made = tf.raw_ops.BlockLSTM(
                seq_len_max=np.int64(steps), x=sequence, cs_prev=zeros, h_prev=zeros, w=kernel, wci=diagonals[0],
                wcf=diagonals[1], wco=diagonals[2], b=np.zeros(16, "f"), forget_bias=0.7, cell_clip=0.6,
                use_peephole=True,
            )  # fmt: skip
            cs, h = made.cs, made.h
            if lengths is None:
                return h, cs[-1], h[-1]
            mask = tf.transpose(tf.sequence_mask(lengths, 4, dtype=tf.float32))[:, :, None]
            at = tf.stack([lengths, tf.range(3)], 1)
            before = tf.zeros([1, 3, 4])
            return (h * mask, tf.gather_nd(tf.concat([before, cs], 0), at),
                    tf.gather_nd(tf.concat([before, h * mask], 0), at))  # fmt: skip
        cell = tf.contrib.rnn.LSTMBlockFusedCell(4, forget_bias=0.7, cell_clip=0.6, use_peephole=True)
        steps = tf.unstack(tf.constant(sequence)) if as_list else tf.constant(sequence)
        outputs, state = cell(steps, dtype=tf.float32, sequence_length=lengths)
        names = ["kernel", "bias", "w_i_diag", "w_f_diag", "w_o_diag"]
        assert [v.op.name for v in tf.global_variables()] == [f"lstm_fused_cell/{n}" for n in names]
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            for variable, value in zip(tf.global_variables(), [kernel, np.zeros(16, "f"), *diagonals]):
                variable.load(value, session)
            return session.run([tf.stack(outputs) if as_list else outputs, *state])

    both(program, rtol=1e-4, atol=1e-5)


def test_fused_adaptors():
    sequence, lengths = RANDOM.randn(4, 3, 5).astype("f"), [4, 1, 2]
    with tf.Graph().as_default(), tf.Session() as session:
        made = []
        cell = rnn.GRUCell(4)
        for dynamic in (False, True):
            for as_list in (False, True):
                inputs = tf.unstack(tf.constant(sequence)) if as_list else tf.constant(sequence)
                adaptor = rnn.FusedRNNCellAdaptor(cell, use_dynamic_rnn=dynamic)
                with tf.variable_scope("here", reuse=tf.AUTO_REUSE):
                    outputs, state = adaptor(inputs, dtype=tf.float32, sequence_length=lengths, scope="rnn")
                assert isinstance(outputs, list) == as_list
                made.append((tf.stack(outputs) if as_list else outputs, state))
        forward = rnn.TimeReversedFusedRNN(rnn.FusedRNNCellAdaptor(cell, use_dynamic_rnn=True))
        with tf.variable_scope("here", reuse=True):
            turned, _ = forward(tf.reverse_sequence(sequence, lengths, 0, 1), dtype=tf.float32,
                                sequence_length=lengths, scope="rnn")  # fmt: skip
        session.run(tf.global_variables_initializer())
        first, *rest = session.run(made)
        for other in rest:
            np.testing.assert_allclose(other[0], first[0], rtol=1e-5, atol=1e-6)
            np.testing.assert_allclose(other[1], first[1], rtol=1e-5, atol=1e-6)
        back = session.run(tf.reverse_sequence(turned, lengths, 0, 1))
        for row, length in enumerate(lengths):
            np.testing.assert_allclose(back[:length, row], first[0][:length, row], rtol=1e-5, atol=1e-6)


def test_bidirectional_stacks():
    sequence = RANDOM.randn(3, 4, 5).astype("f")
    with tf.Graph().as_default(), tf.Session() as session:
        cells = [[rnn.GRUCell(n) for n in (2, 3)] for _ in range(2)]
        outputs, fw, bw = rnn.stack_bidirectional_dynamic_rnn(*cells, sequence, dtype=tf.float32,
                                                             sequence_length=[4, 2, 3])  # fmt: skip
        names = {v.op.name.rsplit("/", 3)[0] for v in tf.global_variables()}
        assert names == {
            f"stack_bidirectional_rnn/cell_{i}/bidirectional_rnn/{d}" for i in (0, 1) for d in ("fw", "bw")
        }
        assert outputs.shape.as_list() == [3, 4, 6] and len(fw) == len(bw) == 2
        cells = [[rnn.GRUCell(n) for n in (2, 3)] for _ in range(2)]
        steps = tf.unstack(tf.constant(sequence), axis=1)
        static, fw2, bw2 = rnn.stack_bidirectional_rnn(*cells, steps, dtype=tf.float32, sequence_length=[4, 2, 3],
                                                      scope="static")  # fmt: skip
        kept = {v.op.name.replace("stack_bidirectional_rnn", "static").replace("bidirectional_rnn/", ""): v
                for v in tf.global_variables() if v.op.name.startswith("stack")}  # fmt: skip
        session.run(tf.global_variables_initializer())
        for name in list(kept):
            twin = [v for v in tf.global_variables() if v.op.name == name]
            session.run(twin[0].assign(kept[name]))
        first, second = session.run([(outputs, fw, bw), (tf.stack(static, 1), fw2, bw2)])
        for ours, theirs in zip(flat(first), flat(second), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="same depth"):
        rnn.stack_bidirectional_rnn([rnn.GRUCell(2)], [rnn.GRUCell(2)] * 2, [X])
    with pytest.raises(ValueError, match="at least one fw cell"):
        rnn.stack_bidirectional_dynamic_rnn([], [rnn.GRUCell(2)], X)


def test_bad_arguments():
    for error, make in (
        ("attn_length", lambda: rnn.AttentionCellWrapper(rnn.GRUCell(2), 0)),
        ("state_is_tuple", lambda: rnn.AttentionCellWrapper(rnn.BasicLSTMCell(2), 2, state_is_tuple=False)),
        ("divisible", lambda: rnn.GLSTMCell(5, number_of_groups=2)),
        ("num_frequency_blocks", lambda: rnn.GridLSTMCell(4)),
        ("num_units or cell_size", lambda: rnn.GRUBlockCell()),
        ("input size == output size", lambda: rnn.IntersectionRNNCell(4)(tf.constant(X), tf.zeros([3, 4]))),
        ("Too many shards", lambda: rnn.TimeFreqLSTMCell(1, feature_size=1, frequency_skip=1, num_unit_shards=9)(
            tf.constant(X), tf.zeros([3, 10]))),
    ):  # fmt: skip
        with tf.Graph().as_default(), pytest.raises(ValueError, match=error):
            make()
