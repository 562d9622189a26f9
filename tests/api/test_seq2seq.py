"""contrib.seq2seq and contrib.legacy_seq2seq: decoders, attention, beam search and losses, against NumPy."""

import numpy as np
import pytest

import tenon as tf

RNG = np.random.RandomState(0)
BATCH, TIME, DEPTH, UNITS, WORDS = 3, 4, 5, 6, 7
MEMORY = RNG.randn(BATCH, TIME, DEPTH).astype("f")
LENGTHS = np.array([4, 2, 3], "i")


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as made:
        tf.set_random_seed(1)
        yield made


def values(*fetches, feeds=None):
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return session.run(list(fetches), feeds)


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def variable(name):
    return next(v for v in tf.global_variables() if v.op.name.endswith(name))


@pytest.mark.parametrize("scale", [False, True])
def test_luong(scale):
    attention = tf.contrib.seq2seq.LuongAttention(UNITS, MEMORY, LENGTHS, scale=scale)
    query = tf.constant(RNG.randn(BATCH, UNITS).astype("f"))
    alignments, state = attention(query, None)
    kernel = variable("memory_layer/kernel")
    a, s, k, q, keys = values(alignments, state, kernel, query, attention.keys)
    masked = MEMORY * (np.arange(TIME)[None, :, None] < LENGTHS[:, None, None])
    np.testing.assert_allclose(keys, masked @ k, rtol=1e-4, atol=1e-6)
    score = np.einsum("bu,btu->bt", q, masked @ k)
    score[np.arange(TIME)[None] >= LENGTHS[:, None]] = -np.inf
    np.testing.assert_allclose(a, softmax(score), rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(a, s)
    assert [v.op.name for v in tf.global_variables()] == ["memory_layer/kernel"] + [
        "luong_attention/attention_g"
    ] * scale


@pytest.mark.parametrize("normalize", [False, True])
def test_bahdanau(normalize):
    attention = tf.contrib.seq2seq.BahdanauAttention(UNITS, MEMORY, LENGTHS, normalize=normalize)
    query = tf.constant(RNG.randn(BATCH, 8).astype("f"))
    alignments, _ = attention(query, None)
    a, v, wq, wm, q = values(
        alignments, variable("attention_v"), variable("query_layer/kernel"), variable("memory_layer/kernel"), query
    )
    if normalize:
        v = v / np.linalg.norm(v) * np.sqrt(1 / UNITS)
    masked = MEMORY * (np.arange(TIME)[None, :, None] < LENGTHS[:, None, None])
    score = np.tanh(masked @ wm + (q @ wq)[:, None]) @ v
    score[np.arange(TIME)[None] >= LENGTHS[:, None]] = -np.inf
    np.testing.assert_allclose(a, softmax(score), rtol=1e-4, atol=1e-6)


def test_monotonic_modes_agree():
    p = softmax(RNG.randn(BATCH, TIME).astype("f"))
    previous = softmax(RNG.randn(BATCH, TIME).astype("f"))
    made = [tf.contrib.seq2seq.monotonic_attention(p, previous, mode) for mode in ("recursive", "parallel")]
    recursive, parallel = values(*made)
    expected = np.zeros_like(p)
    for b in range(BATCH):
        carry = 0.0
        for t in range(TIME):
            carry = previous[b, t] + (carry * (1 - p[b, t - 1]) if t else 0.0)
            expected[b, t] = p[b, t] * carry
    np.testing.assert_allclose(recursive, expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(parallel, expected, rtol=1e-3, atol=1e-5)
    hard = tf.contrib.seq2seq.monotonic_attention(
        np.array([[0.0, 1, 1, 0]], "f"), np.array([[1.0, 0, 0, 0]], "f"), "hard"
    )
    np.testing.assert_array_equal(values(hard)[0], [[0, 1, 0, 0]])


def attention_cell(**options):
    attention = tf.contrib.seq2seq.LuongAttention(UNITS, MEMORY, LENGTHS)
    cell = tf.nn.rnn_cell.BasicLSTMCell(UNITS)
    return tf.contrib.seq2seq.AttentionWrapper(cell, attention, attention_layer_size=UNITS, **options)


def test_training_decoder_with_attention():
    inputs = RNG.randn(BATCH, TIME, DEPTH).astype("f")
    cell = attention_cell(alignment_history=True)
    helper = tf.contrib.seq2seq.TrainingHelper(inputs, LENGTHS)
    projection = tf.layers.Dense(WORDS, use_bias=False)
    decoder = tf.contrib.seq2seq.BasicDecoder(cell, helper, cell.zero_state(BATCH, tf.float32), projection)
    outputs, state, lengths = tf.contrib.seq2seq.dynamic_decode(decoder, impute_finished=True)
    loss = tf.reduce_sum(outputs.rnn_output)
    gradients = tf.gradients(loss, tf.trainable_variables())
    history = state.alignment_history.stack()
    logits, ids, n, aligned, grads = values(outputs.rnn_output, outputs.sample_id, lengths, history, gradients)
    assert logits.shape == (BATCH, TIME, WORDS)
    np.testing.assert_array_equal(n, LENGTHS)
    np.testing.assert_array_equal(logits[1, 2:], 0)
    np.testing.assert_array_equal(ids[0], logits[0].argmax(-1))
    np.testing.assert_allclose(aligned[0].sum(-1), 1, rtol=1e-5)
    assert all(np.isfinite(g).all() for g in grads) and len(grads) == 5
    names = {v.op.name for v in tf.trainable_variables()}
    assert "decoder/attention_wrapper/basic_lstm_cell/kernel" in names
    assert "decoder/attention_wrapper/attention_layer/kernel" in names and "decoder/dense/kernel" in names


def word_model():
    """A cell whose next word depends on its input word alone: a table of logits."""
    table = tf.constant(RNG.randn(WORDS, WORDS).astype("f"))

    class Table(tf.nn.rnn_cell.RNNCell):
        state_size = 1
        output_size = WORDS

        def call(self, inputs, state):
            return tf.matmul(inputs, table), state + 1

    embedding = tf.eye(WORDS)
    return Table(), embedding, table


def test_greedy_decoding():
    cell, embedding, table = word_model()
    helper = tf.contrib.seq2seq.GreedyEmbeddingHelper(embedding, [1, 2], end_token=0)
    decoder = tf.contrib.seq2seq.BasicDecoder(cell, helper, cell.zero_state(2, tf.float32))
    outputs, _, lengths = tf.contrib.seq2seq.dynamic_decode(decoder, maximum_iterations=6)
    ids, n, logits = values(outputs.sample_id, lengths, table)
    for row, start in enumerate((1, 2)):
        word = start
        for step in range(n[row]):
            word = logits[word].argmax()
            assert ids[row, step] == word
        assert n[row] == 6 or word == 0


def test_sampling_is_by_the_seed():
    cell, embedding, _ = word_model()

    def made():
        helper = tf.contrib.seq2seq.SampleEmbeddingHelper(embedding, [1, 2], end_token=0, seed=3)
        decoder = tf.contrib.seq2seq.BasicDecoder(cell, helper, cell.zero_state(2, tf.float32))
        return tf.contrib.seq2seq.dynamic_decode(decoder, maximum_iterations=8)[0].sample_id

    ids = made()
    np.testing.assert_array_equal(values(ids)[0], values(ids)[0])


def best_sequences(logits, start, width, steps, end):
    """Beam search over a table, by hand: [(words, log probability)]."""
    logp = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    beams = [([start], 0.0, False)]
    for _ in range(steps):
        grown = []
        for words, score, done in beams:
            if done:
                grown.append(([*words, end], score, True))
            else:
                grown += [([*words, w], score + logp[words[-1], w], w == end) for w in range(len(logits))]
        beams = sorted(grown, key=lambda b: -b[1])[:width]
    return beams


@pytest.mark.parametrize("width", [1, 3])
def test_beam_search(width):
    cell, embedding, table = word_model()
    steps, end = 4, 0
    state = tf.contrib.seq2seq.tile_batch(cell.zero_state(2, tf.float32), width)
    decoder = tf.contrib.seq2seq.BeamSearchDecoder(cell, embedding, [1, 2], end, state, width)
    outputs, final, _ = tf.contrib.seq2seq.dynamic_decode(decoder, maximum_iterations=steps)
    ids, scores, logits = values(outputs.predicted_ids, final.log_probs, table)
    for row, start in enumerate((1, 2)):
        expected = best_sequences(logits, start, width, ids.shape[1], end)
        np.testing.assert_allclose(scores[row], [score for _, score, _ in expected], rtol=1e-4)
        for beam, (words, _, _) in enumerate(expected):
            np.testing.assert_array_equal(ids[row, :, beam], words[1:])


def test_gather_tree():
    """The example of TensorFlow's documentation of the op."""
    end = 10
    made = tf.contrib.seq2seq.gather_tree(
        step_ids=np.array([[[1, 2, 3]], [[4, 5, 6]], [[7, 8, 9]], [[-1, -1, -1]]], "i"),
        parent_ids=np.array([[[0, 0, 0]], [[0, 1, 1]], [[2, 1, 2]], [[-1, -1, -1]]], "i"),
        max_sequence_lengths=[3], end_token=end,
    )  # fmt: skip
    expected = [[[2, 2, 2]], [[6, 5, 6]], [[7, 8, 9]], [[end, end, end]]]
    np.testing.assert_array_equal(values(made)[0], expected)


def test_beam_search_with_attention():
    width = 2
    memory = tf.contrib.seq2seq.tile_batch(tf.constant(MEMORY), width)
    lengths = tf.contrib.seq2seq.tile_batch(tf.constant(LENGTHS), width)
    attention = tf.contrib.seq2seq.BahdanauAttention(UNITS, memory, lengths)
    cell = tf.contrib.seq2seq.AttentionWrapper(tf.nn.rnn_cell.GRUCell(UNITS), attention, UNITS, alignment_history=True)
    embedding = tf.get_variable("embedding", [WORDS, DEPTH])
    decoder = tf.contrib.seq2seq.BeamSearchDecoder(
        cell, embedding, [1] * BATCH, 0, cell.zero_state(BATCH * width, tf.float32), width, tf.layers.Dense(WORDS),
        length_penalty_weight=0.6, coverage_penalty_weight=0.2,
    )  # fmt: skip
    outputs, state, _ = tf.contrib.seq2seq.dynamic_decode(decoder, maximum_iterations=5)
    ids, history = values(outputs.predicted_ids, state.cell_state.alignment_history)
    assert ids.shape[0] == BATCH and ids.shape[2] == width
    np.testing.assert_allclose(history.sum(-1), 1, rtol=1e-4)


def test_sequence_loss():
    logits = RNG.randn(BATCH, TIME, WORDS).astype("f")
    targets = RNG.randint(0, WORDS, (BATCH, TIME))
    weights = (np.arange(TIME)[None] < LENGTHS[:, None]).astype("f")
    logp = np.log(softmax(logits))
    cross = -np.take_along_axis(logp, targets[..., None], -1)[..., 0] * weights
    loss = tf.contrib.seq2seq.sequence_loss
    args = tf.constant(logits), tf.constant(targets), tf.constant(weights)
    made = values(
        loss(*args), loss(*args, average_across_timesteps=False),
        loss(*args, average_across_timesteps=False, average_across_batch=False),
        loss(*args, average_across_batch=False),
    )  # fmt: skip
    expected = [cross.sum() / weights.sum(), cross.sum(0) / weights.sum(0), cross, cross.sum(1) / weights.sum(1)]
    for ours, theirs in zip(made, expected):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)
    with pytest.raises(ValueError, match="3-D"):
        loss(tf.zeros([2, 2]), tf.zeros([2, 2], tf.int32), tf.zeros([2, 2]))


def test_legacy_losses():
    logits = [RNG.randn(BATCH, WORDS).astype("f") for _ in range(TIME)]
    targets = [RNG.randint(0, WORDS, BATCH) for _ in range(TIME)]
    weights = [np.ones(BATCH, "f"), np.ones(BATCH, "f"), np.array([1, 0, 1], "f"), np.array([0, 0, 1], "f")]
    legacy = tf.contrib.legacy_seq2seq
    by_example = legacy.sequence_loss_by_example([tf.constant(x) for x in logits], targets, weights)
    total = legacy.sequence_loss([tf.constant(x) for x in logits], [tf.constant(t) for t in targets], weights)
    cross = [-np.log(softmax(x))[np.arange(BATCH), t] * w for x, t, w in zip(logits, targets, weights)]
    expected = sum(cross) / (sum(weights) + 1e-12)
    ours, mean = values(by_example, total)
    np.testing.assert_allclose(ours, expected, rtol=1e-4)
    np.testing.assert_allclose(mean, expected.sum() / BATCH, rtol=1e-4)


@pytest.mark.parametrize("kind", ["basic", "tied", "embedding", "embedding_tied", "attention"])
@pytest.mark.parametrize("feed_previous", [False, True, "tensor"])
def test_legacy_models_learn(kind, feed_previous):
    """One step of gradient descent lowers the loss of each model."""
    legacy = tf.contrib.legacy_seq2seq
    cell = tf.nn.rnn_cell.BasicLSTMCell(UNITS)
    feed = tf.constant(True) if feed_previous == "tensor" else feed_previous
    words = [tf.constant(RNG.randint(1, WORDS, BATCH)) for _ in range(TIME)]
    if kind in ("basic", "tied"):
        if feed_previous:
            pytest.skip("takes no feed_previous")
        steps = [tf.constant(RNG.randn(BATCH, DEPTH).astype("f")) for _ in range(TIME)]
        build = legacy.basic_rnn_seq2seq if kind == "basic" else legacy.tied_rnn_seq2seq
        outputs, _ = build(steps, steps, cell)
        outputs = [tf.layers.dense(o, WORDS, name="out", reuse=tf.AUTO_REUSE) for o in outputs]
    elif kind == "embedding_tied":
        outputs, _ = legacy.embedding_tied_rnn_seq2seq(words, words, cell, WORDS, DEPTH, feed_previous=feed)
    else:
        build = legacy.embedding_rnn_seq2seq if kind == "embedding" else legacy.embedding_attention_seq2seq
        outputs, _ = build(words, words, cell, WORDS, WORDS, DEPTH, feed_previous=feed)
    loss = legacy.sequence_loss(outputs, words, [tf.ones([BATCH])] * TIME)
    step = tf.train.GradientDescentOptimizer(0.5).minimize(loss)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        before = session.run(loss)
        for _ in range(5):
            session.run(step)
        assert session.run(loss) < before


def test_errors():
    seq2seq = tf.contrib.seq2seq
    with pytest.raises(TypeError):
        seq2seq.dynamic_decode(3)
    with pytest.raises(TypeError):
        seq2seq.AttentionWrapper(tf.nn.rnn_cell.GRUCell(2), "no attention")
    with pytest.raises(ValueError, match="vector"):
        seq2seq.GreedyEmbeddingHelper(tf.eye(3), 1, 0)
    with pytest.raises(ValueError, match="scalar"):
        seq2seq.GreedyEmbeddingHelper(tf.eye(3), [1], [0])
    cell = attention_cell()
    with pytest.raises((tf.errors.InvalidArgumentError, ValueError)):
        values(cell(tf.zeros([2, DEPTH]), cell.zero_state(2, tf.float32))[0])
