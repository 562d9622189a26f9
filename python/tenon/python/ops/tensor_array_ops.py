"""TensorArray: a list of tensors that loops write and read, one step long."""

from contextlib import nullcontext

from tenon.python.framework import dtypes, ops, tensor_util
from tenon.python.framework.tensor_shape import TensorShape, as_shape, unknown_shape
from tenon.python.ops import gen_ops
from tenon.python.util.tf_export import tf_export


@tf_export("TensorArray")
class TensorArray:
    """An array of SIZE tensors of DTYPE. Every writing method returns the array as it is from then on.

    Elements have one shape unless INFER_SHAPE is False; each is read once unless CLEAR_AFTER_READ is False; an array
    with DYNAMIC_SIZE grows where it is written behind its end.
    """

    def __init__(self, dtype, size=None, dynamic_size=None, clear_after_read=None, tensor_array_name=None, handle=None,
                 flow=None, infer_shape=True, element_shape=None, colocate_with_first_write_call=True,
                 name=None):  # fmt: skip
        if handle is not None and tensor_array_name:
            raise ValueError("Cannot provide both `handle` and `tensor_array_name` arguments at the same time.")
        if handle is not None and not isinstance(handle, ops.Tensor):
            raise TypeError(f"Expected `handle` to be a Tensor, but got `{handle}` of type `{type(handle)}` instead.")
        if handle is None and size is None:
            raise ValueError("Argument `size` must be provided if handle is not provided.")
        for what, value in (("size", size), ("dynamic_size", dynamic_size), ("clear_after_read", clear_after_read)):
            if handle is not None and value is not None:
                raise ValueError(f"Cannot provide both `handle` and `{what}` arguments at the same time.")
        self._dynamic_size = bool(dynamic_size)
        self._size = size
        self._dtype = dtypes.as_dtype(dtype).base_dtype
        self._colocate_with_first_write_call = colocate_with_first_write_call
        self._element_shape = None if element_shape is None else as_shape(element_shape)
        self._infer_shape = infer_shape or element_shape is not None
        clear = True if clear_after_read is None else clear_after_read
        with ops.name_scope(name, "TensorArray", [handle, size, flow]) as scope:
            if handle is not None:
                self._handle = handle
                if flow is None:
                    raise ValueError("flow must not be None if handle is not None.")
                self._flow = flow
            else:
                with ops.device(None) if colocate_with_first_write_call else nullcontext():
                    self._handle, self._flow = gen_ops.tensor_array_v3(
                        size=size, dtype=self._dtype, element_shape=self.element_shape,
                        identical_element_shapes=self._infer_shape, dynamic_size=self._dynamic_size,
                        clear_after_read=clear, tensor_array_name=tensor_array_name or "", name=scope)  # fmt: skip

    @property
    def flow(self):
        """The float scalar through which operations on the array wait for each other."""
        return self._flow

    @property
    def dtype(self):
        """The DType of the elements."""
        return self._dtype

    @property
    def handle(self):
        """The resource Tensor that refers to the array."""
        return self._handle

    @property
    def element_shape(self):
        """The TensorShape of the elements, as far as it is known."""
        return unknown_shape() if self._element_shape is None else self._element_shape

    @property
    def dynamic_size(self):
        """Whether the array grows."""
        return self._dynamic_size

    def _check_element_shape(self, shape):
        """The elements' shape agrees with SHAPE, which says more of it."""
        if not self.element_shape.is_compatible_with(shape):
            raise ValueError(f"Inconsistent shapes: saw {shape} but expected {self.element_shape}")
        if self._infer_shape:
            self._element_shape = self.element_shape.merge_with(shape)

    def _known_size(self):
        """The number of elements as far as the graph tells, else None."""
        if self._dynamic_size or self._size is None:
            return None
        size = tensor_util.constant_value(ops.convert_to_tensor(self._size))
        return None if size is None else int(size)

    def _with(self, flow):
        return build_ta_with_new_flow(self, flow)

    def _value(self, value):
        """VALUE as a tensor, of the array's dtype if it is none yet."""
        return ops.convert_to_tensor(value, preferred_dtype=self._dtype, name="value")

    def identity(self):
        """The same array with another flow, which waits for control dependencies."""
        return self._with(gen_ops.identity(self._flow))

    def grad(self, source, flow=None, name=None):
        """The array of gradients that belongs to SOURCE."""
        flow = self._flow if flow is None else flow
        with ops.name_scope(name, "TensorArrayGrad", [self._handle]), ops.colocate_with(self._handle):
            handle, _ = gen_ops.tensor_array_grad_v3(handle=self._handle, source=source, flow_in=flow)
            with ops.control_dependencies([handle]):
                flow = gen_ops.identity(flow, name="gradient_flow")
            return TensorArray(self._dtype, handle=handle, flow=flow, infer_shape=self._infer_shape,
                               element_shape=self._element_shape, colocate_with_first_write_call=False)  # fmt: skip

    def read(self, index, name=None):
        """The element at INDEX."""
        value = gen_ops.tensor_array_read_v3(self._handle, index, self._flow, dtype=self._dtype, name=name)
        if self._element_shape is not None:
            value.set_shape(self._element_shape)
        return value

    def write(self, index, value, name=None):
        """The array with VALUE at INDEX."""
        with ops.name_scope(name, "TensorArrayWrite", [self._handle, index, value]):
            value = self._value(value)
            self._check_element_shape(value.get_shape())
            return self._with(gen_ops.tensor_array_write_v3(self._handle, index, value, self._flow))

    def stack(self, name=None):
        """All elements as one tensor of shape [size, ...]."""
        from tenon.python.ops import math_ops

        with ops.name_scope(name, "TensorArrayStack", [self._handle]):
            value = self.gather(math_ops.range(0, self.size()), name=name)
            if self.element_shape.ndims is not None:
                value.set_shape([self._known_size(), *self.element_shape.as_list()])
            return value

    def gather(self, indices, name=None):
        """The elements at INDICES as one tensor of shape [len(indices), ...]."""
        value = gen_ops.tensor_array_gather_v3(self._handle, indices, self._flow, dtype=self._dtype,
                                               element_shape=self.element_shape, name=name)  # fmt: skip
        if self.element_shape.ndims is not None:
            value.set_shape([None, *self.element_shape.as_list()])
        return value

    def concat(self, name=None):
        """The elements behind each other along dimension 0."""
        known = self.element_shape.ndims is not None
        rest = TensorShape(self.element_shape.as_list()[1:]) if known else unknown_shape()
        value, _ = gen_ops.tensor_array_concat_v3(self._handle, self._flow, dtype=self._dtype,
                                                  element_shape_except0=rest, name=name)  # fmt: skip
        if known:
            size, rows = self._known_size(), self.element_shape.as_list()[0]
            value.set_shape([None if size is None or rows is None else size * rows, *rest.as_list()])
        return value

    def unstack(self, value, name=None):
        """The array with the rows of VALUE for elements."""
        from tenon.python.ops import array_ops, math_ops

        with ops.name_scope(name, "TensorArrayUnstack", [self._handle, value]):
            count = array_ops.shape(value)[0]
            return self.scatter(indices=math_ops.range(0, count), value=value, name=name)

    def scatter(self, indices, value, name=None):
        """The array with the rows of VALUE at INDICES."""
        with ops.name_scope(name, "TensorArrayScatter", [self._handle, value, indices]):
            value = self._value(value)
            self._check_element_shape(value.get_shape()[1:])
            return self._with(gen_ops.tensor_array_scatter_v3(self._handle, indices, value, self._flow))

    def split(self, value, lengths, name=None):
        """The array with VALUE cut into pieces of LENGTHS rows."""
        from tenon.python.ops import math_ops

        with ops.name_scope(name, "TensorArraySplit", [self._handle, value, lengths]):
            value = self._value(value)
            lengths = math_ops.cast(lengths, dtypes.int64)
            known = tensor_util.constant_value(lengths)
            if known is not None and known.size and known.max() == known.min() and value.get_shape().dims is not None:
                self._check_element_shape(TensorShape([int(known[0])]).concatenate(value.get_shape()[1:]))
            return self._with(gen_ops.tensor_array_split_v3(self._handle, value, lengths, self._flow, name=name))

    def size(self, name=None):
        """The number of elements, an int32 scalar."""
        if not self._dynamic_size and self._size is not None:
            return ops.convert_to_tensor(self._size, dtype=dtypes.int32)
        return gen_ops.tensor_array_size_v3(self._handle, self._flow, name=name)

    def close(self, name=None):
        """An operation that drops all elements."""
        return gen_ops.tensor_array_close_v3(self._handle, name=name)

    def __repr__(self):
        return f"<TensorArray of {self._dtype.name}, elements {self.element_shape}>"


def build_ta_with_new_flow(old_ta, flow):
    """OLD_TA after FLOW."""
    new = TensorArray.__new__(TensorArray)
    new.__dict__.update(old_ta.__dict__)
    new._flow = flow
    return new


def build_ta_with_new_handle(old_ta, handle):
    """OLD_TA behind HANDLE."""
    new = build_ta_with_new_flow(old_ta, old_ta.flow)
    new._handle = handle
    return new
