"""Attention mechanisms: scores of a memory's entries for a query, and how scores become weights."""

from tenon.contrib.seq2seq import monotonic
from tenon.python.framework import dtypes, ops, tensor_shape
from tenon.python.layers import core as layers_core
from tenon.python.ops import array_ops, check_ops, init_ops, math_ops, nn_ops, random_ops
from tenon.python.ops import variable_scope as vs
from tenon.python.util import nest
from tenon.python.util.tf_export import tf_export


@tf_export("contrib.seq2seq.AttentionMechanism")
class AttentionMechanism:
    """What AttentionWrapper asks for the alignments [batch, time] of a query [batch, depth]."""

    @property
    def alignments_size(self):
        raise NotImplementedError

    @property
    def state_size(self):
        raise NotImplementedError


def _prepare_memory(memory, memory_sequence_length, check_inner_dims_defined):
    """MEMORY [batch, time, ...] with zeros beyond each row's length."""
    memory = nest.map_structure(lambda m: ops.convert_to_tensor(m, name="memory"), memory)
    if memory_sequence_length is not None:
        memory_sequence_length = ops.convert_to_tensor(memory_sequence_length, name="memory_sequence_length")
    if check_inner_dims_defined:
        for m in nest.flatten(memory):
            if not m.get_shape()[2:].is_fully_defined():
                raise ValueError(f"Expected memory {m.name} to have fully defined inner dims, but saw shape: {m.shape}")
    if memory_sequence_length is None:
        return memory
    steps = array_ops.shape(nest.flatten(memory)[0])[1]
    dtype = nest.flatten(memory)[0].dtype
    mask = array_ops.sequence_mask(memory_sequence_length, maxlen=steps, dtype=dtype)

    def masked(m):
        ones = array_ops.ones([array_ops.rank(m) - 2], dtype=dtypes.int32)
        shaped = array_ops.reshape(mask, array_ops.concat((array_ops.shape(mask), ones), 0))
        return m * shaped

    return nest.map_structure(masked, memory)


def _maybe_mask_score(score, memory_sequence_length, score_mask_value):
    """SCORE with SCORE_MASK_VALUE beyond each row's length."""
    if memory_sequence_length is None:
        return score
    message = "All values in memory_sequence_length must greater than zero."
    with ops.control_dependencies([check_ops.assert_positive(memory_sequence_length, message=message)]):
        mask = array_ops.sequence_mask(memory_sequence_length, maxlen=array_ops.shape(score)[1])
        return array_ops.where(mask, score, score_mask_value * array_ops.ones_like(score))


class _BaseAttentionMechanism(AttentionMechanism):
    """A mechanism over MEMORY [batch, time, ...], with layers for the query and the memory."""

    def __init__(self, query_layer, memory, probability_fn, memory_sequence_length=None, memory_layer=None,
                 check_inner_dims_defined=True, score_mask_value=None):  # fmt: skip
        for what, layer in (("query_layer", query_layer), ("memory_layer", memory_layer)):
            if layer is not None and not callable(layer):
                raise TypeError(f"{what} is not a Layer: {type(layer).__name__}")
        if not callable(probability_fn):
            raise TypeError(f"probability_fn must be callable, saw type: {type(probability_fn).__name__}")
        self._query_layer, self._memory_layer = query_layer, memory_layer
        self.dtype = memory_layer.dtype if memory_layer is not None else nest.flatten(memory)[0].dtype
        if score_mask_value is None:
            score_mask_value = dtypes.as_dtype(self.dtype).as_numpy_dtype(-float("inf"))

        def probability(score, previous):
            return probability_fn(_maybe_mask_score(score, memory_sequence_length, score_mask_value), previous)

        self._probability_fn = probability
        with ops.name_scope(None, "BaseAttentionMechanismInit", nest.flatten(memory)):
            self._values = _prepare_memory(memory, memory_sequence_length, check_inner_dims_defined)
            self._keys = self._values if memory_layer is None else memory_layer(self._values)
            fixed = tensor_shape.dimension_value(self._keys.shape[0])
            self._batch_size = fixed if fixed is not None else array_ops.shape(self._keys)[0]
            steps = tensor_shape.dimension_value(self._keys.shape[1])
            self._alignments_size = steps if steps is not None else array_ops.shape(self._keys)[1]

    @property
    def memory_layer(self):
        return self._memory_layer

    @property
    def query_layer(self):
        return self._query_layer

    @property
    def values(self):
        return self._values

    @property
    def keys(self):
        return self._keys

    @property
    def batch_size(self):
        return self._batch_size

    @property
    def alignments_size(self):
        return self._alignments_size

    @property
    def state_size(self):
        return self._alignments_size

    def initial_alignments(self, batch_size, dtype):
        """Zeros [batch, time]."""
        size = self._alignments_size
        shape = array_ops.stack([batch_size, size]) if _dynamic(batch_size, size) else [batch_size, size]
        made = array_ops.zeros(shape, dtype=dtype)
        if not isinstance(size, ops.Tensor):
            made.set_shape([None, size])
        return made

    def initial_state(self, batch_size, dtype):
        return self.initial_alignments(batch_size, dtype)

    def __call__(self, query, state):
        """(alignments, next state)."""
        with vs.variable_scope(None, self._scope, [query]):
            alignments = self._probability_fn(self._score(query), state)
        return alignments, alignments


def _dynamic(*values):
    return any(isinstance(value, ops.Tensor) for value in values)


def _luong_score(query, keys, scale):
    """Query times key, [batch, time]; SCALE: a learned factor."""
    depth, key_units = query.get_shape()[-1], keys.get_shape()[-1]
    if depth != key_units:
        raise ValueError(
            f"Incompatible or unknown inner dimensions between query and keys. Query ({query}) has units: {depth}. "
            f"Keys ({keys}) have units: {key_units}. Perhaps you need to set num_units to the keys' dimension?"
        )
    score = math_ops.matmul(array_ops.expand_dims(query, 1), keys, transpose_b=True)
    score = array_ops.squeeze(score, [1])
    if scale:
        g = vs.get_variable("attention_g", dtype=query.dtype, initializer=init_ops.ones_initializer, shape=())
        score = g * score
    return score


def _bahdanau_score(processed_query, keys, normalize):
    """v . tanh(query + key), [batch, time]; NORMALIZE: v's norm is learned by itself (arXiv 1602.07868)."""
    dtype = processed_query.dtype
    units = tensor_shape.dimension_value(keys.shape[2])
    if units is None:
        units = array_ops.shape(keys)[2]
    processed_query = array_ops.expand_dims(processed_query, 1)
    v = vs.get_variable("attention_v", [units], dtype=dtype)
    if not normalize:
        return math_ops.reduce_sum(v * math_ops.tanh(keys + processed_query), [2])
    start = init_ops.constant_initializer((1.0 / units) ** 0.5)
    g = vs.get_variable("attention_g", dtype=dtype, initializer=start, shape=())
    b = vs.get_variable("attention_b", [units], dtype=dtype, initializer=init_ops.zeros_initializer())
    normed = g * v * math_ops.rsqrt(math_ops.reduce_sum(math_ops.square(v)))
    return math_ops.reduce_sum(normed * math_ops.tanh(keys + processed_query + b), [2])


def _dense(units, name, dtype):
    return layers_core.Dense(units, name=name, use_bias=False, dtype=dtype)


@tf_export("contrib.seq2seq.LuongAttention")
class LuongAttention(_BaseAttentionMechanism):
    """Multiplicative attention (arXiv 1508.04025)."""

    _scope = "luong_attention"

    def __init__(self, num_units, memory, memory_sequence_length=None, scale=False, probability_fn=None,
                 score_mask_value=None, dtype=None, custom_key_value_fn=None, name="LuongAttention"):  # fmt: skip
        weigh = probability_fn or nn_ops.softmax
        super().__init__(
            query_layer=None, memory_layer=_dense(num_units, "memory_layer", dtype or dtypes.float32), memory=memory,
            probability_fn=lambda score, _: weigh(score), memory_sequence_length=memory_sequence_length,
            score_mask_value=score_mask_value,
        )  # fmt: skip
        if custom_key_value_fn is not None:
            self._keys, self._values = custom_key_value_fn(self._keys, self._values)
        self._num_units, self._scale, self._name = num_units, scale, name

    def _score(self, query):
        return _luong_score(query, self._keys, self._scale)


@tf_export("contrib.seq2seq.BahdanauAttention")
class BahdanauAttention(_BaseAttentionMechanism):
    """Additive attention (arXiv 1409.0473)."""

    _scope = "bahdanau_attention"

    def __init__(self, num_units, memory, memory_sequence_length=None, normalize=False, probability_fn=None,
                 score_mask_value=None, dtype=None, custom_key_value_fn=None, name="BahdanauAttention"):  # fmt: skip
        weigh = probability_fn or nn_ops.softmax
        dtype = dtype or dtypes.float32
        super().__init__(
            query_layer=_dense(num_units, "query_layer", dtype), memory_layer=_dense(num_units, "memory_layer", dtype),
            memory=memory, probability_fn=lambda score, _: weigh(score),
            memory_sequence_length=memory_sequence_length, score_mask_value=score_mask_value,
        )  # fmt: skip
        if custom_key_value_fn is not None:
            self._keys, self._values = custom_key_value_fn(self._keys, self._values)
        self._num_units, self._normalize, self._name = num_units, normalize, name

    def _score(self, query):
        processed = self._query_layer(query) if self._query_layer else query
        return _bahdanau_score(processed, self._keys, self._normalize)


def _monotonic_probability_fn(score, previous_alignments, sigmoid_noise, mode, seed=None):
    """Alignments of hard or soft monotonic attention; noise before the sigmoid makes its choices clear."""
    if sigmoid_noise > 0:
        noise = random_ops.random_normal(array_ops.shape(score), dtype=score.dtype, seed=seed)
        score += sigmoid_noise * noise
    if mode == "hard":
        chosen = math_ops.cast(score > 0, score.dtype)
    else:
        chosen = math_ops.sigmoid(score)
    return monotonic.monotonic_attention(chosen, previous_alignments, mode)


class _BaseMonotonicAttentionMechanism(_BaseAttentionMechanism):
    """A mechanism that only moves forward: it begins at the first entry."""

    def initial_alignments(self, batch_size, dtype):
        return array_ops.one_hot(array_ops.zeros((batch_size,), dtype=dtypes.int32), self._alignments_size, dtype=dtype)


def _with_bias(mechanism, query, score):
    start = init_ops.constant_initializer(mechanism._score_bias_init)
    bias = vs.get_variable("attention_score_bias", dtype=query.dtype, initializer=start, shape=())
    return score + bias


@tf_export("contrib.seq2seq.BahdanauMonotonicAttention")
class BahdanauMonotonicAttention(_BaseMonotonicAttentionMechanism):
    """Additive attention that moves forward (arXiv 1704.00784)."""

    _scope = "bahdanau_monotonic_attention"

    def __init__(self, num_units, memory, memory_sequence_length=None, normalize=False, score_mask_value=None,
                 sigmoid_noise=0.0, sigmoid_noise_seed=None, score_bias_init=0.0, mode="parallel", dtype=None,
                 name="BahdanauMonotonicAttention"):  # fmt: skip
        dtype = dtype or dtypes.float32
        super().__init__(
            query_layer=_dense(num_units, "query_layer", dtype), memory_layer=_dense(num_units, "memory_layer", dtype),
            memory=memory, memory_sequence_length=memory_sequence_length, score_mask_value=score_mask_value,
            probability_fn=lambda score, previous: _monotonic_probability_fn(
                score, previous, sigmoid_noise, mode, sigmoid_noise_seed
            ),
        )  # fmt: skip
        self._num_units, self._normalize, self._name = num_units, normalize, name
        self._score_bias_init = score_bias_init

    def _score(self, query):
        processed = self._query_layer(query) if self._query_layer else query
        return _with_bias(self, query, _bahdanau_score(processed, self._keys, self._normalize))


@tf_export("contrib.seq2seq.LuongMonotonicAttention")
class LuongMonotonicAttention(_BaseMonotonicAttentionMechanism):
    """Multiplicative attention that moves forward (arXiv 1704.00784)."""

    _scope = "luong_monotonic_attention"

    def __init__(self, num_units, memory, memory_sequence_length=None, scale=False, score_mask_value=None,
                 sigmoid_noise=0.0, sigmoid_noise_seed=None, score_bias_init=0.0, mode="parallel", dtype=None,
                 name="LuongMonotonicAttention"):  # fmt: skip
        super().__init__(
            query_layer=None, memory_layer=_dense(num_units, "memory_layer", dtype or dtypes.float32), memory=memory,
            memory_sequence_length=memory_sequence_length, score_mask_value=score_mask_value,
            probability_fn=lambda score, previous: _monotonic_probability_fn(
                score, previous, sigmoid_noise, mode, sigmoid_noise_seed
            ),
        )  # fmt: skip
        self._num_units, self._scale, self._name = num_units, scale, name
        self._score_bias_init = score_bias_init

    def _score(self, query):
        return _with_bias(self, query, _luong_score(query, self._keys, self._scale))


@tf_export("contrib.seq2seq.hardmax")
def hardmax(logits, name=None):
    """1 at the largest of each row, 0 elsewhere."""
    with ops.name_scope(name, "Hardmax", [logits]):
        logits = ops.convert_to_tensor(logits, name="logits")
        depth = tensor_shape.dimension_value(logits.get_shape()[-1])
        if depth is None:
            depth = array_ops.shape(logits)[-1]
        return array_ops.one_hot(math_ops.argmax(logits, -1), depth, dtype=logits.dtype)
