"""Newswires in 46 topics, as numbers of words by how often they come."""

import numpy as np

from tenon.python.keras.datasets import common
from tenon.python.util.tf_export import tf_export

_DIGEST = "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916"


@tf_export("keras.datasets.reuters.load_data")
def load_data(path="reuters.npz", num_words=None, skip_top=0, maxlen=None, test_split=0.2, seed=113, start_char=1,
              oov_char=2, index_from=3, **kwargs):  # fmt: skip
    """((newswires, topics), (newswires, topics)): 11228, TEST_SPLIT of them in the second part."""
    num_words = kwargs.pop("nb_words", num_words)
    if kwargs:
        raise TypeError(f"Unrecognized keyword arguments: {kwargs}")
    x, y = common.shuffled(seed, *common.arrays(path, "reuters.npz", _DIGEST, "x", "y"))
    x, y = common.short(maxlen, common.marked(x, start_char, index_from), y)
    x, at = common.limited(x, num_words, skip_top, oov_char), int(len(x) * (1 - test_split))
    return (x[:at], np.asarray(y[:at])), (x[at:], np.asarray(y[at:]))


@tf_export("keras.datasets.reuters.get_word_index")
def get_word_index(path="reuters_word_index.json"):
    """The numbers of words."""
    return common.word_index(path, "reuters_word_index.json", "4d44cc38712099c9e383dc6e5f11a921")
