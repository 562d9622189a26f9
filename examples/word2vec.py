"""Vectors for words, learnt from which words stand near each other, with noise-contrastive estimation.

usage: python examples/word2vec.py [--steps N] [--seed N]

The text is the English newswire of Reuters-21578 R8, one article after the other. Ends by telling how many of the names
of months and of the numerals up to twelve have one of their own kind as nearest word.
"""

import argparse
import collections
import math
import time

import numpy as np

import tenon as tf
from tenon.examples import data

VOCABULARY, SIZE, WINDOW, NOISE, BATCH, RATE = 5000, 64, 2, 32, 256, 1.0
KINDS = ["january february march april may june july august september october november december".split(),
         "one two three four five six seven eight nine ten eleven twelve".split()]  # fmt: skip


def read():
    """(the words, the text as their numbers): the most frequent first, 0 stands for all that are rarer."""
    with open(data.find("text", "reuters-r8.train.tsv"), encoding="utf-8") as file:
        text = [word for line in file for word in line.split("\t")[1].split()]
    words = ["?"] + [word for word, _ in collections.Counter(text).most_common(VOCABULARY - 1)]
    numbers = {word: i for i, word in enumerate(words)}
    return words, np.array([numbers.get(word, 0) for word in text], np.int32)


def pairs(text, random):
    """Batches of (words, words that stand up to WINDOW places before or after them), without an end."""
    while True:
        at = random.randint(WINDOW, len(text) - WINDOW, BATCH)
        away = random.randint(1, WINDOW + 1, BATCH) * random.choice([-1, 1], BATCH)
        yield text[at], text[at + away][:, None]


def nearest(vectors, words):
    """How many words of KINDS have a nearest word of their kind, and how many there are."""
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    right = total = 0
    for kind in KINDS:
        for word in kind:
            if word in words:
                order = np.argsort(-vectors @ vectors[words.index(word)])
                right, total = right + (words[order[1]] in kind), total + 1
                print(f"{word}: {', '.join(words[i] for i in order[1:6])}")
    return right, total


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=60000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    words, text = read()
    tf.set_random_seed(options.seed)
    inputs, labels = tf.placeholder(tf.int32, [BATCH]), tf.placeholder(tf.int32, [BATCH, 1])
    embeddings = tf.get_variable("embeddings", [VOCABULARY, SIZE], initializer=tf.random_uniform_initializer(-0.5, 0.5))
    weights = tf.get_variable("nce_weights", [VOCABULARY, SIZE],
                              initializer=tf.truncated_normal_initializer(stddev=1.0 / math.sqrt(SIZE)))  # fmt: skip
    biases = tf.get_variable("nce_biases", [VOCABULARY], initializer=tf.zeros_initializer())
    embed = tf.nn.embedding_lookup(embeddings, inputs)
    loss = tf.reduce_mean(tf.nn.nce_loss(weights=weights, biases=biases, labels=labels, inputs=embed,
                                         num_sampled=NOISE, num_classes=VOCABULARY))  # fmt: skip
    global_step = tf.train.get_or_create_global_step()
    rate = tf.train.polynomial_decay(RATE, global_step, options.steps, end_learning_rate=0.0)
    train = tf.train.GradientDescentOptimizer(rate).minimize(loss, global_step)
    losses, began = [], time.time()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for step, (near, other) in zip(range(1, options.steps + 1), pairs(text, np.random.RandomState(options.seed))):
            losses.append(session.run([loss, train], {inputs: near, labels: other})[0])
            if step % 5000 == 0:
                print(f"step {step}: loss {np.mean(losses[-5000:]):.4f} ({time.time() - began:.0f} s)", flush=True)
        right, total = nearest(session.run(embeddings), words)
    print(f"mean loss of the last thousand steps {np.mean(losses[-1000:]):.4f}")
    print(f"nearest of its kind {right} of {total}")


if __name__ == "__main__":
    main()
