"""The uses of layers, and what layers demand of inputs."""

from collections import namedtuple

import tenon as tf
from tenon.python.keras import backend as K
from tenon.python.keras.utils import generic_utils
from tenon.python.util import nest
from tenon.python.util.tf_export import tf_export

History = namedtuple("History", "layer node_index tensor_index")


class Node:
    """One use of a layer: from which tensors to which."""

    def __init__(self, layer, inputs, outputs, args=(), kwargs=None):
        self.outbound_layer = self.layer = layer
        self.inputs, self.outputs = inputs, outputs
        self.args, self.arguments = args, kwargs or {}
        self.input_tensors = [t for t in nest.flatten([inputs, list(args), self.arguments])
                              if hasattr(t, "_keras_history")]  # fmt: skip
        self.output_tensors = nest.flatten(outputs)
        for t in self.input_tensors:
            t._keras_history.layer._outbound_nodes.append(self)

    @property
    def parents(self):
        """The nodes that made the inputs, without this one."""
        found = [t._keras_history for t in self.input_tensors]
        return [h.layer._inbound_nodes[h.node_index] for h in found if h.layer is not self.layer
                or h.layer._inbound_nodes[h.node_index] is not self]  # fmt: skip

    @property
    def inbound_layers(self):
        """The layers that made the inputs."""
        return [] if isinstance(self.layer, InputMarker) else [t._keras_history.layer for t in self.input_tensors]

    input_shapes = property(lambda self: generic_utils.unpack_singleton(
        [K.int_shape(t) for t in nest.flatten(self.inputs)]))  # fmt: skip
    output_shapes = property(lambda self: generic_utils.unpack_singleton([K.int_shape(t) for t in self.output_tensors]))


class InputMarker:
    """What InputLayer is, for those that cannot import it."""


@tf_export("keras.layers.InputSpec", "keras.engine.InputSpec")
class InputSpec:
    """What a layer demands of an input: dtype, shape, rank, sizes of axes."""

    def __init__(self, dtype=None, shape=None, ndim=None, max_ndim=None, min_ndim=None, axes=None):
        self.dtype = tf.as_dtype(dtype).name if dtype is not None else None
        self.shape = None if shape is None else tuple(tf.TensorShape(shape).as_list())
        self.ndim = len(self.shape) if shape is not None else ndim
        self.max_ndim, self.min_ndim = max_ndim, min_ndim
        self.axes = {int(k): axes[k] for k in axes or {}}

    def __repr__(self):
        fields = [f"{name}={value}" for name, value in self.__dict__.items() if value]
        return f"InputSpec({', '.join(fields)})"

    def check(self, x, index, layer):
        """ValueError where X is not what is demanded."""
        shape = K.int_shape(x) if x.shape.ndims is not None else None
        head = f"Input {index} of layer {layer} is incompatible with the layer: "
        if shape is None:
            return
        if self.ndim is not None and len(shape) != self.ndim:
            raise ValueError(f"{head}expected ndim={self.ndim}, found ndim={len(shape)}. "
                             f"Full shape received: {list(shape)}")  # fmt: skip
        if self.max_ndim is not None and len(shape) > self.max_ndim:
            raise ValueError(f"{head}expected max_ndim={self.max_ndim}, found ndim={len(shape)}")
        if self.min_ndim is not None and len(shape) < self.min_ndim:
            raise ValueError(f"{head}: expected min_ndim={self.min_ndim}, found ndim={len(shape)}. "
                             f"Full shape received: {list(shape)}")  # fmt: skip
        if self.dtype is not None and x.dtype.base_dtype.name != self.dtype:
            raise ValueError(f"{head}expected dtype={self.dtype}, found dtype={x.dtype.base_dtype.name}")
        for axis, size in self.axes.items():
            if size is not None and shape[axis] not in (size, None):
                raise ValueError(f"{head}expected axis {axis} of input shape to have value {size} but received input "
                                 f"with shape {list(shape)}")  # fmt: skip
        if self.shape is not None:
            for wanted, size in zip(self.shape, shape):
                if None not in (wanted, size) and wanted != size:
                    raise ValueError(f"{head}expected shape={self.shape}, found shape={list(shape)}")
