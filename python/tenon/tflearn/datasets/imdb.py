"""Reviews of films, good or bad, as numbers of words."""

import numpy as np

from tenon.python.keras.datasets import imdb


def load_data(path="imdb.pkl", n_words=100000, valid_portion=0.1, maxlen=None, sort_by_len=True):
    """(train, valid, test), each (sequences, labels); words beyond N_WORDS become 1."""
    (x, y), (test_x, test_y) = imdb.load_data(num_words=n_words, start_char=None, oov_char=1, index_from=0)

    def ordered(sequences, labels):
        pairs = [(list(s), int(label)) for s, label in zip(sequences, labels) if not maxlen or len(s) < maxlen]
        if sort_by_len:
            pairs.sort(key=lambda p: len(p[0]))
        return [p[0] for p in pairs], [p[1] for p in pairs]

    order = np.random.permutation(len(x))
    at = int(np.round(len(x) * (1.0 - valid_portion)))
    parts = [ordered([x[i] for i in ids], [y[i] for i in ids]) for ids in (order[:at], order[at:])]
    return parts[0], parts[1], ordered(test_x, test_y)
