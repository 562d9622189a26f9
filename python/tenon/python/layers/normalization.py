"""Batch normalization."""

import functools

from tenon.python.framework import ops, tensor_shape
from tenon.python.layers import base, utils
from tenon.python.layers import renorm as renorms
from tenon.python.ops import (
    array_ops,
    control_flow_ops,
    gen_ops,
    init_ops,
    nn_impl,
)
from tenon.python.util.tf_export import tf_export

_ZEROS = init_ops.zeros_initializer()
_ONES = init_ops.ones_initializer()


@tf_export("layers.BatchNormalization")
class BatchNormalization(base.Layer):
    """Inputs with mean 0 and variance 1 over all but AXIS, times gamma plus beta; moving averages when not training.

    The updates of the moving averages go to the collection UPDATE_OPS.
    """

    def __init__(self, axis=-1, momentum=0.99, epsilon=1e-3, center=True, scale=True, beta_initializer=_ZEROS,
                 gamma_initializer=_ONES, moving_mean_initializer=_ZEROS, moving_variance_initializer=_ONES,
                 beta_regularizer=None, gamma_regularizer=None, beta_constraint=None, gamma_constraint=None,
                 renorm=False, renorm_clipping=None, renorm_momentum=0.99, fused=None, trainable=True,
                 virtual_batch_size=None, adjustment=None, name=None, **kwargs):  # fmt: skip
        super().__init__(name=name, trainable=trainable, **kwargs)
        self.axis = list(axis) if isinstance(axis, (list, tuple)) else axis
        self.momentum = momentum
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self.beta_initializer = beta_initializer
        self.gamma_initializer = gamma_initializer
        self.moving_mean_initializer = moving_mean_initializer
        self.moving_variance_initializer = moving_variance_initializer
        self.beta_regularizer = beta_regularizer
        self.gamma_regularizer = gamma_regularizer
        self.beta_constraint = beta_constraint
        self.gamma_constraint = gamma_constraint
        self.renorm = renorm
        self.virtual_batch_size = virtual_batch_size
        self.adjustment = adjustment
        self.fused = fused
        self._bessels_correction_test_only = True
        if renorm:
            self.renorm_clipping = renorms.checked_clipping(renorm_clipping)
            self.renorm_momentum = renorm_momentum

    def _weight(self, name, shape, initializer, regularizer=None, constraint=None, trainable=True):
        return self.add_weight(name=name, shape=shape, dtype=self._param_dtype, initializer=initializer,
                               regularizer=regularizer, constraint=constraint, trainable=trainable)  # fmt: skip

    def build(self, input_shape):
        """gamma, beta, moving_mean and moving_variance."""
        shape = tensor_shape.TensorShape(input_shape)
        if shape.ndims is None:
            raise ValueError(f"Input has undefined rank: {shape}")
        ndims = shape.ndims
        axes = [self.axis] if isinstance(self.axis, int) else list(self.axis)
        axes = [a + ndims if a < 0 else a for a in axes]
        if any(a < 0 or a >= ndims for a in axes):
            raise ValueError(f"Invalid axis: {self.axis}")
        if len(axes) != len(set(axes)):
            raise ValueError(f"Duplicate axis: {self.axis}")
        self.axis = axes
        if self.virtual_batch_size is not None:
            raise NotImplementedError("virtual_batch_size")
        unfused = self.renorm or self.adjustment is not None
        if self.fused is None or unfused:
            self.fused = ndims == 4 and axes in ([1], [3]) and not unfused
        elif self.fused and ndims != 4:
            raise ValueError(f"Batch normalization layers with `fused=True` only support 4D input tensors. "
                             f"Received tensor with shape: {shape.as_list()}")  # fmt: skip
        if self.fused:
            self._data_format = "NCHW" if axes == [1] else "NHWC"
        self._param_dtype = "float32" if self.dtype in ("float16", "bfloat16") else self.dtype or "float32"
        dims = {a: shape.as_list()[a] for a in axes}
        if any(d is None for d in dims.values()):
            raise ValueError(f"Input has undefined `axis` dimension. Received input with shape {shape.as_list()} "
                             f"and axis "
                             f"{axes}")  # fmt: skip
        self.input_spec = base.InputSpec(ndim=ndims, axes=dims)
        sizes = (next(iter(dims.values())),) if len(dims) == 1 else [dims.get(i, 1) for i in range(ndims)]
        self.gamma = self.beta = None
        if self.scale:
            self.gamma = self._weight("gamma", sizes, self.gamma_initializer, self.gamma_regularizer,
                                      self.gamma_constraint)  # fmt: skip
        elif self.fused:
            self._gamma_const = array_ops.ones(sizes, self._param_dtype)
        if self.center:
            self.beta = self._weight("beta", sizes, self.beta_initializer, self.beta_regularizer, self.beta_constraint)
        elif self.fused:
            self._beta_const = array_ops.zeros(sizes, self._param_dtype)
        self._build_moving(sizes)
        self.built = True

    def _build_moving(self, sizes):
        """Makes what moves, which no partitioner may cut, as it is updated as a whole."""
        self._set_scope(None)
        scope = self._scope
        cut = scope.partitioner
        scope.set_partitioner(None)
        try:
            self._moving_variables(sizes)
        finally:
            scope.set_partitioner(cut)

    def _moving_variables(self, sizes):
        self.moving_mean = self._weight("moving_mean", sizes, self.moving_mean_initializer, trainable=False)
        self.moving_variance = self._weight("moving_variance", sizes, self.moving_variance_initializer, trainable=False)
        if self.renorm:
            renorms.add_variables(self, lambda name, init: self._weight(name, sizes, init, trainable=False))

    def _fused(self, inputs, training):
        """The output of the fused op, and the updates."""
        beta = self.beta if self.center else self._beta_const
        gamma = self.gamma if self.scale else self._gamma_const

        def train():
            return nn_impl.fused_batch_norm(inputs, gamma, beta, epsilon=self.epsilon, data_format=self._data_format)

        def infer():
            return nn_impl.fused_batch_norm(inputs, gamma, beta, mean=self.moving_mean, variance=self.moving_variance,
                                            epsilon=self.epsilon, is_training=False,
                                            data_format=self._data_format)  # fmt: skip

        output, mean, variance = utils.smart_cond(training, train, infer)
        known = utils.constant_value(training)
        if known is None:
            momentum = utils.smart_cond(training, lambda: self.momentum, lambda: 1.0)
        else:
            momentum = ops.convert_to_tensor(self.momentum)
        if known or known is None:
            self.add_update(renorms.assign_moving_average(self.moving_mean, mean, momentum), inputs=True)
            self.add_update(renorms.assign_moving_average(self.moving_variance, variance, momentum), inputs=True)
        return output

    def call(self, inputs, training=False, mask=None):
        """The shape of the inputs."""
        if self.fused:
            return self._fused(inputs, training)
        shape = inputs.get_shape()
        ndims = shape.ndims
        reduce = [i for i in range(ndims) if i not in self.axis]
        wide = [1] * ndims
        wide[self.axis[0]] = shape.as_list()[self.axis[0]]

        def broadcast(v):
            if v is not None and v.get_shape().ndims != ndims and reduce != list(range(ndims - 1)):
                return array_ops.reshape(v, wide)
            return v

        scale, offset = broadcast(self.gamma), broadcast(self.beta)
        known = utils.constant_value(training)
        if known is False:
            mean, variance = self.moving_mean, self.moving_variance
        else:
            if self.adjustment:
                adjust_scale, adjust_bias = utils.smart_cond(
                    training, lambda: self.adjustment(array_ops.shape(inputs)),
                    lambda: (array_ops.ones_like(inputs[:1]), array_ops.zeros_like(inputs[:1])),
                )  # fmt: skip
                scale, offset = (adjust_scale if scale is None else scale * adjust_scale,
                                 adjust_bias if offset is None else offset * adjust_scale + adjust_bias)  # fmt: skip
            batch_mean, batch_variance = nn_impl.moments(inputs, reduce, keepdims=len(self.axis) > 1)
            mean = utils.smart_cond(training, lambda: batch_mean, lambda: ops.convert_to_tensor(self.moving_mean))
            variance = utils.smart_cond(
                training, lambda: batch_variance, lambda: ops.convert_to_tensor(self.moving_variance)
            )
            new_mean, new_variance = mean, variance
            choose = functools.partial(utils.smart_cond, training)
            if self.renorm:
                r, d, new_mean, new_variance = renorms.correct(self, batch_mean, batch_variance, choose)
                r, d = broadcast(gen_ops.stop_gradient(r)), broadcast(gen_ops.stop_gradient(d))
                scale, offset = renorms.composed(r, d, scale, offset)
            self.add_update(self._moving(self.moving_mean, new_mean, training), inputs=True)
            if self.renorm:
                self.add_update(renorms.move_variance(self, new_variance, choose), inputs=True)
            else:
                self.add_update(self._moving(self.moving_variance, new_variance, training), inputs=True)
        outputs = nn_impl.batch_normalization(inputs, broadcast(mean), broadcast(variance), offset, scale, self.epsilon)
        outputs.set_shape(shape)
        return outputs

    def _moving(self, variable, value, training):
        """The update of a moving average, which does nothing when not training."""
        if utils.constant_value(training):
            return renorms.assign_moving_average(variable, value, self.momentum)
        momentum = control_flow_ops.cond(training, lambda: ops.convert_to_tensor(self.momentum),
                                         lambda: ops.convert_to_tensor(1.0))  # fmt: skip
        return renorms.assign_moving_average(variable, value, momentum)

    def compute_output_shape(self, input_shape):
        """The same."""
        return tensor_shape.TensorShape(input_shape)


@tf_export("layers.batch_normalization")
def batch_normalization(inputs, axis=-1, momentum=0.99, epsilon=1e-3, center=True, scale=True,
                        beta_initializer=_ZEROS, gamma_initializer=_ONES, moving_mean_initializer=_ZEROS,
                        moving_variance_initializer=_ONES, beta_regularizer=None, gamma_regularizer=None,
                        beta_constraint=None, gamma_constraint=None, training=False, trainable=True, name=None,
                        reuse=None, renorm=False, renorm_clipping=None, renorm_momentum=0.99, fused=None,
                        virtual_batch_size=None, adjustment=None):  # fmt: skip
    """A BatchNormalization layer on inputs. Run the collection UPDATE_OPS with the training step."""
    arguments = locals()
    arguments.pop("training")
    return base.functional(BatchNormalization, arguments, training=training)


BatchNorm = BatchNormalization
batch_norm = batch_normalization
