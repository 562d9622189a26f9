"""Where models begin."""

import tenon as tf
from tenon.python.keras import backend as K
from tenon.python.keras.engine.base_layer import Layer
from tenon.python.keras.engine.node import History, InputMarker, Node
from tenon.python.util.tf_export import tf_export


@tf_export("keras.layers.InputLayer", "keras.engine.InputLayer", "keras.engine.topology.InputLayer")
class InputLayer(Layer, InputMarker):
    """A placeholder as a layer."""

    def __init__(self, input_shape=None, batch_size=None, dtype=None, input_tensor=None, sparse=False, name=None,
                 ragged=False, **kwargs):  # fmt: skip
        shape = kwargs.pop("batch_input_shape", None)
        kwargs.pop("optional", None)  # later versions write it
        if shape is not None and input_shape is not None:
            raise ValueError("Only provide the input_shape OR batch_input_shape argument to InputLayer, not both at "
                             "the same time.")  # fmt: skip
        if shape is not None:
            batch_size, input_shape = shape[0], tuple(shape[1:])
        if kwargs:
            raise ValueError(f"Unrecognized keyword arguments: {list(kwargs)}")
        if dtype is None:
            dtype = K.floatx() if input_tensor is None else input_tensor.dtype.base_dtype.name
        if isinstance(input_shape, int):
            input_shape = (input_shape,)
        super().__init__(dtype=dtype, name=name or K.unique_object_name("input", zero_based=False))
        self.built = True
        self.sparse = sparse
        self.batch_size = batch_size
        self.supports_masking = True
        self.is_placeholder = input_tensor is None
        if input_tensor is None:
            if input_shape is None:
                batch_shape = None
            else:
                batch_shape = (batch_size, *(d.value if isinstance(d, tf.Dimension) else d for d in input_shape))
            with K.get_graph().as_default():
                input_tensor = K.placeholder(batch_shape, dtype=self.dtype, sparse=sparse, name=self.name)
            self._batch_input_shape = batch_shape
        else:
            self._batch_input_shape = K.int_shape(input_tensor)
        input_tensor._keras_mask = None
        self._inbound_nodes.append(Node(self, input_tensor, input_tensor))
        self._inbound_nodes[0].input_tensors = []
        input_tensor._keras_history = History(self, 0, 0)
        input_tensor._keras_shape = K.int_shape(input_tensor)

    def get_config(self):
        """The arguments that make it again."""
        return {"batch_input_shape": self._batch_input_shape, "dtype": self.dtype, "sparse": self.sparse,
                "ragged": False, "name": self.name}  # fmt: skip


@tf_export("keras.layers.Input", "keras.Input", "keras.engine.Input", "keras.engine.topology.Input")
def Input(shape=None, batch_size=None, name=None, dtype=None, sparse=False, tensor=None, ragged=False, **kwargs):
    """A tensor that models are built from; SHAPE is that of one sample."""
    batch_shape = kwargs.pop("batch_shape", None)
    if kwargs:
        raise ValueError(f"Unrecognized keyword arguments: {list(kwargs)}")
    if shape is not None and batch_shape is not None:
        raise ValueError("Only provide the `shape` OR `batch_shape` argument to Input, not both at the same time.")
    if batch_shape is None and shape is None and tensor is None:
        raise ValueError("Please provide to Input either a `shape` or a `tensor` argument. Note that `shape` does not "
                         "include the batch dimension.")  # fmt: skip
    if batch_shape is not None:
        batch_size, shape = batch_shape[0], tuple(batch_shape[1:])
    layer = InputLayer(input_shape=shape if tensor is None else None, batch_size=batch_size, name=name, dtype=dtype,
                       sparse=sparse, input_tensor=tensor)  # fmt: skip
    return layer._inbound_nodes[0].outputs
