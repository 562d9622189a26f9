"""What the data sets share: where files come from, and how sequences of words are cut."""

import json

import numpy as np

from tenon.python.keras.utils import data_utils

_ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"


def arrays(path, name, digest, *keys):
    """Arrays of an .npz file that is in the cache or fetched; its digest is checked before it is read."""
    found = data_utils.get_file(path, _ORIGIN + name, file_hash=digest)
    with np.load(found, allow_pickle=True) as f:
        return [f[k] for k in keys]


def word_index(path, name, digest):
    """The numbers of words, from a JSON file."""
    with open(data_utils.get_file(path, _ORIGIN + name, file_hash=digest), encoding="utf-8") as f:
        return json.load(f)


def shuffled(seed, *values):
    """Arrays in another order, the same for all."""
    order = np.arange(len(values[0]))
    np.random.RandomState(seed).shuffle(order)
    return [v[order] for v in values]


def marked(sequences, start_char, index_from):
    """Sequences with a mark at the beginning, numbers moved up."""
    if start_char is not None:
        return [[start_char, *(w + index_from for w in s)] for s in sequences]
    return [[w + index_from for w in s] for s in sequences] if index_from else list(sequences)


def short(maxlen, sequences, labels):
    """Those that are shorter than MAXLEN."""
    if not maxlen:
        return sequences, labels
    kept = [i for i, s in enumerate(sequences) if len(s) < maxlen]
    if not kept:
        raise ValueError(f"After filtering for sequences shorter than maxlen={maxlen}, no sequence was kept. Increase "
                         "maxlen.")  # fmt: skip
    return [sequences[i] for i in kept], np.asarray([labels[i] for i in kept])


def limited(sequences, num_words, skip_top, oov_char):
    """Sequences of the words from SKIP_TOP to NUM_WORDS; others become OOV_CHAR, or are left out where it is None."""
    num_words = num_words or max(max(s) for s in sequences)
    if oov_char is not None:
        found = [[w if skip_top <= w < num_words else oov_char for w in s] for s in sequences]
    else:
        found = [[w for w in s if skip_top <= w < num_words] for s in sequences]
    result = np.empty(len(found), object)
    result[:] = found
    return result
