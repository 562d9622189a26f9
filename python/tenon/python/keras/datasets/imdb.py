"""Reviews of films, good or bad, as numbers of words by how often they come."""

import numpy as np

from tenon.python.keras.datasets import common
from tenon.python.util.tf_export import tf_export

_DIGEST = "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"


@tf_export("keras.datasets.imdb.load_data")
def load_data(path="imdb.npz", num_words=None, skip_top=0, maxlen=None, seed=113, start_char=1, oov_char=2,
              index_from=3, **kwargs):  # fmt: skip
    """((25000 reviews, labels), (25000 reviews, labels))."""
    num_words = kwargs.pop("nb_words", num_words)
    if kwargs:
        raise TypeError(f"Unrecognized keyword arguments: {kwargs}")
    a, b, c, d = common.arrays(path, "imdb.npz", _DIGEST, "x_train", "y_train", "x_test", "y_test")
    parts = []
    for x, y in (common.shuffled(seed, a, b), common.shuffled(seed, c, d)):
        parts.append(common.short(maxlen, common.marked(x, start_char, index_from), y))
    (x, y), (test_x, test_y) = parts
    both = common.limited([*x, *test_x], num_words, skip_top, oov_char)
    return (both[: len(x)], np.asarray(y)), (both[len(x) :], np.asarray(test_y))


@tf_export("keras.datasets.imdb.get_word_index")
def get_word_index(path="imdb_word_index.json"):
    """The numbers of words."""
    return common.word_index(path, "imdb_word_index.json", "bfafd718b763782e994055a2d397834f")
