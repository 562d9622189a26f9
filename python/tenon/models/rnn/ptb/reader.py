"""The Penn Treebank's texts as TensorFlow's tutorial reads them: words to numbers, numbers to batches."""

import collections
import os

import numpy as np


def _read_words(filename):
    with open(filename, encoding="utf-8") as f:
        return f.read().replace("\n", "<eos>").split()


def _build_vocab(filename):
    counter = collections.Counter(_read_words(filename))
    pairs = sorted(counter.items(), key=lambda pair: (-pair[1], pair[0]))
    return {word: number for number, (word, _) in enumerate(pairs)}


def _file_to_word_ids(filename, word_to_id):
    return [word_to_id[word] for word in _read_words(filename) if word in word_to_id]


def ptb_raw_data(data_path=None):
    """(train, valid, test, size of the vocabulary): numbers of the words of ptb.*.txt in the folder DATA_PATH."""
    paths = [os.path.join(data_path, f"ptb.{part}.txt") for part in ("train", "valid", "test")]
    word_to_id = _build_vocab(paths[0])
    return (*(_file_to_word_ids(path, word_to_id) for path in paths), len(word_to_id))


def ptb_iterator(raw_data, batch_size, num_steps):
    """Pairs of arrays [batch_size, num_steps]: words, and those that follow them."""
    raw_data = np.array(raw_data, dtype=np.int32)
    length = len(raw_data) // batch_size
    data = raw_data[: batch_size * length].reshape(batch_size, length)
    epoch_size = (length - 1) // num_steps
    if epoch_size == 0:
        raise ValueError("epoch_size == 0, decrease batch_size or num_steps")
    for i in range(epoch_size):
        yield data[:, i * num_steps : (i + 1) * num_steps], data[:, i * num_steps + 1 : (i + 1) * num_steps + 1]


def ptb_producer(raw_data, batch_size, num_steps, name=None):
    """Tensors [batch_size, num_steps]: words, and those that follow them; a queue runner deals out the places."""
    import tenon as tf

    with tf.name_scope(name, "PTBProducer", [raw_data, batch_size, num_steps]):
        raw_data = tf.convert_to_tensor(raw_data, name="raw_data", dtype=tf.int32)
        batch_len = tf.size(raw_data) // batch_size
        data = tf.reshape(raw_data[0 : batch_size * batch_len], [batch_size, batch_len])
        epoch_size = (batch_len - 1) // num_steps
        assertion = tf.assert_positive(epoch_size, message="epoch_size == 0, decrease batch_size or num_steps")
        with tf.control_dependencies([assertion]):
            epoch_size = tf.identity(epoch_size, name="epoch_size")
        i = tf.train.range_input_producer(epoch_size, shuffle=False).dequeue()
        x, y = (tf.strided_slice(data, [0, i * num_steps + k], [batch_size, (i + 1) * num_steps + k]) for k in (0, 1))
        for part in (x, y):
            part.set_shape([batch_size, num_steps])
        return x, y
