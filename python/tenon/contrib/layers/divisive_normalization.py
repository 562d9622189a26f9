"""Generalised divisive normalisation (Ballé et al., 2015, arXiv 1511.06281)."""

from tenon.python.framework import ops, tensor_shape
from tenon.python.layers import base
from tenon.python.ops import array_ops, gen_ops, linalg_ops, math_ops, nn_convolution, nn_ops
from tenon.python.util.tf_export import tf_export


@ops.RegisterGradient("GDNLowerBound")
def _lower_bound_gradient(op, gradient):
    """The gradient passes where the value is above the bound, and where it would rise."""
    inputs, bound = op.inputs
    passes = gen_ops.logical_or(inputs >= bound, gradient < 0)
    return [math_ops.cast(passes, gradient.dtype) * gradient, None]


def _at_least(inputs, bound):
    """Maximum with the gradient above."""
    with ops.name_scope("GDNLowerBound", values=[inputs]) as scope:
        inputs = ops.convert_to_tensor(inputs, name="inputs")
        bound = ops.convert_to_tensor(bound, dtype=inputs.dtype, name="bound")
        with ops.get_default_graph().gradient_override_map({"Maximum": "GDNLowerBound"}):
            return math_ops.maximum(inputs, bound, name=scope)


@tf_export("contrib.layers.GDN", "contrib.slim.GDN")
class GDN(base.Layer):
    """y[i] = x[i] / sqrt(beta[i] + sum over j of gamma[j, i] x[j]^2); INVERSE multiplies in place of dividing.

    Variables `reparam_beta` and `reparam_gamma` hold square roots of what is used, shifted by REPARAM_OFFSET squared.
    """

    def __init__(self, inverse=False, beta_min=1e-6, gamma_init=0.1, reparam_offset=2**-18,
                 data_format="channels_last", activity_regularizer=None, trainable=True, name=None,
                 **kwargs):  # fmt: skip
        super().__init__(trainable=trainable, name=name, activity_regularizer=activity_regularizer, **kwargs)
        if data_format not in ("channels_first", "channels_last"):
            raise ValueError(f"Unsupported `data_format` for GDN layer: {data_format}.")
        self.inverse, self.data_format = inverse, data_format
        self._beta_min, self._gamma_init, self._reparam_offset = beta_min, gamma_init, reparam_offset
        self._axis = 1 if data_format == "channels_first" else -1
        self.input_spec = base.InputSpec(min_ndim=3, max_ndim=5)

    def _parameter(self, name, start, least):
        """The square of a variable that is at least the root of LEAST; it begins as START."""
        offset = self._reparam_offset**2

        def initializer(shape, dtype=None, partition_info=None):
            return math_ops.sqrt(math_ops.cast(start(shape), dtype) + offset)

        shape = [self._channels] * (2 if name == "reparam_gamma" else 1)
        root = self.add_variable(name, shape=shape, initializer=initializer, dtype=self.dtype, trainable=True)
        return math_ops.square(_at_least(root, least**0.5)) - offset

    def build(self, input_shape):
        shape = tensor_shape.TensorShape(input_shape)
        self._channels = shape.dims[self._axis].value
        if self._channels is None:
            raise ValueError("The channel dimension of the inputs to `GDN` must be defined.")
        self.input_spec = base.InputSpec(ndim=shape.ndims, axes={self._axis: self._channels})
        offset = self._reparam_offset**2
        self.beta = self._parameter("reparam_beta", array_ops.ones, self._beta_min + offset)
        self.gamma = self._parameter("reparam_gamma", lambda shape: self._gamma_init * linalg_ops.eye(shape[0]), offset)
        self.built = True

    def call(self, inputs):
        inputs = ops.convert_to_tensor(inputs, dtype=self.dtype)
        shape = inputs.get_shape()
        first = self._axis == 1
        last = [0, *range(2, shape.ndims), 1]
        turned = array_ops.transpose(inputs, last) if first else inputs
        kernel = array_ops.reshape(self.gamma, [1] * (shape.ndims - 2) + [self._channels, self._channels])
        norm = nn_convolution.convolution(math_ops.square(turned), kernel, "VALID")
        norm = math_ops.sqrt(nn_ops.bias_add(norm, self.beta))
        outputs = turned * norm if self.inverse else turned / norm
        if first:
            outputs = array_ops.transpose(outputs, [0, shape.ndims - 1, *range(1, shape.ndims - 1)])
        outputs.set_shape(shape)
        return outputs

    def compute_output_shape(self, input_shape):
        """The shape that came in."""
        shape = tensor_shape.TensorShape(input_shape)
        if not 3 <= shape.ndims <= 5:
            raise ValueError("`input_shape` must be of rank 3 to 5, inclusive.")
        if shape.dims[self._axis].value is None:
            raise ValueError("The channel dimension of `input_shape` must be defined.")
        return shape


@tf_export("contrib.layers.gdn", "contrib.slim.gdn")
def gdn(inputs, inverse=False, beta_min=1e-6, gamma_init=0.1, reparam_offset=2**-18, data_format="channels_last",
        activity_regularizer=None, trainable=True, name=None, reuse=None):  # fmt: skip
    """GDN of INPUTS."""
    layer = GDN(
        inverse=inverse, beta_min=beta_min, gamma_init=gamma_init, reparam_offset=reparam_offset,
        data_format=data_format, activity_regularizer=activity_regularizer, trainable=trainable, name=name,
        dtype=inputs.dtype.base_dtype, _scope=name, _reuse=reuse,
    )  # fmt: skip
    return layer.apply(inputs)
