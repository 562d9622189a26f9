"""tenon.tflearn: data utilities, data sets, preprocessing and augmentation."""

import os
import random
from pathlib import Path

import h5py
import numpy as np
import pytest

import tenon as tf
from tenon import tflearn
from tenon.python.lib.io import hdf5
from tenon.tflearn import data_utils

DATA = Path(os.environ.get("TENON_DATA") or Path(__file__).resolve().parents[3] / "shared" / "data")


def test_labels_and_sequences():
    np.testing.assert_array_equal(data_utils.to_categorical([1, 0], 3), [[0, 1, 0], [1, 0, 0]])
    np.testing.assert_array_equal(data_utils.to_categorical(["b", "a", "b"]), [[0, 1], [1, 0], [0, 1]])
    np.testing.assert_array_equal(data_utils.pad_sequences([[1, 2], [3]], 3), [[1, 2, 0], [3, 0, 0]])
    np.testing.assert_array_equal(data_utils.pad_sequences([[1, 2, 3]], 2, value=9.0), [[1, 2]])
    a, b = data_utils.shuffle(np.arange(9), np.arange(9) * 2)
    np.testing.assert_array_equal(a * 2, b)
    assert sorted(a.tolist()) == list(range(9))


def test_texts(tmp_path):
    x, y, index = data_utils.string_to_semi_redundant_sequences("abcab", 2, 1)
    assert index == {"a": 0, "b": 1, "c": 2}
    np.testing.assert_array_equal(x.argmax(2), [[0, 1], [1, 2], [2, 0]])
    np.testing.assert_array_equal(y.argmax(1), [2, 0, 1])
    path = tmp_path / "text"
    path.write_text("ABcab")
    again, _, _ = data_utils.textfile_to_semi_redundant_sequences(str(path), 2, 1, to_lower_case=True)
    np.testing.assert_array_equal(again, x)
    random.seed(0)
    assert data_utils.random_sequence_from_textfile(str(path), 3) in "ABcab"
    vocabulary = data_utils.VocabularyProcessor(4)
    rows = np.array(list(vocabulary.fit_transform(["the cat sat", "the dog"])))
    np.testing.assert_array_equal(rows, [[1, 2, 3, 0], [1, 4, 0, 0]])
    np.testing.assert_array_equal(list(vocabulary.transform(["a dog sat on the cat"])), [[0, 4, 3, 0]])
    assert list(vocabulary.reverse(rows[:1])) == ["the cat sat <UNK>"]
    vocabulary.save(str(tmp_path / "v"))
    assert data_utils.VocabularyProcessor.restore(str(tmp_path / "v")).vocabulary_ == vocabulary.vocabulary_
    frequent = data_utils.VocabularyProcessor(2, min_frequency=1).fit(["a b a", "a c b"])
    assert frequent.vocabulary_ == {"<UNK>": 0, "a": 1, "b": 2}


def test_tables(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('survived,name,age\n1,"Smith, J",22\n0,Doe,30.5\n')
    data, labels = data_utils.load_csv(str(path), target_column=0, categorical_labels=True, n_classes=2)
    assert data == [["Smith, J", "22"], ["Doe", "30.5"]]
    np.testing.assert_array_equal(labels, [[0, 1], [1, 0]])
    data, labels = data_utils.load_csv(str(path), columns_to_ignore=[1], has_header=False)
    assert data[1] == ["1"] and labels == ["age", "22", "30.5"]


def pictures(tmp_path):
    """(pixels of four pictures, a list of their paths and labels) in files, also by folders under `all`."""
    rng = np.random.RandomState(0)
    pixels = rng.randint(0, 255, (4, 6, 5, 3)).astype("uint8")
    lines = []
    for i, p in enumerate(pixels):
        folder = tmp_path / "all" / ("cat" if i % 2 else "bird")
        folder.mkdir(parents=True, exist_ok=True)
        tf.keras.preprocessing.image.save_img(str(folder / f"{i}.png"), p, scale=False)
        lines.append(f"{folder / f'{i}.png'} {i % 2}")
    listing = tmp_path / "list.txt"
    listing.write_text("\n".join(lines))
    return pixels, listing


def test_pictures(tmp_path):
    pixels, listing = pictures(tmp_path)
    x, y = data_utils.image_preloader(str(listing), image_shape=(5, 6))
    np.testing.assert_allclose(x[2], pixels[2] / 255.0, atol=1e-6)
    np.testing.assert_array_equal(y[[0, 1]], [[1, 0], [0, 1]])
    x, y = data_utils.image_preloader(str(tmp_path / "all"), (3, 4), mode="folder", grayscale=True, normalize=False,
                                      categorical_labels=False)  # fmt: skip
    assert len(x) == 4 and np.shape(x[0]) == (4, 3) and y[0:4] == [0, 0, 1, 1] and np.max(x[1]) > 1


def test_hdf5_of_images(tmp_path):
    pixels, listing = pictures(tmp_path)
    path = str(tmp_path / "d.h5")
    data_utils.build_hdf5_image_dataset(str(listing), image_shape=(5, 6), output_path=path, chunks=True)
    with h5py.File(path, "r") as f:
        assert f["X"].dtype == f["Y"].dtype == np.float32
        np.testing.assert_allclose(f["X"][()], pixels / 255.0, atol=1e-6)
        np.testing.assert_array_equal(f["Y"][()], [[1, 0], [0, 1], [1, 0], [0, 1]])
    data_utils.build_hdf5_image_dataset(str(tmp_path / "all"), (3, 4), path, mode="folder", grayscale=True,
                                        normalize=False, categorical_labels=False)  # fmt: skip
    lazy, _ = data_utils.image_preloader(str(tmp_path / "all"), (3, 4), mode="folder", grayscale=True, normalize=False)
    with hdf5.File(path, "r") as f:
        np.testing.assert_array_equal(f["X"][()], lazy[0:4])
        np.testing.assert_array_equal(f["Y"][()], [0, 0, 1, 1])
    (tmp_path / "floats.txt").write_text("all/bird/0.png 0.5 1.5\nall/cat/1.png 2 -1\nall/cat/3.jpg 1 1\n")
    data_utils.build_hdf5_image_dataset(str(tmp_path / "floats.txt"), (5, 6), path, files_extension=[".png"],
                                        image_base_path=str(tmp_path), float_labels=True)  # fmt: skip
    with hdf5.File(path, "r") as f:
        assert f["X"].shape == (2, 6, 5, 3)
        np.testing.assert_array_equal(f["Y"][()], [[0.5, 1.5], [2, -1]])


def test_hdf5_of_images_says_what_is_wrong(tmp_path):
    build = data_utils.build_hdf5_image_dataset
    with pytest.raises(AssertionError, match="Image shape must be defined"):
        build(str(tmp_path), None, mode="folder")
    with pytest.raises(AssertionError, match="mode must be folder or file"):
        build(str(tmp_path), (4, 4), mode="list")
    with pytest.raises(ValueError, match="no pictures in"):
        build(str(tmp_path), (4, 4), str(tmp_path / "d.h5"), mode="folder")
    assert not (tmp_path / "d.h5").exists()


def test_augmentation():
    random.seed(3)
    x = np.arange(2 * 4 * 4 * 1.0).reshape(2, 4, 4, 1)
    aug = tflearn.ImageAugmentation()
    aug.add_random_crop((4, 4), 2)
    aug.add_random_flip_updown()
    aug.add_random_90degrees_rotation([0, 2])
    aug.add_random_blur(1.0)
    for _ in range(5):
        assert aug.apply(x).shape == x.shape
    flips = tflearn.ImageAugmentation()
    flips.add_random_flip_leftright()
    for a, b in zip(flips.apply(np.repeat(x, 8, 0)), np.repeat(x, 8, 0)):
        assert (a == b).all() or (a == b[:, ::-1]).all()
    blur = tflearn.ImageAugmentation()
    blur.add_random_blur(0.001)
    np.testing.assert_allclose(blur.apply(x), x)
    seq = tflearn.SequenceAugmentation()
    seq.random_reverse()
    assert all(s in ([1, 2, 3], [3, 2, 1]) for s in seq.apply([[1, 2, 3]] * 9))


def test_preprocessing():
    rng = np.random.RandomState(1)
    x = (rng.rand(20, 4, 4, 1) * 3).astype("f")
    with tf.Graph().as_default(), tf.Session() as session:
        prep = tflearn.DataPreprocessing()
        prep.add_samplewise_zero_center()
        prep.add_samplewise_stdnorm()
        prep.add_custom_preprocessing(lambda batch: batch + 1)
        y = prep.apply(x)
        np.testing.assert_allclose(y.mean((1, 2, 3)), 1, atol=1e-5)
        np.testing.assert_allclose(y.std((1, 2, 3)), 1, rtol=1e-4)
        white = tflearn.ImagePreprocessing()
        white.add_zca_whitening()
        with pytest.raises(Exception, match="not known yet"):
            white.apply(x)
        white.initialize(x - x.mean(0), session)
        flat = white.apply(x - x.mean(0)).reshape(20, -1)
        np.testing.assert_allclose(flat.T @ flat / 20, np.eye(16), atol=1e-3)
        given = tflearn.ImagePreprocessing()
        given.add_featurewise_zero_center(mean=0.5)
        given.add_crop_center((2, 2))
        given.initialize(x, session)
        np.testing.assert_allclose(given.apply(x), x[:, 1:3, 1:3] - 0.5, rtol=1e-5)


@pytest.mark.skipif(not (DATA / "mnist").is_dir(), reason="no MNIST")
def test_mnist(monkeypatch):
    monkeypatch.setenv("TENON_DATA", str(DATA))
    from tenon.tflearn.datasets import mnist

    x, y, test_x, test_y = mnist.load_data(one_hot=True)
    assert x.shape == (55000, 784) and y.shape == (55000, 10) and test_x.shape == (10000, 784) and x.max() == 1.0
    assert test_y.sum() == 10000


def test_what_is_not_there_is_said(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setenv("TENON_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    from tenon.python.keras.utils import data_utils as files

    def no_network(url):
        raise OSError("no network here")

    monkeypatch.setattr(files.urllib.request, "urlopen", no_network)
    from tenon.tflearn.datasets import imdb, oxflower17, titanic

    for load in (imdb.load_data, oxflower17.load_data, titanic.download_dataset, tf.keras.datasets.reuters.load_data,
                 tf.keras.datasets.boston_housing.load_data, tf.keras.datasets.fashion_mnist.load_data,
                 tf.keras.datasets.cifar10.load_data, tf.keras.datasets.cifar100.load_data):  # fmt: skip
        with pytest.raises(Exception, match=r"URL fetch failure on https?://.*: no network here"):
            load()
