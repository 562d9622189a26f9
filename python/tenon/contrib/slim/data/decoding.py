"""Decoders of serialised Examples: handlers make items of the features."""

import abc

from tenon.python.framework import dtypes, sparse_tensor
from tenon.python.ops import (
    array_ops,
    control_flow_ops,
    functional_ops,
    gen_ops,
    image_ops_boxes,
    math_ops,
    parsing_config,
    parsing_ops,
    sparse_ops,
)
from tenon.python.util.tf_export import tf_export


@tf_export("contrib.slim.data_decoder.DataDecoder")
class DataDecoder(abc.ABC):
    """Makes items of serialised data."""

    @abc.abstractmethod
    def decode(self, data, items):
        """The tensors of ITEMS in DATA."""

    @abc.abstractmethod
    def list_items(self):
        """The names of the items."""


@tf_export("contrib.slim.tfexample_decoder.ItemHandler")
class ItemHandler(abc.ABC):
    """Makes an item of the features called KEYS."""

    def __init__(self, keys):
        self._keys = keys if isinstance(keys, (tuple, list)) else [keys]

    @property
    def keys(self):
        """The features that it needs."""
        return self._keys

    @abc.abstractmethod
    def tensors_to_item(self, keys_to_tensors):
        """The item from {key: tensor}."""


@tf_export("contrib.slim.tfexample_decoder.ItemHandlerCallback")
class ItemHandlerCallback(ItemHandler):
    """FUNC of {key: tensor}."""

    def __init__(self, keys, func):
        super().__init__(keys)
        self._func = func

    def tensors_to_item(self, keys_to_tensors):
        return self._func(keys_to_tensors)


@tf_export("contrib.slim.tfexample_decoder.BoundingBox")
class BoundingBox(ItemHandler):
    """Boxes [n, 4] of four features [n], called PREFIX and KEYS."""

    def __init__(self, keys=None, prefix=""):
        keys = ["ymin", "xmin", "ymax", "xmax"] if keys is None else keys
        if len(keys) != 4:
            raise ValueError(f"BoundingBox expects 4 keys but got {len(keys)}")
        super().__init__([prefix + key for key in keys])

    def tensors_to_item(self, keys_to_tensors):
        sides = [keys_to_tensors[key] for key in self._keys]
        sides = [side.values if isinstance(side, sparse_tensor.SparseTensor) else side for side in sides]
        return array_ops.stack(sides, axis=1)


@tf_export("contrib.slim.tfexample_decoder.Tensor")
class Tensor(ItemHandler):
    """The feature TENSOR_KEY, dense, in a shape that is given or made of the features SHAPE_KEYS."""

    def __init__(self, tensor_key, shape_keys=None, shape=None, default_value=0):
        if shape_keys and shape is not None:
            raise ValueError("Cannot specify both shape_keys and shape parameters.")
        if shape_keys and not isinstance(shape_keys, list):
            shape_keys = [shape_keys]
        self._tensor_key, self._shape_keys, self._shape = tensor_key, shape_keys or [], shape
        self._default_value = default_value
        super().__init__([tensor_key, *self._shape_keys])

    def tensors_to_item(self, keys_to_tensors):
        tensor, shape = keys_to_tensors[self._tensor_key], self._shape
        if self._shape_keys:
            sizes = [_dense(keys_to_tensors[key]) for key in self._shape_keys]
            shape = array_ops.reshape(array_ops.stack(sizes), [-1])
        if isinstance(tensor, sparse_tensor.SparseTensor):
            tensor = tensor if shape is None else sparse_ops.sparse_reshape(tensor, shape)
            return sparse_ops.sparse_tensor_to_dense(tensor, self._default_value)
        return tensor if shape is None else array_ops.reshape(tensor, shape)


def _dense(tensor):
    is_sparse = isinstance(tensor, sparse_tensor.SparseTensor)
    return sparse_ops.sparse_tensor_to_dense(tensor) if is_sparse else tensor


@tf_export("contrib.slim.tfexample_decoder.LookupTensor")
class LookupTensor(Tensor):
    """Tensor, looked up in TABLE."""

    def __init__(self, tensor_key, table, shape_keys=None, shape=None, default_value=""):
        self._table = table
        super().__init__(tensor_key, shape_keys, shape, default_value)

    def tensors_to_item(self, keys_to_tensors):
        return self._table.lookup(super().tensors_to_item(keys_to_tensors))


@tf_export("contrib.slim.tfexample_decoder.BackupHandler")
class BackupHandler(ItemHandler):
    """What HANDLER makes, or what BACKUP makes where that is empty."""

    def __init__(self, handler, backup):
        for name, one in (("Primary", handler), ("Backup", backup)):
            if not isinstance(one, ItemHandler):
                raise ValueError(f"{name} handler is of type {type(one)} instead of ItemHandler")
        self._handler, self._backup = handler, backup
        super().__init__([*handler.keys, *backup.keys])

    def tensors_to_item(self, keys_to_tensors):
        item = self._handler.tensors_to_item(keys_to_tensors)
        empty = math_ops.equal(math_ops.reduce_prod(array_ops.shape(item)), 0)
        return control_flow_ops.cond(empty, lambda: self._backup.tensors_to_item(keys_to_tensors), lambda: item)


@tf_export("contrib.slim.tfexample_decoder.SparseTensor")
class SparseTensor(ItemHandler):
    """A SparseTensor of the features with its indices and its values."""

    def __init__(self, indices_key=None, values_key=None, shape_key=None, shape=None, densify=False, default_value=0):
        self._indices_key, self._values_key = indices_key or "indices", values_key or "values"
        self._shape_key, self._shape = shape_key, shape
        self._densify, self._default_value = densify, default_value
        super().__init__([self._indices_key, self._values_key, *([shape_key] if shape_key else [])])

    def tensors_to_item(self, keys_to_tensors):
        indices, values = keys_to_tensors[self._indices_key], keys_to_tensors[self._values_key]
        shape = indices.dense_shape
        if self._shape_key:
            shape = _dense(keys_to_tensors[self._shape_key])
        elif self._shape:
            shape = self._shape
        last = array_ops.reshape(math_ops.cast(indices.values, dtypes.int64), [-1, 1])
        lead = array_ops.slice(indices.indices, [0, 0], array_ops.stack([-1, array_ops.shape(indices.indices)[1] - 1]))
        made = sparse_tensor.SparseTensor(array_ops.concat([lead, last], 1), values.values, shape)
        return sparse_ops.sparse_tensor_to_dense(made, self._default_value) if self._densify else made


@tf_export("contrib.slim.tfexample_decoder.Image")
class Image(ItemHandler):
    """The image in IMAGE_KEY: JPEG or another kind, or bytes as they are where FORMAT_KEY says `raw`."""

    def __init__(self, image_key=None, format_key=None, shape=None, channels=3, dtype=dtypes.uint8, repeated=False,
                 dct_method=""):  # fmt: skip
        self._image_key, self._format_key = image_key or "image/encoded", format_key or "image/format"
        self._shape, self._channels, self._dtype = shape, channels, dtype
        self._repeated, self._dct_method = repeated, dct_method
        super().__init__([self._image_key, self._format_key])

    def tensors_to_item(self, keys_to_tensors):
        encoded, kind = keys_to_tensors[self._image_key], keys_to_tensors[self._format_key]
        if self._repeated:
            return functional_ops.map_fn(lambda one: self._decode(one, kind), encoded, dtype=self._dtype)
        return self._decode(encoded, kind)

    def _decode(self, encoded, kind):
        def jpeg():
            made = gen_ops.decode_jpeg(encoded, channels=self._channels, dct_method=self._dct_method)
            return math_ops.cast(made, self._dtype)

        def other():
            return math_ops.cast(image_ops_boxes.decode_image(encoded, channels=self._channels), self._dtype)

        def compressed():
            return control_flow_ops.cond(image_ops_boxes.is_jpeg(encoded), jpeg, other, name="cond_jpeg")

        raw = gen_ops.logical_or(math_ops.equal(kind, "raw"), math_ops.equal(kind, "RAW"))
        image = control_flow_ops.case(
            [(raw, lambda: parsing_ops.decode_raw(encoded, out_type=self._dtype))], default=compressed, exclusive=True
        )
        image.set_shape([None, None, self._channels])
        return image if self._shape is None else array_ops.reshape(image, self._shape)


@tf_export("contrib.slim.tfexample_decoder.TFExampleDecoder")
class TFExampleDecoder(DataDecoder):
    """Parses an Example by KEYS_TO_FEATURES, then makes items by ITEMS_TO_HANDLERS."""

    def __init__(self, keys_to_features, items_to_handlers):
        self._keys_to_features, self._items_to_handlers = keys_to_features, items_to_handlers

    def list_items(self):
        return list(self._items_to_handlers)

    def decode(self, serialized_example, items=None):
        """The tensors of ITEMS (all if None) of one serialised Example."""
        example = parsing_ops.parse_single_example(serialized_example, self._keys_to_features)
        for key, feature in sorted(self._keys_to_features.items()):
            # A feature of one value comes as a scalar or as a vector; this decides.
            if isinstance(feature, parsing_config.FixedLenFeature):
                example[key] = array_ops.reshape(example[key], feature.shape)
        handlers = [self._items_to_handlers[item] for item in items or self._items_to_handlers]
        return [handler.tensors_to_item({key: example[key] for key in handler.keys}) for handler in handlers]
