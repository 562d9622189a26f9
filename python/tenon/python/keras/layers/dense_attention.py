"""Attention of queries over values, by products and by sums."""

import tenon as tf
from tenon.python.keras.engine.base_layer import Layer
from tenon.python.keras.layers.core import _static

TF_EXPORTS = {"keras.layers.Attention": "Attention", "keras.layers.AdditiveAttention": "AdditiveAttention"}


class BaseDenseAttention(Layer):
    """Base class: call([query, value, key]) weighs the values; scores come from _calculate_scores(query, key)."""

    def __init__(self, causal=False, **kwargs):
        super().__init__(**kwargs)
        self.causal = causal
        self.supports_masking = True

    def _calculate_scores(self, query, key):
        """(batch, queries, keys)."""
        raise NotImplementedError

    def call(self, inputs, mask=None):
        """The values, weighted for each query: (batch, queries, size)."""
        self._check_inputs(inputs, mask)
        query, value = inputs[:2]
        key = inputs[2] if len(inputs) > 2 else value
        scores = self._calculate_scores(query, key)
        allowed = None
        if mask is not None and mask[1] is not None:
            allowed = tf.expand_dims(mask[1], -2)
        if self.causal:
            shape = tf.shape(scores)
            rows, columns = tf.range(shape[-2]), tf.range(shape[-1])
            past = tf.expand_dims(rows[:, None] >= columns[None, :], 0)
            allowed = past if allowed is None else tf.logical_and(allowed, past)
        if allowed is not None:
            scores -= 1e9 * tf.cast(tf.logical_not(allowed), scores.dtype)
        result = tf.matmul(tf.nn.softmax(scores), value)
        if mask is not None and mask[0] is not None:
            result *= tf.cast(tf.expand_dims(mask[0], -1), result.dtype)
        return result

    def compute_mask(self, inputs, mask=None):
        """That of the queries."""
        self._check_inputs(inputs, mask)
        return None if mask is None or mask[0] is None else tf.convert_to_tensor(mask[0])

    def _check_inputs(self, inputs, mask):
        name = self.__class__.__name__
        if not isinstance(inputs, list):
            raise ValueError(f"{name} layer must be called on a list of inputs, namely [query, value] or "
                             f"[query, value, key]. Received: {inputs}.")  # fmt: skip
        if len(inputs) not in (2, 3):
            raise ValueError(f"{name} layer accepts inputs list of length 2 or 3, namely [query, value] or "
                             f"[query, value, key]. Received length: {len(inputs)}.")  # fmt: skip
        if mask is not None and (not isinstance(mask, list) or len(mask) < 2 or len(mask) > len(inputs)):
            raise ValueError(f"{name} layer accepts mask list of length 2 (and at most that of inputs), namely "
                             f"[query_mask, value_mask]. Received: {mask}.")  # fmt: skip

    def compute_output_shape(self, input_shape):
        """(batch, queries, size of values)."""
        query, value = _static(input_shape[0]), _static(input_shape[1])
        return (*query[:-1], value[-1])

    def get_config(self):
        """The arguments that make it again."""
        return {**super().get_config(), "causal": self.causal}


class Attention(BaseDenseAttention):
    """Scores are products of queries and keys (Luong)."""

    def __init__(self, use_scale=False, **kwargs):
        super().__init__(**kwargs)
        self.use_scale = use_scale

    def build(self, input_shape):
        """Makes the scale."""
        self.scale = None
        if self.use_scale:
            self.scale = self.add_weight(name="scale", shape=(), initializer="ones")
        self.built = True

    def _calculate_scores(self, query, key):
        scores = tf.matmul(query, key, transpose_b=True)
        return scores if self.scale is None else scores * self.scale

    def get_config(self):
        """The arguments that make it again."""
        return {**super().get_config(), "use_scale": self.use_scale}


class AdditiveAttention(BaseDenseAttention):
    """Scores are sums of tanh(query + key) (Bahdanau)."""

    def __init__(self, use_scale=True, **kwargs):
        super().__init__(**kwargs)
        self.use_scale = use_scale

    def build(self, input_shape):
        """Makes the scale."""
        self.scale = None
        if self.use_scale:
            size = _static(input_shape[1])[-1]
            self.scale = self.add_weight(name="scale", shape=[size], initializer="glorot_uniform")
        self.built = True

    def _calculate_scores(self, query, key):
        mixed = tf.tanh(tf.expand_dims(query, -2) + tf.expand_dims(key, -3))
        return tf.reduce_sum(mixed if self.scale is None else self.scale * mixed, -1)

    def get_config(self):
        """The arguments that make it again."""
        return {**super().get_config(), "use_scale": self.use_scale}
