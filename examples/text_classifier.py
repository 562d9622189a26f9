"""Which class a text is of: an article's words go in, one node for each class comes out.

usage: python examples/text_classifier.py [--set headlines2|headlines10|reuters8] [--model bag|cnn|lstm]
                                           [--loss softmax|sigmoid] [--epochs N] [--data FOLDER]

headlines2 (sports or entertainment, 2,000 headlines) and headlines10 are Chinese headlines, reuters8 is English
newswire. `bag` weighs single characters (or words) and pairs of them, `cnn` slides windows over embedded ones, `lstm`
reads them one after the other. Ends with an error where the accuracy is below what the set's bag is known to reach.
"""

import argparse
import collections
import math
import os
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "python"))

import tenon as tf  # noqa: E402

# Set: (file names, column of the class, classes kept or None, test accuracy that the bag must reach).
SETS = {
    "headlines2": ("thucnews.{}.tsv", 1, ("7", "9"), 0.959),
    "headlines10": ("thucnews.{}.tsv", 1, None, 0.868),
    "reuters8": ("reuters-r8.{}.tsv", 0, None, 0.972),
}
EPOCHS = {"bag": 3, "cnn": 6, "lstm": 8}
RARE = {"headlines2": 0, "headlines10": 0, "reuters8": 2}  # features that come no more often are left out
BATCH, LENGTH, EMBEDDING = 50, {"headlines2": 30, "headlines10": 30, "reuters8": 200}, 64


def read(folder, name, part):
    """(texts, names of their classes) of one file."""
    pattern, column, kept, _ = SETS[name]
    lines = (folder / pattern.format(part)).read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines if line]
    rows = [row for row in rows if kept is None or row[column] in kept]
    return [row[1 - column] for row in rows], [row[column] for row in rows]


def tokens(text, name):
    """Characters of headlines, words of articles."""
    return text.split() if name == "reuters8" else [c for c in text if not c.isspace()]


def features(text, name):
    """What the bag weighs: how often each token and each pair of neighbours comes."""
    single = tokens(text, name)
    return collections.Counter([*single, *(" ".join(pair) for pair in zip(single, single[1:]))])


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
        table = tf.get_variable(
            "table", [len(self.ids) + 2, EMBEDDING], initializer=tf.random_uniform_initializer(-0.1, 0.1, seed=1)
        )
        words = tf.nn.embedding_lookup(table, ids) * tf.expand_dims(
            tf.sequence_mask(lengths, self.length, tf.float32), 2
        )
        state = tf.nn.dropout(self._windows(words) if self.model == "cnn" else self._read(words, lengths), keep, seed=2)
        last = tf.get_variable(
            "last", [state.shape[1], classes], initializer=tf.random_uniform_initializer(-0.1, 0.1, seed=3)
        )
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
            filters = tf.get_variable(
                f"filters{width}", [width, 1, EMBEDDING, 64],
                initializer=tf.random_uniform_initializer(-0.1, 0.1, seed=width),
            )  # fmt: skip
            image = tf.nn.relu(tf.nn.conv2d(tf.expand_dims(words, 2), filters, [1, 1, 1, 1], "VALID"))
            found.append(tf.reduce_max(image, axis=[1, 2]))
        return tf.concat(found, 1)

    def _read(self, words, lengths):
        """The mean of what two LSTMs put out, one for each direction."""
        cells = [
            tf.nn.rnn_cell.LSTMCell(64, initializer=tf.random_uniform_initializer(-0.1, 0.1, seed=s)) for s in (5, 6)
        ]
        outputs, _ = tf.nn.bidirectional_dynamic_rnn(*cells, words, lengths, dtype=tf.float32)
        return tf.reduce_sum(tf.concat(outputs, 2), 1) / tf.cast(tf.expand_dims(lengths, 1), tf.float32)


def batches(rows, targets, random=None):
    order = np.arange(len(rows)) if random is None else random.permutation(len(rows))
    for start in range(0, len(rows), BATCH):
        chosen = order[start : start + BATCH]
        yield [rows[i] for i in chosen], targets[chosen]


def train(options, folder):
    """Trains, and returns the accuracy on the test set."""
    texts, names = read(folder, options.set, "train")
    classes = sorted(set(names))
    network = Bag(texts, options.set) if options.model == "bag" else Sequence(texts, options.set, options.model)
    one_hot = np.eye(len(classes), dtype=np.float32)
    rows, targets = network.rows(texts), one_hot[[classes.index(name) for name in names]]
    test_texts, test_names = read(folder, options.set, "test")
    test_rows = network.rows(test_texts)
    test_targets = one_hot[[classes.index(name) for name in test_names]]
    logits, feed = network.build(len(classes))
    wanted = tf.placeholder(tf.float32, [None, len(classes)])
    if options.loss == "sigmoid":
        loss = tf.reduce_mean(tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(labels=wanted, logits=logits), 1))
    else:
        loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits_v2(labels=wanted, logits=logits))
    rate = 0.005 if options.model == "bag" else 0.003
    if options.model == "bag":
        loss += 0.0003 * tf.nn.l2_loss(tf.trainable_variables()[0])
    step = tf.train.AdamOptimizer(rate).minimize(loss)
    right = tf.reduce_sum(tf.cast(tf.equal(tf.argmax(logits, 1), tf.argmax(wanted, 1)), tf.float32))
    evaluation = {} if options.model == "bag" else {"training": False}
    random, began = np.random.RandomState(1), time.time()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for epoch in range(1, (options.epochs or EPOCHS[options.model]) + 1):
            losses = [
                session.run([loss, step], {**feed(batch), wanted: targets_})[0]
                for batch, targets_ in batches(rows, targets, random)
            ]
            found = sum(
                session.run(right, {**feed(batch, **evaluation), wanted: targets_})
                for batch, targets_ in batches(test_rows, test_targets)
            )
            accuracy = found / len(test_rows)
            seconds = time.time() - began
            print(
                f"epoch {epoch}: loss {np.mean(losses):.4f}, test accuracy {accuracy:.4f} ({seconds:.0f} s)", flush=True
            )
    return accuracy


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--set", choices=SETS, default="headlines2")
    parser.add_argument("--model", choices=EPOCHS, default="bag")
    parser.add_argument("--loss", choices=("softmax", "sigmoid"), default="softmax")
    parser.add_argument("--epochs", type=int, default=0, help="0: as many as the model needs")
    parser.add_argument("--data", help="the folder with the texts; default: $TENON_DATA/text or ../shared/data/text")
    options = parser.parse_args(arguments)
    places = [options.data, os.environ.get("TENON_DATA", "") + "/text", ROOT.parent / "shared" / "data" / "text"]
    folder = next((Path(p) for p in places if p and Path(p).is_dir()), None)
    if folder is None:
        print("text_classifier: no data; give --data or set TENON_DATA", file=sys.stderr)
        return 2
    accuracy, floor = train(options, folder), SETS[options.set][3]
    if options.model == "bag" and not options.epochs and accuracy < floor:
        print(f"text_classifier: the accuracy {accuracy:.4f} is below {floor}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
