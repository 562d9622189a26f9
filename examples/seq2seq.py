"""Numbers written out in English become digits: an encoder, a decoder, and attention from one to the other.

usage: python examples/seq2seq.py [--steps N] [--seed N]

The data is made by this program: the numbers below a million as words, "twelve thousand and six", and as digits,
"12006". A thousand numbers that are never learnt from are asked at the end, read out with the decoder's own guesses.
"""

import argparse
import time

import numpy as np

import tenon as tf

seq2seq = tf.contrib.seq2seq
ONES = ("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen").split()  # fmt: skip
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
WORDS = ["-", *ONES, *TENS, "hundred", "thousand", "and"]  # the first one fills up
END, BEGIN, SYMBOLS = 10, 11, 12  # after the ten digits
LIMIT, WORDS_MOST, DIGITS_MOST = 1000000, 12, 7
UNITS, BATCH, RATE, CLIP = 96, 100, 0.003, 5.0


def spell(n):
    """The words of N."""
    if n >= 1000:
        rest = n % 1000
        return [*spell(n // 1000), "thousand", *(["and"] if 0 < rest < 100 else []), *(spell(rest) if rest else [])]
    if n >= 100:
        return [ONES[n // 100], "hundred", *(["and", *spell(n % 100)] if n % 100 else [])]
    if n >= 20:
        return [TENS[n // 10 - 2], *([ONES[n % 10]] if n % 10 else [])]
    return [ONES[n]]


def batch(numbers):
    """(words, how many of them, digits and END, how many of those) of NUMBERS."""
    words, digits = np.zeros((len(numbers), WORDS_MOST), np.int32), np.full((len(numbers), DIGITS_MOST), END, np.int32)
    sizes = []
    for row, out, n in zip(words, digits, numbers):
        spelt, text = [WORDS.index(word) for word in spell(int(n))], str(n)
        row[: len(spelt)], out[: len(text)] = spelt, [int(c) for c in text]
        sizes.append((len(spelt), len(text) + 1))
    return words, np.array(sizes, np.int32)[:, 0], digits, np.array(sizes, np.int32)[:, 1]


class Translator:
    """Placeholders, the loss of a batch, and what the network itself would write."""

    def __init__(self):
        self.words, self.sizes = tf.placeholder(tf.int32, [None, WORDS_MOST]), tf.placeholder(tf.int32, [None])
        self.digits, self.counts = tf.placeholder(tf.int32, [None, DIGITS_MOST]), tf.placeholder(tf.int32, [None])
        self.n = tf.shape(self.words)[0]
        with tf.variable_scope("encoder"):
            table = tf.get_variable("table", [len(WORDS), UNITS])
            self.memory, self.state = tf.nn.dynamic_rnn(
                tf.nn.rnn_cell.GRUCell(UNITS), tf.nn.embedding_lookup(table, self.words), self.sizes, dtype=tf.float32
            )
        before = tf.concat([tf.fill([self.n, 1], BEGIN), self.digits[:, :-1]], 1)
        with tf.variable_scope("decoder"):
            table = tf.get_variable("table", [SYMBOLS, UNITS])
            inputs = tf.nn.embedding_lookup(table, before)
            logits = self._decode(seq2seq.TrainingHelper(inputs, tf.fill([self.n], DIGITS_MOST))).rnn_output
        weights = tf.sequence_mask(self.counts, DIGITS_MOST, tf.float32)
        self.loss = seq2seq.sequence_loss(logits, self.digits, weights)
        with tf.variable_scope("decoder", reuse=True):
            helper = seq2seq.GreedyEmbeddingHelper(table, tf.fill([self.n], BEGIN), END)
            self.written = self._decode(helper).sample_id

    def _decode(self, helper):
        attention = seq2seq.LuongAttention(UNITS, self.memory, self.sizes)
        cell = seq2seq.AttentionWrapper(tf.nn.rnn_cell.GRUCell(UNITS), attention, attention_layer_size=UNITS)
        start = cell.zero_state(self.n, tf.float32).clone(cell_state=self.state)
        decoder = seq2seq.BasicDecoder(cell, helper, start, output_layer=tf.layers.Dense(SYMBOLS, name="symbols"))
        outputs, _, _ = seq2seq.dynamic_decode(decoder, maximum_iterations=DIGITS_MOST)
        return outputs

    def feed(self, numbers):
        return dict(zip((self.words, self.sizes, self.digits, self.counts), batch(numbers)))


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    random = np.random.RandomState(options.seed)
    asked = random.choice(LIMIT, 1000, replace=False)
    tf.set_random_seed(options.seed)
    translator = Translator()
    variables = tf.trainable_variables()
    gradients, _ = tf.clip_by_global_norm(tf.gradients(translator.loss, variables), CLIP)
    train = tf.train.AdamOptimizer(RATE).apply_gradients(zip(gradients, variables))
    began = time.time()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for step in range(1, options.steps + 1):
            # Every length is learnt as often: a number, cut off at a random place.
            numbers = random.randint(0, LIMIT, BATCH) // 10 ** random.randint(0, 6, BATCH)
            numbers = numbers[~np.isin(numbers, asked)]
            loss, _ = session.run([translator.loss, train], translator.feed(numbers))
            if step % 250 == 0:
                print(f"step {step}: loss {loss:.4f} ({time.time() - began:.0f} s)", flush=True)
        written = session.run(translator.written, translator.feed(asked))
    texts = ["".join(str(c) if c < 10 else "#" for c in row).split("#")[0] for row in written]
    right = [text == str(n) for text, n in zip(texts, asked)]
    for n, text in list(zip(asked, texts))[:3]:
        print(" ".join(spell(int(n))), "->", text)
    print(f"numbers right {np.mean(right):.4f}")


if __name__ == "__main__":
    main()
