"""MNIST as TensorFlow's tutorials read it."""

import os

import numpy as np
import pytest

import tenon as tf
from tenon.examples import data
from tenon.examples.tutorials.mnist import input_data


def test_the_sets_and_their_batches(tmp_path):
    mnist = input_data.read_data_sets(str(tmp_path), one_hot=True)
    n = mnist.train.num_examples + mnist.validation.num_examples
    assert n in (60000, 1497) and mnist.test.num_examples in (10000, 300)
    assert mnist.train.images.dtype == np.float32 and mnist.train.images.shape[1:] == (784,)
    assert 0.9 < mnist.train.images.max() <= 1.0 and mnist.train.labels.shape[1] == 10
    seen = 0
    while mnist.train.epochs_completed == 0:
        images, labels = mnist.train.next_batch(700)
        assert images.shape == (700, 784) and (labels.sum(1) == 1).all()
        seen += 700
    assert seen - 700 < mnist.train.num_examples <= seen


def test_a_seed_gives_the_same_batches():
    def first():
        return input_data.read_data_sets("", seed=3, validation_size=100).train.next_batch(5)[1].tolist()

    assert first() == first()


def test_options():
    mnist = input_data.read_data_sets("", reshape=False, dtype="uint8", validation_size=0)
    assert mnist.train.images.shape[1:] == (28, 28, 1) and mnist.train.images.dtype == np.uint8
    assert mnist.validation.num_examples == 0
    assert mnist.test.next_batch(3, shuffle=False)[1].tolist() == mnist.test.labels[:3].tolist()
    assert input_data.read_data_sets("", fake_data=True).train.num_examples == 10000
    assert input_data.read_data_sets("", validation_size=0).validation.images.shape == (0, 784)
    with pytest.raises(ValueError, match="between"):
        input_data.read_data_sets("", validation_size=-1)
    with pytest.raises(TypeError):
        input_data.read_data_sets("", dtype="int32")


def test_where_data_lies(tmp_path, monkeypatch):
    folder = tmp_path / "flowers"
    folder.mkdir()
    (folder / "labels.txt").write_text("rose")
    monkeypatch.setenv("TENON_DATA", str(tmp_path))
    assert data.find("flowers") == str(folder)
    assert data.find("flowers", "labels.txt") == os.path.join(str(folder), "labels.txt")
    with pytest.raises(tf.errors.NotFoundError, match=r"'flowers' has no file .*tulips"):
        data.find("flowers", "tulips")
    with pytest.raises(tf.errors.NotFoundError, match=r"'bees' is in none of .*/bees"):
        data.find("bees")
