"""Cells and linear maps that older recurrent models are made of."""

from tenon.python.framework import ops
from tenon.python.ops import array_ops, embedding_ops, init_ops, math_ops, nn_ops, rnn_cell_impl
from tenon.python.ops import variable_scope as vs
from tenon.python.util import nest
from tenon.python.util.tf_export import tf_export


class _Linear:
    """args W + b for a tensor [batch, n] or a list of them; variables `kernel` and `bias` in the current scope."""

    def __init__(self, args, output_size, build_bias, bias_initializer=None, kernel_initializer=None):
        if args is None or (nest.is_sequence(args) and not args):
            raise ValueError("`args` must be specified")
        self._is_sequence = nest.is_sequence(args)
        args = args if self._is_sequence else [args]
        depth = 0
        for shape in (a.get_shape() for a in args):
            if shape.ndims != 2:
                raise ValueError(f"linear is expecting 2D arguments: {shape}")
            if shape.dims[1].value is None:
                raise ValueError(f"linear expects shape[1] to be provided for shape {shape}, but saw {shape[1]}")
            depth += shape.dims[1].value
        dtype = next(a.dtype for a in args)
        self._build_bias = build_bias
        with vs.variable_scope(vs.get_variable_scope()):
            self._weights = vs.get_variable("kernel", [depth, output_size], dtype=dtype, initializer=kernel_initializer)
            if build_bias:
                start = bias_initializer or init_ops.constant_initializer(0.0, dtype=dtype)
                self._biases = vs.get_variable("bias", [output_size], dtype=dtype, initializer=start)

    def __call__(self, args):
        args = args if self._is_sequence else [args]
        joined = args[0] if len(args) == 1 else array_ops.concat(args, 1)
        product = math_ops.matmul(joined, self._weights)
        return nn_ops.bias_add(product, self._biases) if self._build_bias else product


@tf_export("contrib.rnn.EmbeddingWrapper")
class EmbeddingWrapper(rnn_cell_impl.RNNCell):
    """CELL whose input is class numbers [batch], which it embeds; variable `embedding`."""

    def __init__(self, cell, embedding_classes, embedding_size, initializer=None, reuse=None):
        super().__init__(_reuse=reuse)
        rnn_cell_impl.assert_like_rnncell("cell", cell)
        if embedding_classes <= 0 or embedding_size <= 0:
            raise ValueError(f"Both sizes must be > 0: classes {embedding_classes}, size {embedding_size}.")
        self._cell, self._initializer = cell, initializer
        self._embedding_classes, self._embedding_size = embedding_classes, embedding_size

    @property
    def state_size(self):
        return self._cell.state_size

    @property
    def output_size(self):
        return self._cell.output_size

    def zero_state(self, batch_size, dtype):
        with ops.name_scope(type(self).__name__ + "ZeroState", values=[batch_size]):
            return self._cell.zero_state(batch_size, dtype)

    def call(self, inputs, state):
        with ops.device("/cpu:0"):
            if self._initializer is not None:
                initializer = self._initializer
            elif vs.get_variable_scope().initializer is not None:
                initializer = vs.get_variable_scope().initializer
            else:
                initializer = init_ops.random_uniform_initializer(-(3**0.5), 3**0.5)
            flat = nest.flatten(state)
            embedding = vs.get_variable(
                "embedding", [self._embedding_classes, self._embedding_size], initializer=initializer,
                dtype=flat[0].dtype,
            )  # fmt: skip
            embedded = embedding_ops.embedding_lookup(embedding, array_ops.reshape(inputs, [-1]))
            return self._cell(embedded, state)


@tf_export("contrib.rnn.InputProjectionWrapper")
class InputProjectionWrapper(rnn_cell_impl.RNNCell):
    """CELL on a linear map of its input."""

    def __init__(self, cell, num_proj, activation=None, input_size=None, reuse=None):
        super().__init__(_reuse=reuse)
        rnn_cell_impl.assert_like_rnncell("cell", cell)
        self._cell, self._num_proj, self._activation = cell, num_proj, activation
        self._linear = None

    @property
    def state_size(self):
        return self._cell.state_size

    @property
    def output_size(self):
        return self._cell.output_size

    def zero_state(self, batch_size, dtype):
        with ops.name_scope(type(self).__name__ + "ZeroState", values=[batch_size]):
            return self._cell.zero_state(batch_size, dtype)

    def call(self, inputs, state):
        if self._linear is None:
            self._linear = _Linear(inputs, self._num_proj, True)
        projected = self._linear(inputs)
        return self._cell(self._activation(projected) if self._activation else projected, state)


@tf_export("contrib.rnn.OutputProjectionWrapper")
class OutputProjectionWrapper(rnn_cell_impl.RNNCell):
    """CELL with a linear map of its output."""

    def __init__(self, cell, output_size, activation=None, reuse=None):
        super().__init__(_reuse=reuse)
        rnn_cell_impl.assert_like_rnncell("cell", cell)
        if output_size < 1:
            raise ValueError(f"Parameter output_size must be > 0: {output_size}.")
        self._cell, self._output_size, self._activation = cell, output_size, activation
        self._linear = None

    @property
    def state_size(self):
        return self._cell.state_size

    @property
    def output_size(self):
        return self._output_size

    def zero_state(self, batch_size, dtype):
        with ops.name_scope(type(self).__name__ + "ZeroState", values=[batch_size]):
            return self._cell.zero_state(batch_size, dtype)

    def call(self, inputs, state):
        output, new_state = self._cell(inputs, state)
        if self._linear is None:
            self._linear = _Linear(output, self._output_size, True)
        projected = self._linear(output)
        return (self._activation(projected) if self._activation else projected), new_state
