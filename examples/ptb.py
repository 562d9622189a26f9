"""A language model of the Penn Treebank: two LSTM layers guess each next word; tells the perplexity.

usage: python examples/ptb.py [--epochs N] [--rate R] [--words N] [--seed N]

The small configuration of W. Zaremba, I. Sutskever, O. Vinyals, Recurrent Neural Network Regularization, 2014: 200
units, 20 steps unrolled, 13 rounds. --words bounds how many words are learnt from; a tenth as many are asked.
"""

import argparse
import time

import numpy as np

import tenon as tf
from tenon.examples import data

BATCH, STEPS, UNITS, LAYERS, VOCABULARY = 20, 20, 200, 2, 10000
SCALE, CLIP, DECAY, WHOLE_RATE_EPOCHS = 0.1, 5.0, 0.5, 4


class Model:
    """The graph of one batch; a second one with REUSE shares its variables."""

    def __init__(self, seed, reuse=None):
        def start(n):
            return tf.random_uniform_initializer(-SCALE, SCALE, seed=10 * seed + n)

        self.words, self.next = tf.placeholder(tf.int32, [BATCH, STEPS]), tf.placeholder(tf.int32, [BATCH, STEPS])
        with tf.variable_scope("model", reuse=reuse):
            embedding = tf.get_variable("embedding", [VOCABULARY, UNITS], initializer=start(0))
            cells = [tf.nn.rnn_cell.LSTMCell(UNITS, initializer=start(i + 1)) for i in range(LAYERS)]
            cell = tf.nn.rnn_cell.MultiRNNCell(cells)
            self.begin = cell.zero_state(BATCH, tf.float32)
            inputs = tf.unstack(tf.nn.embedding_lookup(embedding, self.words), axis=1)
            outputs, self.end = tf.nn.static_rnn(cell, inputs, self.begin)
            weights = tf.get_variable("softmax_w", [UNITS, VOCABULARY], initializer=start(8))
            biases = tf.get_variable("softmax_b", [VOCABULARY], initializer=start(9))
        logits = tf.matmul(tf.reshape(tf.stack(outputs, 1), [-1, UNITS]), weights) + biases
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.reshape(self.next, [-1]), logits=logits)
        self.loss = tf.reduce_sum(losses) / BATCH

    def training(self, rate):
        variables = tf.trainable_variables()
        gradients, _ = tf.clip_by_global_norm(tf.gradients(self.loss, variables), CLIP)
        return tf.train.GradientDescentOptimizer(rate).apply_gradients(zip(gradients, variables))


def read(part, limit):
    """The word numbers of one file as [BATCH, n]: each row goes on where it is in the text."""
    with open(data.find("ptb", f"ptb.{part}")) as file:
        words = np.array(file.read().split(), np.int32)[: limit or None]
    return words[: len(words) // BATCH * BATCH].reshape(BATCH, -1)


def run_epoch(session, model, words, train=None):
    """The perplexity of WORDS, which are learnt as they are read where TRAIN is given."""
    state, total, steps, began = session.run(model.begin), 0.0, 0, time.time()
    fetches = [model.loss, model.end] + ([train] if train is not None else [])
    for at in range(0, words.shape[1] - STEPS, STEPS):
        feed = {model.words: words[:, at : at + STEPS], model.next: words[:, at + 1 : at + STEPS + 1]}
        loss, state = session.run(fetches, {**feed, model.begin: state})[:2]
        total, steps = total + loss, steps + STEPS
    return np.exp(total / steps), steps * BATCH / (time.time() - began)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--epochs", type=int, default=13)
    parser.add_argument("--rate", type=float, default=1.0, help="halved after each epoch but the first four")
    parser.add_argument("--words", type=int, default=0, help="how many words to learn from (0: all 930,000)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    training, validation = read("train", options.words), read("valid", options.words // 10)
    tf.set_random_seed(options.seed)
    model, asked = Model(options.seed), Model(options.seed, reuse=True)
    rate, new_rate = tf.Variable(0.0, trainable=False), tf.placeholder(tf.float32, [])
    train, set_rate = model.training(rate), tf.assign(rate, new_rate)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for epoch in range(options.epochs):
            now = options.rate * DECAY ** max(epoch + 1 - WHOLE_RATE_EPOCHS, 0)
            session.run(set_rate, {new_rate: now})
            known, speed = run_epoch(session, model, training, train)
            found, _ = run_epoch(session, asked, validation)
            print(f"epoch {epoch + 1}: {known:.2f} learning at {speed:.0f} words/s, {found:.2f} validating", flush=True)
    print(f"validation perplexity {found:.3f}")


if __name__ == "__main__":
    main()
