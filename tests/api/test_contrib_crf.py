"""tf.contrib.crf against the sums over all sequences of tags."""

import itertools

import numpy as np
import pytest

import tenon as tf

crf = tf.contrib.crf
TAGS, BATCH = 3, 4


def data(time, seed=0):
    random = np.random.RandomState(seed)
    lengths = np.array([time, max(time - 1, 1), 1, 0])
    return (random.randn(BATCH, time, TAGS).astype("f"), random.randint(0, TAGS, (BATCH, time)),
            lengths, random.randn(TAGS, TAGS).astype("f"))  # fmt: skip


def score(x, tags, transitions):
    return sum(x[t, tag] for t, tag in enumerate(tags)) + sum(transitions[pair] for pair in itertools.pairwise(tags))


def all_scores(x, length, transitions):
    return {tags: score(x, tags, transitions) for tags in itertools.product(range(TAGS), repeat=length)}


def log_sum(values):
    return np.log(np.exp(np.array(list(values), "d")).sum())


def run(fetches):
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return session.run(fetches)


@pytest.mark.parametrize("time", [1, 2, 5])
@pytest.mark.parametrize("known", [True, False])
def test_by_enumeration(time, known):
    x, tags, lengths, transitions = data(time)
    allowed = np.random.RandomState(1).rand(*x.shape) > 0.5
    allowed[..., 0] = True
    with tf.Graph().as_default(), tf.Session() as session:
        inputs = tf.constant(x) if known else tf.placeholder_with_default(x, [None, None, TAGS])
        made = {
            "norm": crf.crf_log_norm(inputs, lengths, transitions),
            "score": crf.crf_sequence_score(inputs, tf.constant(tags), lengths, transitions),
            "unary": crf.crf_unary_score(tf.constant(tags), lengths, inputs),
            "binary": crf.crf_binary_score(tf.constant(tags), lengths, transitions),
            "likelihood": crf.crf_log_likelihood(inputs, tags, lengths, tf.constant(transitions))[0],
            "multi": crf.crf_multitag_sequence_score(inputs, tf.constant(allowed), lengths, transitions),
            "decode": crf.crf_decode(inputs, tf.constant(transitions), lengths),
        }
        got = session.run(made)
    for row, length in enumerate(lengths):
        if not length:
            assert got["norm"][row] == 0 and got["score"][row] == 0
            continue
        scores = all_scores(x[row], length, transitions)
        right = tuple(tags[row, :length])
        norm, own = log_sum(scores.values()), scores[right]
        assert np.isclose(got["norm"][row], norm, rtol=1e-4)
        assert np.isclose(got["score"][row], own, rtol=1e-4, atol=1e-5)
        assert np.isclose(got["unary"][row] + got["binary"][row], own, rtol=1e-4, atol=1e-5)
        assert np.isclose(got["likelihood"][row], own - norm, rtol=1e-4, atol=1e-4)
        some = [value for key, value in scores.items() if all(allowed[row, t, tag] for t, tag in enumerate(key))]
        assert np.isclose(got["multi"][row], log_sum(some), rtol=1e-4)
        best = max(scores, key=scores.get)
        assert tuple(got["decode"][0][row, :length]) == best
        assert np.isclose(got["decode"][1][row], scores[best], rtol=1e-4)
        assert not got["decode"][0][row, length:].any()
        path, value = crf.viterbi_decode(x[row, :length], transitions)
        assert tuple(path) == best and np.isclose(value, scores[best], rtol=1e-4)


def test_gradient_is_the_expectation():
    """The gradient of the norm is how likely each tag is at each place."""
    x, _, _, transitions = data(3)
    with tf.Graph().as_default():
        inputs = tf.constant(x[:1])
        gradient = run(tf.gradients(crf.crf_log_norm(inputs, [3], transitions), inputs)[0])[0]
    scores = all_scores(x[0], 3, transitions)
    total = log_sum(scores.values())
    wanted = np.zeros((3, TAGS))
    for tags, value in scores.items():
        for t, tag in enumerate(tags):
            wanted[t, tag] += np.exp(value - total)
    np.testing.assert_allclose(gradient, wanted, rtol=1e-4, atol=1e-5)


def test_training_finds_the_transitions():
    """Tags that always alternate, whatever the inputs: the transitions learn it."""
    x = np.zeros((8, 6, 2), "f")
    tags = np.array([[0, 1] * 3, [1, 0] * 3] * 4)
    with tf.Graph().as_default(), tf.Session() as session:
        likelihood, transitions = crf.crf_log_likelihood(tf.constant(x), tags, np.full(8, 6))
        assert transitions.op.name == "transitions"
        train = tf.train.GradientDescentOptimizer(0.5).minimize(-tf.reduce_mean(likelihood))
        session.run(tf.global_variables_initializer())
        for _ in range(30):
            session.run(train)
        found = session.run(transitions)
        assert found[0, 1] > found[0, 0] + 1 and found[1, 0] > found[1, 1] + 1
        first = x.copy()
        first[:, 0, 1] = 1
        decoded, _ = crf.crf_decode(tf.constant(first), transitions, np.full(8, 6))
        assert session.run(decoded).tolist() == [[1, 0] * 3] * 8
