"""tenon.keras.applications: numbers of parameters, names, outputs, and how pictures and scores are read."""

import json

import numpy as np
import pytest

import tenon
from api.both import both

pytestmark = pytest.mark.filterwarnings("ignore")
# As the documentation of Keras has them.
PARAMETERS = {
    "VGG16": 138357544, "VGG19": 143667240, "ResNet50": 25636712, "ResNet50V2": 25613800, "InceptionV3": 23851784,
    "Xception": 22910480, "MobileNet": 4253864, "MobileNetV2": 3538984, "InceptionResNetV2": 55873736,
    "DenseNet121": 8062504, "NASNetMobile": 5326716,
}  # fmt: skip


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters(name):
    with tenon.Graph().as_default():
        model = getattr(tenon.keras.applications, name)(weights=None)
        assert model.count_params() == PARAMETERS[name]
        assert model.output_shape == (None, 1000)


@pytest.mark.parametrize("name, shape, kwargs", [
    ("MobileNet", (32, 32, 3), {"alpha": 0.25}),
    ("ResNet50", (32, 32, 3), {"include_top": False, "pooling": "avg"}),
])  # fmt: skip
def test_outputs(name, shape, kwargs):
    """The same weights give the same outputs; layers and weights have the same names and order."""

    def program(tf):
        more = {"classes": 7} if kwargs.get("include_top", True) else {}
        model = getattr(tf.keras.applications, name)(input_shape=shape, weights=None, **kwargs, **more)
        rng = np.random.RandomState(0)
        model.set_weights([(0.1 * rng.standard_normal(w.shape) if w.ndim > 1 else 0.5 + rng.rand(*w.shape)).astype("f")
                           for w in model.get_weights()])  # fmt: skip
        y = model.predict(rng.rand(2, *shape).astype("f"))
        layers = [x.name for x in model.layers if x.weights]
        return [y / np.abs(y).max(), layers, [w.name for w in model.weights], list(model.output_shape)]

    both(program, rtol=2e-3, atol=1e-4)


def test_weights_of_a_file_and_other_inputs(tmp_path):
    k = tenon.keras
    make = k.applications.mobilenet.MobileNet
    with tenon.Graph().as_default():
        tensor = k.Input((32, 32, 3))
        model = make(input_tensor=tensor, alpha=0.25, weights=None, include_top=False, pooling="max")
        path = str(tmp_path / "w.h5")
        model.save_weights(path)
        again = make(input_shape=(32, 32, 3), alpha=0.25, weights=path, include_top=False, pooling="max")
        x = np.random.RandomState(0).rand(1, 32, 32, 3)
        np.testing.assert_array_equal(again.predict(x), model.predict(x))
        for kwargs, words in (({"weights": "nowhere"}, "path to the weights file"),
                              ({"weights": "imagenet", "classes": 10}, "`classes` should be 1000"),
                              ({"weights": None, "input_shape": (20, 20, 3)}, "at least 32x32")):  # fmt: skip
            with pytest.raises(ValueError, match=words):
                make(**kwargs)


def test_pictures_and_scores(monkeypatch, tmp_path):
    x = np.random.RandomState(0).randint(0, 255, (2, 4, 5, 3)).astype("uint8")

    def program(tf):
        found = []
        for name in ("vgg16", "resnet_v2", "densenet"):
            prepare = getattr(tf.keras.applications, name).preprocess_input
            found += [prepare(x), prepare(x[0].transpose(2, 0, 1).astype("f"), data_format="channels_first"),
                      prepare(tf.constant(x.astype("f")))]  # fmt: skip
        return found

    both(program, rtol=1e-4, atol=1e-4)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "models").mkdir()
    index = tmp_path / "models" / "imagenet_class_index.json"
    index.write_text(json.dumps({str(i): [f"n{i}", f"thing{i}"] for i in range(1000)}))
    from tenon.python.keras.utils import data_utils

    monkeypatch.setattr(data_utils, "validate_file", lambda *_: True)
    scores = np.zeros((1, 1000))
    scores[0, [7, 3]] = 0.75, 0.25
    assert tenon.keras.applications.vgg19.decode_predictions(scores, top=2) == [[("n7", "thing7", 0.75),
                                                                                 ("n3", "thing3", 0.25)]]  # fmt: skip
    with pytest.raises(ValueError, match="1000"):
        tenon.keras.applications.vgg19.decode_predictions(scores[:, :9])
