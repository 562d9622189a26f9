"""Which class a text is of: an article's words go in, one node for each class comes out.

usage: python examples/text_classifier.py [--set headlines2|headlines10|reuters8] [--model bag|cnn|lstm] [--validate]
                                           [--loss softmax|sigmoid] [--epochs N] [--rate R] [--l2 WEIGHT] [--seed N]

headlines2 (sports or entertainment, 2,000 headlines) and headlines10 are Chinese headlines, reuters8 is English
newswire. `bag` weighs single characters (or words) and pairs of them, `cnn` slides windows over embedded ones, `lstm`
reads them one after the other. The bag's settings were chosen with --validate, which holds every fifth text of the
training set out, asks those after each epoch, and never opens the test set: of the rates 0.003, 0.005, 0.01, the L2
weights 0.0001, 0.0003, 0.001 and one to five epochs, those with the best mean accuracy over the three sets.
"""

import argparse
import collections
import math
import time

import numpy as np

import tenon as tf
from tenon.examples import data

# Set: (file names, column of the class, classes kept or None).
SETS = {
    "headlines2": ("thucnews.{}.tsv", 1, ("7", "9")),
    "headlines10": ("thucnews.{}.tsv", 1, None),
    "reuters8": ("reuters-r8.{}.tsv", 0, None),
}
# Model: (epochs, rate, L2 on the bag's weights).
SETTINGS = {"bag": (5, 0.01, 0.0001), "cnn": (6, 0.003, 0.0), "lstm": (8, 0.003, 0.0)}
RARE = {"headlines2": 0, "headlines10": 0, "reuters8": 2}  # features that come no more often are left out
BATCH, LENGTH, EMBEDDING = 50, {"headlines2": 30, "headlines10": 30, "reuters8": 200}, 64


def read(name, part):
    """(texts, names of their classes) of one file."""
    pattern, column, kept = SETS[name]
    with open(data.find("text", pattern.format(part)), encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t") for line in file if line.strip()]
    rows = [row for row in rows if kept is None or row[column] in kept]
    return [row[1 - column] for row in rows], [row[column] for row in rows]


def texts(options):
    """(texts, their classes) to learn from, the same of those to ask."""
    found = read(options.set, "train")
    if not options.validate:
        return found, read(options.set, "test")
    held = [[x for i, x in enumerate(column) if (i % 5 == 4) == out] for out in (False, True) for column in found]
    return held[:2], held[2:]


def tokens(text, name):
    """Characters of headlines, words of articles."""
    return text.split() if name == "reuters8" else [c for c in text if not c.isspace()]


def features(text, name):
    """What the bag weighs: how often each token and each pair of neighbours comes."""
    single = tokens(text, name)
    return collections.Counter([*single, *(" ".join(pair) for pair in zip(single, single[1:]))])


def small():
    return tf.random_uniform_initializer(-0.1, 0.1)


class Bag:
    """Texts as sparse rows of weights: rare features count more, and every row has length one."""

    def __init__(self, texts, name):
        self.name = name
        counts = collections.Counter(f for text in texts for f in features(text, name))
        kept = sorted((f, n) for f, n in counts.items() if n > RARE[name])
        self.ids = {f: i for i, (f, _) in enumerate(kept)}
        self.weights = np.array([math.log(len(texts) / n) + 1 for _, n in kept], np.float32)

    def rows(self, texts):
        """(ids, weights) of each text."""
        found = []
        for text in texts:
            counts = {self.ids[f]: n for f, n in features(text, self.name).items() if f in self.ids}
            ids = np.array(sorted(counts), np.int64)
            weights = self.weights[ids] * np.array([1 + math.log(counts[i]) for i in ids], np.float32)
            found.append((ids, weights / max(np.linalg.norm(weights), 1e-9)))
        return found

    def build(self, classes):
        """The logits, and what feeds a batch of rows."""
        ids, weights = tf.sparse_placeholder(tf.int64), tf.sparse_placeholder(tf.float32)
        table = tf.get_variable("table", [len(self.ids), classes], initializer=tf.zeros_initializer())
        bias = tf.get_variable("bias", [classes], initializer=tf.zeros_initializer())
        logits = tf.nn.embedding_lookup_sparse(table, ids, weights, combiner="sum") * 10.0 + bias

        def feed(batch):
            # A text without a known feature still has a row: one of weight zero.
            batch = [row if len(row[0]) else (np.zeros(1, np.int64), np.zeros(1, np.float32)) for row in batch]
            places = np.array([(i, j) for i, row in enumerate(batch) for j in range(len(row[0]))], np.int64)
            shape = np.array([len(batch), max(len(row[0]) for row in batch)], np.int64)
            parts = [np.concatenate([row[k] for row in batch]) for k in (0, 1)]
            return {ids: (places, parts[0], shape), weights: (places, parts[1], shape)}

        return logits, feed


class Sequence:
    """Texts as rows of token numbers, 0 behind their ends."""

    def __init__(self, texts, name, model):
        self.name, self.model, self.length = name, model, LENGTH[name]
        counts = collections.Counter(t for text in texts for t in tokens(text, name))
        self.ids = {t: i + 2 for i, (t, n) in enumerate(counts.most_common()) if n > 1}  # 1: unknown

    def rows(self, texts):
        """The numbers of each text's tokens, cut to the length."""
        return [[self.ids.get(t, 1) for t in tokens(text, self.name)][: self.length] or [1] for text in texts]

    def build(self, classes):
        """The logits, and what feeds a batch of rows."""
        ids, lengths = tf.placeholder(tf.int32, [None, self.length]), tf.placeholder(tf.int32, [None])
        keep = tf.placeholder_with_default(1.0, [])
        table = tf.get_variable("table", [len(self.ids) + 2, EMBEDDING], initializer=small())
        words = tf.nn.embedding_lookup(table, ids) * tf.expand_dims(
            tf.sequence_mask(lengths, self.length, tf.float32), 2
        )
        state = tf.nn.dropout(self._windows(words) if self.model == "cnn" else self._read(words, lengths), keep)
        last = tf.get_variable("last", [state.shape[1], classes], initializer=small())
        logits = tf.matmul(state, last) + tf.get_variable("bias", [classes], initializer=tf.zeros_initializer())

        def feed(batch, training=True):
            table = np.zeros((len(batch), self.length), np.int32)
            for row, found in zip(table, batch):
                row[: len(found)] = found
            return {ids: table, lengths: [len(row) for row in batch], keep: 0.5 if training else 1.0}

        return logits, feed

    def _windows(self, words):
        """The most that each of 64 filters finds in windows of two to four tokens."""
        found = []
        for width in (2, 3, 4):
            filters = tf.get_variable(f"filters{width}", [width, 1, EMBEDDING, 64], initializer=small())
            image = tf.nn.relu(tf.nn.conv2d(tf.expand_dims(words, 2), filters, [1, 1, 1, 1], "VALID"))
            found.append(tf.reduce_max(image, axis=[1, 2]))
        return tf.concat(found, 1)

    def _read(self, words, lengths):
        """The mean of what two LSTMs put out, one for each direction."""
        cells = [tf.nn.rnn_cell.LSTMCell(64, initializer=small()) for _ in range(2)]
        outputs, _ = tf.nn.bidirectional_dynamic_rnn(*cells, words, lengths, dtype=tf.float32)
        return tf.reduce_sum(tf.concat(outputs, 2), 1) / tf.cast(tf.expand_dims(lengths, 1), tf.float32)


def batches(rows, targets, random=None):
    order = np.arange(len(rows)) if random is None else random.permutation(len(rows))
    for start in range(0, len(rows), BATCH):
        chosen = order[start : start + BATCH]
        yield [rows[i] for i in chosen], targets[chosen]


class Task:
    """The graph of one network, and its texts as rows."""

    def __init__(self, options, epochs_rate_l2):
        _, rate, l2 = epochs_rate_l2
        (learnt, names), (asked, asked_names) = texts(options)
        self.evaluation = {} if options.model == "bag" else {"training": False}
        network = Bag(learnt, options.set) if options.model == "bag" else Sequence(learnt, options.set, options.model)
        classes = sorted(set(names))
        one_hot = np.eye(len(classes), dtype=np.float32)
        self.rows, self.targets = network.rows(learnt), one_hot[[classes.index(name) for name in names]]
        self.asked, self.wanted = network.rows(asked), one_hot[[classes.index(name) for name in asked_names]]
        logits, self.feed = network.build(len(classes))
        self.y = tf.placeholder(tf.float32, [None, len(classes)])
        if options.loss == "sigmoid":
            losses = tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(labels=self.y, logits=logits), 1)
        else:
            losses = tf.nn.softmax_cross_entropy_with_logits_v2(labels=self.y, logits=logits)
        self.loss = tf.reduce_mean(losses)
        if l2:
            self.loss += l2 * tf.nn.l2_loss(tf.trainable_variables()[0])
        self.step = tf.train.AdamOptimizer(rate).minimize(self.loss)
        self.right = tf.reduce_sum(tf.cast(tf.equal(tf.argmax(logits, 1), tf.argmax(self.y, 1)), tf.float32))

    def learn(self, session, random):
        """One round over the texts; the mean loss."""
        return np.mean([
            session.run([self.loss, self.step], {**self.feed(batch), self.y: targets})[0]
            for batch, targets in batches(self.rows, self.targets, random)
        ])  # fmt: skip

    def accuracy(self, session):
        found = [
            session.run(self.right, {**self.feed(batch, **self.evaluation), self.y: targets})
            for batch, targets in batches(self.asked, self.wanted)
        ]
        return sum(found) / len(self.asked)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--set", choices=SETS, default="headlines2")
    parser.add_argument("--model", choices=SETTINGS, default="bag")
    parser.add_argument("--validate", action="store_true", help="ask texts held out of the training set")
    parser.add_argument("--loss", choices=("softmax", "sigmoid"), default="softmax")
    parser.add_argument("--epochs", type=int, help="default: as many as the model needs")
    parser.add_argument("--rate", type=float)
    parser.add_argument("--l2", type=float)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    given = (options.epochs, options.rate, options.l2)
    settings = [default if value is None else value for value, default in zip(given, SETTINGS[options.model])]
    tf.set_random_seed(options.seed)
    task, random, began = Task(options, settings), np.random.RandomState(options.seed), time.time()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for epoch in range(1, settings[0] + 1):
            print(f"epoch {epoch}: loss {task.learn(session, random):.4f} ({time.time() - began:.0f} s)", flush=True)
            if options.validate:
                print(f"epoch {epoch}: validation accuracy {task.accuracy(session):.4f}", flush=True)
        if not options.validate:
            print(f"test accuracy {task.accuracy(session):.4f}")


if __name__ == "__main__":
    main()
