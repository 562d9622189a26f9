"""What the published networks share: their inputs, the head, weights, and how pictures and predictions are read."""

import json
import os

import numpy as np

import tenon as tf
from tenon.python.keras import backend as K
from tenon.python.keras import layers as layer_names
from tenon.python.keras.engine.training import Model
from tenon.python.keras.utils import data_utils, layer_utils

_ORIGIN = "https://storage.googleapis.com/tensorflow/keras-applications/"
_CLASSES = "https://storage.googleapis.com/download.tensorflow.org/data/imagenet_class_index.json"
_class_index = None


def layer(kind, *args, **kwargs):
    """A layer of keras.layers by its name."""
    return layer_names._find(kind)(*args, **kwargs)


def axis():
    """The axis of channels."""
    return 1 if K.image_data_format() == "channels_first" else 3


def obtain_shape(input_shape, default, least, require_flatten, weights):
    """The shape of one picture; ValueError for one that the network cannot take."""
    last = K.image_data_format() == "channels_last"
    wanted = (default, default, 3) if last else (3, default, default)
    if weights == "imagenet" and require_flatten:
        if input_shape is not None and tuple(input_shape) != wanted:
            raise ValueError("When setting `include_top=True` and loading `imagenet` weights, `input_shape` should be "
                             f"{wanted}. Received: input_shape={input_shape}")  # fmt: skip
        return wanted
    if input_shape is None:
        free = (None, None, 3) if last else (3, None, None)
        return wanted if require_flatten else free
    if len(input_shape) != 3:
        raise ValueError("`input_shape` must be a tuple of three integers.")
    if require_flatten and None in input_shape:
        raise ValueError("If `include_top` is True, you should specify a static `input_shape`. Got "
                         f"`input_shape={input_shape}`")  # fmt: skip
    rows, columns = input_shape[:2] if last else input_shape[1:]
    if any(n is not None and n < least for n in (rows, columns)):
        raise ValueError(f"Input size must be at least {least}x{least}; Received: input_shape={input_shape}")
    return tuple(input_shape)


class Begin:
    """Checks the arguments of a network, makes its input, and ends it: head, model, weights."""

    def __init__(self, given, name, default, least, flatten=None):
        self.given, self.name = given, name
        weights, top = given["weights"], given["include_top"]
        if not (weights in ("imagenet", None) or os.path.exists(weights)):
            raise ValueError("The `weights` argument should be either `None` (random initialization), `imagenet` "
                             "(pre-training on ImageNet), or the path to the weights file to be loaded.")  # fmt: skip
        if weights == "imagenet" and top and given["classes"] != 1000:
            raise ValueError('If using `weights` as `"imagenet"` with `include_top` as true, `classes` should be 1000')
        shape = obtain_shape(given["input_shape"], default, least, top if flatten is None else flatten, weights)
        tensor = given["input_tensor"]
        if tensor is None:
            self.input = layer_names._find("Input")(shape=shape)
        elif hasattr(tensor, "_keras_history"):
            self.input = tensor
        else:
            self.input = layer_names._find("Input")(tensor=tensor, shape=None)
        self.rows = shape[0] if K.image_data_format() == "channels_last" else shape[1]

    def pooled(self, x):
        """X pooled as asked for, where there is no head."""
        if self.given["pooling"] == "avg":
            return layer("GlobalAveragePooling2D")(x)
        return layer("GlobalMaxPooling2D")(x) if self.given["pooling"] == "max" else x

    def head(self, x, name="avg_pool"):
        """Mean over the picture, and scores of classes; or what was asked for instead."""
        if not self.given["include_top"]:
            return self.pooled(x)
        x = layer("GlobalAveragePooling2D", **({"name": name} if name else {}))(x)
        return layer("Dense", self.given["classes"], activation="softmax", name="predictions")(x)

    def end(self, x, folder=None, file=None):
        """The model, with its weights."""
        tensor, weights = self.given["input_tensor"], self.given["weights"]
        inputs = self.input if tensor is None else layer_utils.get_source_inputs(self.input)
        model = Model(inputs, x, name=self.name)
        if weights == "imagenet":
            name = (
                file
                or f"{self.name}_weights_tf_dim_ordering_tf_kernels{'' if self.given['include_top'] else '_notop'}.h5"
            )
            weights = data_utils.get_file(name, f"{_ORIGIN}{folder or self.name}/{name}", cache_subdir="models")
        if weights is not None:
            model.load_weights(weights)
        return model


def conv(x, filters, size, name=None, strides=1, padding="same", bias=False, **kwargs):
    """A convolution."""
    return layer("Conv2D", filters, size, strides=strides, padding=padding, use_bias=bias, name=name, **kwargs)(x)


def norm(x, name=None, **kwargs):
    """A normalization of batches."""
    return layer("BatchNormalization", axis=axis(), name=name, **kwargs)(x)


def act(x, name=None, activation="relu"):
    """An activation."""
    return layer("Activation", activation, name=name)(x)


def correct_pad(x, size):
    """What pads X so that a strided window of SIZE sees what TensorFlow's "same" would show it."""
    rows, columns = K.int_shape(x)[2:] if axis() == 1 else K.int_shape(x)[1:3]
    odd = (1, 1) if rows is None else (1 - rows % 2, 1 - columns % 2)
    half = (size // 2, size // 2)
    return ((half[0] - odd[0], half[0]), (half[1] - odd[1], half[1]))


# --- pictures and predictions ---


def _modified(x, mode, first):
    if mode == "tf":
        return x / 127.5 - 1.0
    if mode == "torch":
        x = x / 255.0
        mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    else:
        x = x[..., ::-1] if not first else (x[:, ::-1] if x.ndim == 4 else x[::-1])  # RGB to BGR
        mean, std = [103.939, 116.779, 123.68], None
    wide = (3, 1, 1) if first else (3,)
    x = x - np.reshape(mean, wide).astype(x.dtype)
    return x if std is None else x / np.reshape(std, wide).astype(x.dtype)


def _modified_tensor(x, mode, first):
    if mode == "tf":
        return x / 127.5 - 1.0
    at = (1 if x.shape.ndims == 4 else 0) if first else -1
    wide = (3, 1, 1) if first else (3,)
    if mode == "torch":
        mean, std = np.array([0.485, 0.456, 0.406], "f"), np.array([0.229, 0.224, 0.225], "f")
        return (x / 255.0 - tf.constant(mean.reshape(wide))) / tf.constant(std.reshape(wide))
    x = tf.reverse(x, [at % x.shape.ndims])
    return x - tf.constant(np.array([103.939, 116.779, 123.68], "f").reshape(wide))


def preprocess_input(x, data_format=None, mode="caffe"):
    """Pictures (RGB, 0 to 255) as a network wants them: "caffe" (BGR without the means), "tf" (-1 to 1), "torch"."""
    data_format = data_format or K.image_data_format()
    if data_format not in ("channels_first", "channels_last"):
        raise ValueError(
            f"Expected data_format to be one of `channels_first` or `channels_last`. Received: {data_format}"
        )
    if mode not in ("caffe", "tf", "torch"):
        raise ValueError(f"Expected mode to be one of `caffe`, `tf` or `torch`. Received: mode={mode}")
    first = data_format == "channels_first"
    if isinstance(x, (np.ndarray, list)):
        x = np.asarray(x)
        return _modified(x.astype(K.floatx()) if x.dtype.kind != "f" else x, mode, first)
    return _modified_tensor(tf.cast(x, K.floatx()) if not x.dtype.is_floating else x, mode, first)


def decode_predictions(preds, top=5):
    """For each row of scores the TOP best: (class, name, score) tuples."""
    global _class_index
    if len(preds.shape) != 2 or preds.shape[1] != 1000:
        raise ValueError("`decode_predictions` expects a batch of predictions (i.e. a 2D array of shape (samples, 1000)). "  # noqa: E501
                         f"Found array with shape: {preds.shape}")  # fmt: skip
    if _class_index is None:
        path = data_utils.get_file("imagenet_class_index.json", _CLASSES, cache_subdir="models",
                                   file_hash="c2c37ea517e94d9795004a39431a14cb")  # fmt: skip
        with open(path, encoding="utf-8") as f:
            _class_index = json.load(f)
    best = [row.argsort()[-top:][::-1] for row in preds]
    return [[(*_class_index[str(i)], row[i]) for i in ids] for row, ids in zip(preds, best)]
