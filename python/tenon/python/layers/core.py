"""Dense, dropout and flatten layers."""

from tenon.python.framework import ops, tensor_shape
from tenon.python.layers import base, utils
from tenon.python.ops import array_ops, gen_ops, init_ops, math_ops, nn_ops
from tenon.python.util.tf_export import tf_export


@tf_export("layers.Dense")
class Dense(base.Layer):
    """activation(inputs times kernel plus bias): the last dimension becomes UNITS."""

    def __init__(self, units, activation=None, use_bias=True, kernel_initializer=None,
                 bias_initializer=init_ops.zeros_initializer(), kernel_regularizer=None, bias_regularizer=None,  # noqa: B008
                 activity_regularizer=None, kernel_constraint=None, bias_constraint=None, trainable=True, name=None,
                 **kwargs):  # fmt: skip
        super().__init__(trainable=trainable, name=name, activity_regularizer=activity_regularizer, **kwargs)
        self.units = int(units) if not isinstance(units, int) else units
        self.activation = activation
        self.use_bias = use_bias
        self.kernel_initializer = kernel_initializer
        self.bias_initializer = bias_initializer
        self.kernel_regularizer = kernel_regularizer
        self.bias_regularizer = bias_regularizer
        self.kernel_constraint = kernel_constraint
        self.bias_constraint = bias_constraint
        self.input_spec = base.InputSpec(min_ndim=2)

    def build(self, input_shape):
        """kernel [in, units], bias [units]."""
        shape = tensor_shape.TensorShape(input_shape)
        last = None if shape.ndims is None else shape.as_list()[-1]
        if last is None:
            raise ValueError("The last dimension of the inputs to `Dense` should be defined. Found `None`.")
        self.input_spec = base.InputSpec(min_ndim=2, axes={-1: last})
        self.kernel = self.add_weight(
            "kernel", shape=[last, self.units], initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer, constraint=self.kernel_constraint, trainable=True,
        )  # fmt: skip
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                "bias", shape=[self.units], initializer=self.bias_initializer, regularizer=self.bias_regularizer,
                constraint=self.bias_constraint, trainable=True,
            )  # fmt: skip
        self.built = True

    def call(self, inputs):
        """[..., units]."""
        rank = inputs.get_shape().ndims
        if rank is not None and rank > 2:
            outputs = math_ops.tensordot(inputs, self.kernel, [[rank - 1], [0]])
            outputs.set_shape([*inputs.get_shape().as_list()[:-1], self.units])
        else:
            outputs = gen_ops.mat_mul(inputs, ops.convert_to_tensor(self.kernel))
        if self.use_bias:
            outputs = nn_ops.bias_add(outputs, self.bias)
        return outputs if self.activation is None else self.activation(outputs)

    def compute_output_shape(self, input_shape):
        """The same but for the last size."""
        return tensor_shape.TensorShape(input_shape)[:-1].concatenate(self.units)


@tf_export("layers.dense")
def dense(inputs, units, activation=None, use_bias=True, kernel_initializer=None,
          bias_initializer=init_ops.zeros_initializer(), kernel_regularizer=None, bias_regularizer=None,  # noqa: B008
          activity_regularizer=None, kernel_constraint=None, bias_constraint=None, trainable=True, name=None,
          reuse=None):  # fmt: skip
    """A Dense layer on inputs."""
    return base.functional(Dense, locals())


@tf_export("layers.Dropout")
class Dropout(base.Layer):
    """Elements set to zero at random when training."""

    def __init__(self, rate=0.5, noise_shape=None, seed=None, name=None, **kwargs):
        super().__init__(name=name, **kwargs)
        self.rate = rate
        self.noise_shape = noise_shape
        self.seed = seed

    def call(self, inputs, training=False):
        """The shape of the inputs."""
        return utils.smart_cond(
            training, lambda: nn_ops.dropout_v2(inputs, self.rate, noise_shape=self._noise(inputs), seed=self.seed),
            lambda: array_ops.identity(inputs),
        )  # fmt: skip

    def _noise(self, inputs):
        if self.noise_shape is None:
            return None
        sizes = array_ops.shape(inputs)
        known = inputs.get_shape().as_list()
        merged = [known[i] if d is None else d for i, d in enumerate(self.noise_shape)]
        return [sizes[i] if d is None else d for i, d in enumerate(merged)]

    def compute_output_shape(self, input_shape):
        """The same."""
        return tensor_shape.TensorShape(input_shape)


@tf_export("layers.dropout")
def dropout(inputs, rate=0.5, noise_shape=None, seed=None, training=False, name=None):
    """A Dropout layer on inputs."""
    layer = Dropout(rate, noise_shape=noise_shape, seed=seed, name=name, _scope=name)
    return layer.apply(inputs, training=training)


@tf_export("layers.Flatten")
class Flatten(base.Layer):
    """All dimensions but the first as one."""

    def __init__(self, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.data_format = utils.normalize_data_format(data_format or "channels_last")
        self.input_spec = base.InputSpec(min_ndim=1)

    def call(self, inputs):
        """[batch, n]."""
        ndims = inputs.get_shape().ndims
        if self.data_format == "channels_first" and ndims is not None and ndims > 1:
            inputs = array_ops.transpose(inputs, [0, *range(2, ndims), 1])
        known = inputs.get_shape().as_list() if ndims is not None else None
        if ndims == 1:
            return array_ops.expand_dims(inputs, -1)
        if known is not None and all(d is not None for d in known[1:]):
            size = 1
            for d in known[1:]:
                size *= d
            outputs = array_ops.reshape(inputs, [-1, size] if known[0] is None or size else [known[0], size])
        else:
            outputs = array_ops.reshape(inputs, (array_ops.shape(inputs)[0], -1))
        outputs.set_shape(self.compute_output_shape(inputs.get_shape()))
        return outputs

    def compute_output_shape(self, input_shape):
        """[batch, n]."""
        shape = tensor_shape.TensorShape(input_shape)
        if shape.ndims is None:
            return tensor_shape.TensorShape([None, None])
        sizes = shape.as_list()
        rest = 1
        for d in sizes[1:]:
            rest = None if rest is None or d is None else rest * d
        return tensor_shape.TensorShape([sizes[0], rest])


@tf_export("layers.flatten")
def flatten(inputs, name=None, data_format="channels_last"):
    """A Flatten layer on inputs."""
    return Flatten(name=name, data_format=data_format).apply(inputs)


FullyConnected = Dense
fully_connected = dense
