"""Recurrent layers: simple, GRU and LSTM."""

import tenon as tf
from tenon.python.keras import activations, constraints, initializers, regularizers
from tenon.python.keras import backend as K
from tenon.python.keras.engine.base_layer import Layer
from tenon.python.keras.engine.node import InputSpec
from tenon.python.keras.layers.core import _static

TF_NAMESPACES = ("keras.layers", "keras.layers.recurrent")

_WEIGHTS = ("kernel", "recurrent", "bias")


class _Recurrent(Layer):
    """What the recurrent layers share: a loop over steps with masks."""

    def __init__(
        self, units, activation="tanh", use_bias=True, kernel_initializer="glorot_uniform",
        recurrent_initializer="orthogonal", bias_initializer="zeros", kernel_regularizer=None,
        recurrent_regularizer=None, bias_regularizer=None, activity_regularizer=None, kernel_constraint=None,
        recurrent_constraint=None, bias_constraint=None, dropout=0.0, recurrent_dropout=0.0, return_sequences=False,
        return_state=False, go_backwards=False, stateful=False, unroll=False, **kwargs,
    ):  # fmt: skip
        super().__init__(activity_regularizer=regularizers.get(activity_regularizer), **kwargs)
        if recurrent_dropout or stateful:
            raise NotImplementedError(f"{type(self).__name__}: recurrent_dropout and stateful are not there.")
        self.units, self.activation, self.use_bias = units, activations.get(activation), use_bias
        self.kernel_initializer, self.recurrent_initializer, self.bias_initializer = map(
            initializers.get, (kernel_initializer, recurrent_initializer, bias_initializer)
        )
        self.kernel_regularizer, self.recurrent_regularizer, self.bias_regularizer = map(
            regularizers.get, (kernel_regularizer, recurrent_regularizer, bias_regularizer)
        )
        self.kernel_constraint, self.recurrent_constraint, self.bias_constraint = map(
            constraints.get, (kernel_constraint, recurrent_constraint, bias_constraint)
        )
        self.dropout, self.recurrent_dropout, self.unroll = dropout, recurrent_dropout, unroll
        self.return_sequences, self.return_state, self.go_backwards = return_sequences, return_state, go_backwards
        self.supports_masking = True
        self.input_spec = InputSpec(ndim=3)

    _gates, _states = 1, 1

    def build(self, input_shape):
        """Makes kernel, recurrent kernel and bias."""
        features, n = _static(input_shape)[-1], self.units * self._gates
        self.kernel = self.add_weight(
            "kernel", (features, n), initializer=self.kernel_initializer, regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )  # fmt: skip
        self.recurrent_kernel = self.add_weight(
            "recurrent_kernel", (self.units, n), initializer=self.recurrent_initializer,
            regularizer=self.recurrent_regularizer, constraint=self.recurrent_constraint,
        )  # fmt: skip
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                "bias", self._bias_shape(n), initializer=self._bias_start(), regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )  # fmt: skip
        self.built = True

    def _bias_shape(self, n):
        return (n,)

    def _bias_start(self):
        return self.bias_initializer

    def call(self, inputs, mask=None, training=None, initial_state=None):
        """Goes over the steps."""
        if self.dropout:
            training = K.learning_phase() if training is None else training
            shape = tf.stack([tf.shape(inputs)[0], 1, tf.shape(inputs)[2]])
            dropped = lambda: tf.nn.dropout(inputs, rate=self.dropout, noise_shape=shape)  # noqa: E731
            static = inputs.shape
            inputs = K.smart_cond(training, dropped, lambda: tf.identity(inputs))
            inputs.set_shape(static)
        steps = inputs.shape[1].value
        times = tf.transpose(inputs, [1, 0, 2])
        masks = None if mask is None else tf.transpose(tf.expand_dims(mask, -1), [1, 0, 2])
        if self.go_backwards:
            times = tf.reverse(times, [0])
            masks = None if masks is None else tf.reverse(masks, [0])
        zeros = tf.zeros(tf.stack([tf.shape(inputs)[0], self.units]), inputs.dtype)
        zeros.set_shape([inputs.shape[0], self.units])
        states = list(initial_state) if initial_state is not None else [zeros] * self._states
        run = self._unrolled if self.unroll and steps else self._looped
        outputs, states = run(times, masks, states, zeros, steps)
        last = outputs[-1]
        if self.return_sequences:
            last = tf.transpose(outputs, [1, 0, 2])
            last.set_shape([inputs.shape[0], steps, self.units])
        return [last, *states] if self.return_state else last

    def _next(self, x, mask, before, states):
        new = self._step(x, states)
        if mask is None:
            return new[0], new
        keep = tf.cast(mask, x.dtype)
        new = [keep * a + (1 - keep) * b for a, b in zip(new, states)]
        return keep * new[0] + (1 - keep) * before, new

    def _unrolled(self, times, masks, states, before, steps):
        outputs = []
        for t in range(steps):
            before, states = self._next(times[t], None if masks is None else masks[t], before, states)
            outputs.append(before)
        return tf.stack(outputs), states

    def _looped(self, times, masks, states, before, steps):
        count = tf.shape(times)[0]
        xs = tf.TensorArray(times.dtype, count).unstack(times)
        ms = None if masks is None else tf.TensorArray(tf.bool, count).unstack(masks)
        found = tf.TensorArray(times.dtype, count)

        def body(t, found, before, *states):
            x = xs.read(t)
            x.set_shape(times.shape[1:])
            mask = None if ms is None else ms.read(t)
            before, states = self._next(x, mask, before, list(states))
            return (t + 1, found.write(t, before), before, *states)

        values = tf.while_loop(lambda t, *_: t < count, body, (tf.constant(0), found, before, *states))
        outputs = values[1].stack()
        outputs.set_shape([steps, *before.shape.as_list()])
        states = list(values[3:])
        for s in [values[2], *states]:
            s.set_shape(before.shape)
        return outputs, states

    def compute_mask(self, inputs, mask=None):
        """That of the steps, if they are returned."""
        mask = mask[0] if isinstance(mask, list) else mask
        found = mask if self.return_sequences else None
        return [found, *[None] * self._states] if self.return_state else found

    def compute_output_shape(self, input_shape):
        """(batch, units) or (batch, steps, units)."""
        shape = _static(input_shape)
        out = (shape[0], shape[1], self.units) if self.return_sequences else (shape[0], self.units)
        return [out, *[(shape[0], self.units)] * self._states] if self.return_state else out

    def __call__(self, inputs, initial_state=None, **kwargs):
        if initial_state is not None:
            kwargs["initial_state"] = initial_state if isinstance(initial_state, (list, tuple)) else [initial_state]
        return super().__call__(inputs, **kwargs)

    def get_config(self):
        """The arguments that make it again."""
        config = {
            **super().get_config(), "return_sequences": self.return_sequences, "return_state": self.return_state,
            "go_backwards": self.go_backwards, "stateful": False, "unroll": self.unroll, "units": self.units,
            "activation": activations.serialize(self.activation), "use_bias": self.use_bias,
        }  # fmt: skip
        for kind, module in (("initializer", initializers), ("regularizer", regularizers), ("constraint", constraints)):
            for name in _WEIGHTS:
                config[f"{name}_{kind}"] = module.serialize(getattr(self, f"{name}_{kind}"))
        config["activity_regularizer"] = regularizers.serialize(self.activity_regularizer)
        return {**config, "dropout": self.dropout, "recurrent_dropout": self.recurrent_dropout}

    def _linear(self, x, kernel, bias):
        y = tf.matmul(x, kernel)
        return y if bias is None else tf.nn.bias_add(y, bias)

    @classmethod
    def from_config(cls, config):
        """The layer that get_config described; what later versions add is left out."""
        return cls(**{k: v for k, v in config.items() if k not in ("time_major", "zero_output_for_mask")})


class SimpleRNN(_Recurrent):
    """activation(x * kernel + output * recurrent_kernel + bias)."""

    def _step(self, x, states):
        return [self.activation(self._linear(x, self.kernel, self.bias) + tf.matmul(states[0], self.recurrent_kernel))]


class LSTM(_Recurrent):
    """Long short-term memory: gates i, f, c, o."""

    _gates, _states = 4, 2

    def __init__(self, units, activation="tanh", recurrent_activation="hard_sigmoid", unit_forget_bias=True,
                 implementation=1, **kwargs):  # fmt: skip
        super().__init__(units, activation, **kwargs)
        self.recurrent_activation = activations.get(recurrent_activation)
        self.unit_forget_bias, self.implementation = unit_forget_bias, implementation

    def _bias_start(self):
        if not self.unit_forget_bias:
            return self.bias_initializer
        n, start = self.units, self.bias_initializer

        def first(shape, dtype=None):
            return tf.concat([start((n,), dtype=dtype), tf.ones((n,), dtype), start((n * 2,), dtype=dtype)], 0)

        return first

    def _step(self, x, states):
        h, c = states
        z = self._linear(x, self.kernel, self.bias) + tf.matmul(h, self.recurrent_kernel)
        i, f, g, o = tf.split(z, 4, axis=1)
        gate = self.recurrent_activation
        c = gate(f) * c + gate(i) * self.activation(g)
        return [gate(o) * self.activation(c), c]

    def get_config(self):
        """The arguments that make it again."""
        return {
            **super().get_config(), "recurrent_activation": activations.serialize(self.recurrent_activation),
            "unit_forget_bias": self.unit_forget_bias, "implementation": self.implementation,
        }  # fmt: skip


class GRU(_Recurrent):
    """Gated recurrent units: gates z, r, h."""

    _gates = 3

    def __init__(self, units, activation="tanh", recurrent_activation="hard_sigmoid", reset_after=False,
                 implementation=1, **kwargs):  # fmt: skip
        super().__init__(units, activation, **kwargs)
        self.recurrent_activation = activations.get(recurrent_activation)
        self.reset_after, self.implementation = reset_after, implementation

    def _bias_shape(self, n):
        return (2, n) if self.reset_after else (n,)

    def _step(self, x, states):
        h, n = states[0], self.units
        gate = self.recurrent_activation
        own, other = (self.bias[0], self.bias[1]) if self.reset_after and self.use_bias else (self.bias, None)
        xz, xr, xh = tf.split(self._linear(x, self.kernel, own), 3, axis=1)
        if self.reset_after:
            hz, hr, hh = tf.split(self._linear(h, self.recurrent_kernel, other), 3, axis=1)
            z, r = gate(xz + hz), gate(xr + hr)
            new = self.activation(xh + r * hh)
        else:
            hz, hr = tf.split(tf.matmul(h, self.recurrent_kernel[:, : 2 * n]), 2, axis=1)
            z, r = gate(xz + hz), gate(xr + hr)
            new = self.activation(xh + tf.matmul(r * h, self.recurrent_kernel[:, 2 * n :]))
        return [z * h + (1 - z) * new]

    def get_config(self):
        """The arguments that make it again."""
        return {
            **super().get_config(), "recurrent_activation": activations.serialize(self.recurrent_activation),
            "implementation": self.implementation, "reset_after": self.reset_after,
        }  # fmt: skip
