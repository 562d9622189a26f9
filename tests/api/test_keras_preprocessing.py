"""tenon.keras.preprocessing: pictures, series and texts as TensorFlow's Keras prepares them."""

import json
import random

import numpy as np
import pytest

import tenon
from api.both import both, tensorflow

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True)
def without_scipy(monkeypatch):
    """The oracle asks for SciPy even where it does not use it."""
    tensorflow()
    from tf_keras.src.preprocessing import image

    monkeypatch.setattr(image, "scipy", object(), raising=False)


X = (np.random.RandomState(0).rand(12, 9, 7, 3) * 255).astype("f")
Y = np.arange(12)


def test_pictures_in_files(tmp_path):
    """Loading equals Pillow's, in each mode, size and interpolation."""
    pixels = X[0].astype("uint8")
    tenon.keras.preprocessing.image.save_img(str(tmp_path / "a.png"), pixels, scale=False)
    tenon.keras.preprocessing.image.save_img(str(tmp_path / "a.jpg"), pixels, scale=False)

    def program(tf):
        image, found = tf.keras.preprocessing.image, []
        for mode in ("rgb", "rgba", "grayscale"):
            found.append(image.img_to_array(image.load_img(str(tmp_path / "a.png"), color_mode=mode)))
        for kind in ("nearest", "bilinear", "bicubic", "lanczos", "box", "hamming"):
            for size in ((20, 15), (8, 5), (9, 3)):  # rows first where they lose more: that is later Pillow's order
                img = image.load_img(str(tmp_path / "a.png"), target_size=size, interpolation=kind)
                found.append(image.img_to_array(img, data_format="channels_first"))
        found.append(np.asarray(image.array_to_img(X[1])))
        found.append(np.asarray(image.array_to_img(X[1][:, :, :1] - 300)))
        return found

    both(program, rtol=0, atol=0)
    jpeg = tenon.keras.preprocessing.image.load_img(str(tmp_path / "a.jpg"))
    assert jpeg.size == (7, 9) and jpeg.mode == "RGB"


def test_random_pictures_draw_alike():
    """Settings without interpolation give the same pictures from the same seed."""

    def program(tf):
        make = tf.keras.preprocessing.image.ImageDataGenerator
        found = []
        for kwargs in ({"horizontal_flip": True, "vertical_flip": True, "rescale": 1 / 255}, {"channel_shift_range": 30.0},  # noqa: E501
                       {"brightness_range": (0.5, 1.5)}, {"samplewise_center": True, "samplewise_std_normalization": True},  # noqa: E501
                       {"featurewise_center": True, "featurewise_std_normalization": True}, {"zca_whitening": True}):  # fmt: skip  # noqa: E501
            flow = make(**kwargs)
            small = X[:, :4, :3] / 255 if "zca_whitening" in kwargs else X
            if any(k.startswith(("featurewise", "zca")) for k in kwargs):
                flow.fit(small)
            batches = flow.flow(small, Y, batch_size=5, seed=3)
            found += [next(batches) for _ in range(4)] + [len(batches)]
        parts = make(validation_split=0.25)
        found += [next(parts.flow(X, Y % 3, shuffle=False, subset=s))[1] for s in ("training", "validation")]
        shifts = make(width_shift_range=3.0, height_shift_range=[-2, 2], rotation_range=20, zoom_range=0.1)
        drawn = shifts.get_random_transform((9, 7, 3), seed=5)
        return [found, {k: float(v) if v is not None else None for k, v in drawn.items()}]

    both(program, rtol=2e-3, atol=2e-3)


def test_affine_maps():
    image = tenon.keras.preprocessing.image
    x = np.arange(20.0).reshape(4, 5, 1)
    move = image.apply_affine_transform(x, tx=1, fill_mode="constant", cval=-1)
    np.testing.assert_array_equal(move[:3], x[1:])
    assert (move[3] == -1).all()
    np.testing.assert_array_equal(image.apply_affine_transform(x, ty=-2)[:, 2:], x[:, :3])
    np.testing.assert_array_equal(image.apply_affine_transform(x, ty=-2)[:, :2], x[:, [0, 0]])
    np.testing.assert_array_equal(image.apply_affine_transform(x, tx=-2, fill_mode="reflect")[:2], x[[1, 0]])
    square = x[:, :4]
    np.testing.assert_allclose(image.apply_affine_transform(square, theta=90), np.rot90(square, -1), atol=1e-9)
    np.testing.assert_allclose(image.apply_affine_transform(x, tx=0.5)[:3], (x[:3] + x[1:]) / 2)
    np.testing.assert_allclose(image.apply_affine_transform(x, zx=2, zy=1)[1, 0], x[0, 0] + 2.5)
    for change, arguments in ((image.random_rotation, (30,)), (image.random_shift, (0.2, 0.2)),
                              (image.random_shear, (10,)), (image.random_zoom, ((0.8, 1.2),))):  # fmt: skip
        assert change(x, *arguments, row_axis=0, col_axis=1, channel_axis=2).shape == x.shape
    with pytest.raises(ValueError, match="fill_mode"):
        image.apply_affine_transform(x, tx=1, fill_mode="mirror")


def test_folders_of_pictures(tmp_path, capsys):
    image = tenon.keras.preprocessing.image
    for i in range(9):
        folder = tmp_path / ("cats" if i % 3 else "dogs")
        folder.mkdir(exist_ok=True)
        image.save_img(str(folder / f"{i}.png"), X[i], scale=False)

    def program(tf):
        make = tf.keras.preprocessing.image.ImageDataGenerator(rescale=1 / 255, validation_split=0.3)
        found = []
        for mode in ("categorical", "binary", "sparse", "input", None):
            flow = make.flow_from_directory(str(tmp_path), (6, 5), class_mode=mode, batch_size=4, seed=2)
            found += [flow.class_indices, flow.filenames, flow.classes.tolist(), next(flow), next(flow), len(flow)]
        held = make.flow_from_directory(str(tmp_path), (6, 5), subset="validation", shuffle=False)
        return [found, held.filenames, held[0]]

    both(program, rtol=1e-5, atol=1e-6)
    assert "Found 9 images belonging to 2 classes." in capsys.readouterr().out
    table = {
        "filename": ["dogs/0.png", "cats/1.png", "gone.png"],
        "class": ["dog", "cat", "cat"],
        "age": [3.0, 4.0, 5.0],
    }
    flow = image.ImageDataGenerator().flow_from_dataframe(table, str(tmp_path), target_size=(9, 7), shuffle=False)
    x, y = next(flow)
    np.testing.assert_array_equal(x[0], X[0].astype("uint8"))
    np.testing.assert_array_equal(y, [[0, 1], [1, 0]])
    _, y = next(image.ImageDataGenerator().flow_from_dataframe(table, str(tmp_path), y_col="age", class_mode="raw",
                                                               shuffle=False))  # fmt: skip
    np.testing.assert_array_equal(y, [3.0, 4.0])


def test_a_model_learns_from_a_flow():
    k = tenon.keras
    with tenon.Graph().as_default():
        model = k.Sequential([k.layers.Flatten(input_shape=(9, 7, 3)), k.layers.Dense(1)])
        model.compile("sgd", "mse")
        flow = k.preprocessing.image.ImageDataGenerator(horizontal_flip=True, rescale=1e-3).flow(X, Y, batch_size=4)
        history = model.fit_generator(flow, steps_per_epoch=3, epochs=4, verbose=0, workers=2)
        assert history.history["loss"][-1] < history.history["loss"][0]
        assert model.predict_generator(flow, steps=2).shape == (8, 1)


def test_series():
    def program(tf):
        s = tf.keras.preprocessing.sequence
        data, targets = np.arange(50).reshape(25, 2), np.arange(25)
        found = []
        for kwargs in ({}, {"sampling_rate": 2, "stride": 3}, {"reverse": True, "start_index": 3, "end_index": 20}):
            series = s.TimeseriesGenerator(data, targets, length=4, batch_size=6, **kwargs)
            found.append([len(series), *(series[i] for i in range(len(series)))])
        random.seed(4)
        pairs = s.skipgrams([1, 2, 0, 3, 4], 9, window_size=1, negative_samples=0.0, shuffle=False)
        some = s.skipgrams([1, 2, 3, 4, 5], 9, window_size=2, seed=3)
        return [found, s.make_sampling_table(12), [list(p) for p in pairs], [list(p) for p in some]]

    both(program)


def test_texts():
    def program(tf):
        text = tf.keras.preprocessing.text
        texts = ["The cat sat, the dog sat!", "a dog and a cat and a bird"]
        made = text.Tokenizer(num_words=6, oov_token="?")
        made.fit_on_texts(texts)
        again = text.tokenizer_from_json(made.to_json())
        letters = text.Tokenizer(char_level=True)
        letters.fit_on_texts(["abca"])
        counted = text.Tokenizer(num_words=5)
        counted.fit_on_sequences([[1, 2], [2, 3]])
        counted.fit_on_texts(["a b c"])
        return [
            again.texts_to_sequences([*texts, "the zebra"]), again.sequences_to_texts([[1, 2, 9, 3]]),
            letters.texts_to_sequences(["cab"]), sorted(json.loads(made.to_json())["config"]), made.document_count,
            counted.sequences_to_matrix([[1, 2], [2]], "tfidf"),
        ]  # fmt: skip

    both(program)


def test_batches_ahead():
    utils = tenon.keras.utils

    class Squares(utils.Sequence):
        ended = 0

        def __len__(self):
            return 4

        def __getitem__(self, i):
            return i * i

        def on_epoch_end(self):
            self.ended += 1

    squares = Squares()
    ahead = utils.OrderedEnqueuer(squares)
    ahead.start(workers=2, max_queue_size=3)
    source = ahead.get()
    assert [next(source) for _ in range(9)] == [0, 1, 4, 9, 0, 1, 4, 9, 0] and squares.ended >= 1
    ahead.stop()

    def broken():
        yield 1
        raise ValueError("no more")

    ahead = utils.GeneratorEnqueuer(broken())
    ahead.start()
    source = ahead.get()
    assert next(source) == 1
    with pytest.raises(ValueError, match="no more"):
        next(source)
    ahead.stop()
