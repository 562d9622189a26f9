"""Convolutions, pooling, activations, softmax and cross-entropies, dropout."""

import numbers

from tenon.python.deprecated import arguments as old_order
from tenon.python.framework import dtypes, ops, random_seed, tensor_util
from tenon.python.ops import array_ops, gen_ops, math_ops
from tenon.python.util.deprecation import deprecated, deprecated_argument_lookup
from tenon.python.util.tf_export import tf_export

local_response_normalization = gen_ops.lrn
TF_EXPORTS = {"nn.lrn": "local_response_normalization",
              "nn.local_response_normalization": "local_response_normalization"}  # fmt: skip


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    return getattr(gen_ops, name)


# --- activations and the like ---


@tf_export("nn.bias_add")
def bias_add(value, bias, data_format=None, name=None):
    """Adds a vector to the channels."""
    with ops.name_scope(name, "BiasAdd", [value, bias]) as scope:
        if data_format is not None:
            if data_format.startswith("NC"):
                data_format = "NCHW"
            elif data_format.startswith("N") and data_format.endswith("C"):
                data_format = "NHWC"
            else:
                raise ValueError(f"`data_format` must be of the form `N...C` or `NC...`. Received: {data_format}")
        value = ops.convert_to_tensor(value, name="input")
        bias = ops.convert_to_tensor(bias, dtype=value.dtype, name="bias")
        return gen_ops.bias_add(value, bias, data_format=data_format or "NHWC", name=scope)


def bias_add_v1(value, bias, name=None):
    """bias_add without a data format."""
    with ops.name_scope(name, "BiasAddV1", [value, bias]) as scope:
        return gen_ops.bias_add(value, ops.convert_to_tensor(bias, dtype=value.dtype, name="bias"), name=scope)


@tf_export("nn.crelu")
def crelu(features, name=None, axis=-1):
    """The positive and the negative parts, side by side."""
    with ops.name_scope(name, "CRelu", [features]) as scope:
        features = ops.convert_to_tensor(features, name="features")
        both = array_ops.concat([features, -features], axis, name=scope)
        return gen_ops.relu(both)


@tf_export("nn.relu6")
def relu6(features, name=None):
    """min(max(x, 0), 6)."""
    with ops.name_scope(name, "Relu6", [features]) as scope:
        return gen_ops.relu6(ops.convert_to_tensor(features, name="features"), name=scope)


@tf_export("nn.leaky_relu")
def leaky_relu(features, alpha=0.2, name=None):
    """x where it is positive, alpha * x where not."""
    with ops.name_scope(name, "LeakyRelu", [features, alpha]) as scope:
        features = ops.convert_to_tensor(features, name="features")
        if features.dtype.is_integer:
            features = math_ops.cast(features, dtypes.float32)
        if isinstance(alpha, numbers.Number):
            return gen_ops.leaky_relu(features, alpha=float(alpha), name=scope)
        alpha = ops.convert_to_tensor(alpha, dtype=features.dtype, name="alpha")
        return gen_ops.maximum(alpha * features, features, name=scope)


@tf_export("nn.xw_plus_b")
def xw_plus_b(x, weights, biases, name=None):
    """x times weights plus biases."""
    with ops.name_scope(name, "xw_plus_b", [x, weights, biases]) as scope:
        x = ops.convert_to_tensor(x, name="x")
        weights = ops.convert_to_tensor(weights, name="weights")
        biases = ops.convert_to_tensor(biases, name="biases")
        return bias_add(math_ops.matmul(x, weights), biases, name=scope)


@tf_export("nn.softplus", "math.softplus")
def softplus(features, name=None):
    """log(1 + exp(x))."""
    return gen_ops.softplus(features, name=name)


# --- softmax ---


def _axis_last(function, logits, axis, name):
    """FUNCTION, which works along the last dimension, along AXIS."""
    logits = ops.convert_to_tensor(logits)
    ndims = logits.get_shape().ndims
    if axis == -1 or axis is not None and ndims is not None and axis == ndims - 1:
        return function(logits, name=name)
    if ndims is not None and not -ndims <= axis < ndims:
        raise ValueError(f"Argument `axis` must be in the range [{-ndims}, {ndims}), got {axis}")
    with ops.name_scope(name, function.__name__, [logits]) as scope:
        rank = array_ops.rank(logits)
        last = rank - 1
        place = axis % rank if axis < 0 else axis
        perm = array_ops.concat(
            [gen_ops.range(0, place, 1), [last], gen_ops.range(place + 1, last, 1), [place]], 0
        )  # fmt: skip
        result = array_ops.transpose(function(array_ops.transpose(logits, perm)), perm, name=scope)
        result.set_shape(logits.get_shape())
        return result


@tf_export("nn.softmax", "math.softmax")
def softmax(logits, axis=None, name=None, dim=None):
    """exp(x) / sum(exp(x)) along AXIS (the last)."""
    axis = deprecated_argument_lookup("axis", axis, "dim", dim)
    return _axis_last(gen_ops.softmax, logits, -1 if axis is None else axis, name)


@tf_export("nn.log_softmax", "math.log_softmax")
def log_softmax(logits, axis=None, name=None, dim=None):
    """log(softmax(x)) along AXIS (the last)."""
    axis = deprecated_argument_lookup("axis", axis, "dim", dim)
    return _axis_last(gen_ops.log_softmax, logits, -1 if axis is None else axis, name)


def _flatten_outer(tensor):
    """All dimensions but the last as one."""
    last = array_ops.shape(tensor)
    rank = array_ops.rank(tensor)
    size = array_ops.slice(last, [gen_ops.sub(rank, 1)], [1])
    output = array_ops.reshape(tensor, array_ops.concat([[-1], size], 0))
    known = tensor.get_shape()
    if known.ndims is not None:
        rows = 1
        for d in known.as_list()[:-1]:
            rows = None if rows is None or d is None else rows * d
        output.set_shape([rows, known.as_list()[-1]])
    return output


@tf_export("nn.softmax_cross_entropy_with_logits_v2")
def softmax_cross_entropy_with_logits_v2(labels, logits, axis=None, name=None, dim=None):
    """Cross-entropy of softmax(logits) to distributions; gradients go to the labels too."""
    axis = deprecated_argument_lookup("axis", axis, "dim", dim)
    return _softmax_cross_entropy(labels, logits, -1 if axis is None else axis, name)


def _softmax_cross_entropy(labels, logits, axis, name):
    with ops.name_scope(name, "softmax_cross_entropy_with_logits", [logits, labels]) as scope:
        logits = ops.convert_to_tensor(logits, name="logits")
        labels = ops.convert_to_tensor(labels, name="labels")
        small = logits.dtype.base_dtype in (dtypes.float16, dtypes.bfloat16)
        precise = math_ops.cast(logits, dtypes.float32) if small else logits
        labels = math_ops.cast(labels, precise.dtype)
        rank = array_ops.rank(precise)
        shape = logits.get_shape()
        if axis != -1:
            labels, precise = _move_last(labels, axis), _move_last(precise, axis)
        sizes = array_ops.shape(precise)
        precise, labels = _flatten_outer(precise), _flatten_outer(labels)
        cost, _ = gen_ops.softmax_cross_entropy_with_logits(precise, labels, name=scope)
        count = gen_ops.sub(rank, 1)
        cost = array_ops.reshape(cost, array_ops.slice(sizes, [0], [count]))
        if shape.ndims is not None:
            known = shape.as_list()
            del known[axis]
            cost.set_shape(known)
        return math_ops.cast(cost, dtypes.float16) if logits.dtype == dtypes.float16 else cost


def _move_last(x, axis):
    ndims = x.get_shape().ndims
    axis = axis % ndims
    return array_ops.transpose(x, [i for i in range(ndims) if i != axis] + [axis])


@tf_export("nn.softmax_cross_entropy_with_logits")
@deprecated(None, "Future major versions of TensorFlow will allow gradients to flow into the labels input on backprop "
                  "by default. See `tf.nn.softmax_cross_entropy_with_logits_v2`.")  # fmt: skip
def softmax_cross_entropy_with_logits(_sentinel=None, labels=None, logits=None, dim=-1, name=None, axis=None):
    """Cross-entropy of softmax(logits) to distributions; the labels get no gradient."""
    dim = deprecated_argument_lookup("axis", axis, "dim", None if axis is not None else dim)
    labels, logits = old_order.labels_and_logits("softmax_cross_entropy_with_logits", _sentinel, labels, logits)
    with ops.name_scope(name, "softmax_cross_entropy_with_logits_sg", [logits, labels]) as scope:
        labels = gen_ops.stop_gradient(labels, name="labels_stop_gradient")
    return _softmax_cross_entropy(labels, logits, dim, scope)


@tf_export("nn.sparse_softmax_cross_entropy_with_logits")
def sparse_softmax_cross_entropy_with_logits(_sentinel=None, labels=None, logits=None, name=None):
    """Cross-entropy of softmax(logits) to numbers of classes."""
    labels, logits = old_order.labels_and_logits("sparse_softmax_cross_entropy_with_logits", _sentinel, labels, logits)
    with ops.name_scope(name, "SparseSoftmaxCrossEntropyWithLogits", [labels, logits]):
        labels = ops.convert_to_tensor(labels)
        logits = ops.convert_to_tensor(logits)
        small = logits.dtype.base_dtype in (dtypes.float16, dtypes.bfloat16)
        precise = math_ops.cast(logits, dtypes.float32) if small else logits
        static = labels.get_shape()
        shape = array_ops.shape(labels)
        known = static.ndims is not None and logits.get_shape().ndims is not None
        if logits.get_shape().ndims == 0:
            raise ValueError(f"`logits` cannot be a scalar. Received logits={logits}`")
        if known and static.ndims != logits.get_shape().ndims - 1:
            raise ValueError(f"`labels.shape.rank` must equal `logits.shape.rank - 1`. Received: labels.shape={static} "
                             f"of rank {static.ndims} and logits.shape={logits.get_shape()} of rank "
                             f"{logits.get_shape().ndims}")  # fmt: skip
        if known and not static.is_compatible_with(logits.get_shape()[:-1]):
            raise ValueError(f"`labels.shape` must equal `logits.shape` except for the last dimension. Received: "
                             f"labels.shape={static} and logits.shape={logits.get_shape()}")  # fmt: skip
        if logits.get_shape().ndims == 2:
            cost, _ = gen_ops.sparse_softmax_cross_entropy_with_logits(precise, labels, name=name)
            return math_ops.cast(cost, logits.dtype) if small else cost
        classes = array_ops.shape(logits)[gen_ops.sub(array_ops.rank(logits), 1)]
        cost, _ = gen_ops.sparse_softmax_cross_entropy_with_logits(
            array_ops.reshape(precise, [-1, classes]), array_ops.reshape(labels, [-1]), name=name
        )
        cost = array_ops.reshape(cost, shape)
        cost.set_shape(static)
        return math_ops.cast(cost, logits.dtype) if small else cost


# --- the rest ---


def _noise_shape(x, noise_shape):
    if noise_shape is None:
        return array_ops.shape(x)
    if isinstance(noise_shape, ops.Tensor):
        return noise_shape
    from tenon.python.framework import tensor_shape

    sizes = tensor_shape.as_shape(noise_shape)
    known = x.get_shape()
    if known.ndims is not None and sizes.ndims is not None and len(sizes.as_list()) == known.ndims:
        merged = [known.as_list()[i] if d is None else d for i, d in enumerate(sizes.as_list())]
        return tensor_shape.TensorShape(merged)
    return noise_shape


@tf_export("nn.dropout")
def dropout(x, keep_prob=None, noise_shape=None, seed=None, name=None, rate=None):
    """x with elements set to zero at random, with probability RATE = 1 - KEEP_PROB; the rest is scaled up."""
    try:
        keep = 1 - keep_prob if keep_prob is not None else None
    except TypeError:
        raise ValueError(f"`keep_prob` must be a floating point number or Tensor. Received: "
                         f"keep_prob={keep_prob}") from None  # fmt: skip
    rate = deprecated_argument_lookup("rate", rate, "keep_prob", keep)
    if rate is None:
        raise ValueError(f"`rate` must be provided. Received: rate={rate}")
    return dropout_v2(x, rate, noise_shape=noise_shape, seed=seed, name=name)


def dropout_v2(x, rate, noise_shape=None, seed=None, name=None):
    """dropout whose second argument is the rate."""
    from tenon.python.ops import random_ops

    number = isinstance(rate, numbers.Real)
    if number and not 0 <= rate < 1:
        raise ValueError(f"`rate` must be a scalar tensor or a float in the range [0, 1). Received: rate={rate}")
    with ops.name_scope(name, "dropout", [x]) as scope:
        x = ops.convert_to_tensor(x, name="x")
        if not x.dtype.is_floating:
            raise ValueError(
                f"`x.dtype` must be a floating point tensor as `x` will be scaled. Received: x.dtype={x.dtype}"
            )
        if number and rate == 0:
            random_seed.get_seed(seed)  # as many seeds are used up as with another rate
            return x
        if number:
            scaled = x * ops.convert_to_tensor(1 / (1 - rate), dtype=x.dtype)
        else:
            rate = ops.convert_to_tensor(rate, dtype=x.dtype, name="rate")
            if rate.get_shape().ndims not in (None, 0):
                raise ValueError("`rate` must be a scalar tensor")
            if tensor_util.constant_value(rate) == 0:
                return x
            scaled = gen_ops.real_div(x, gen_ops.sub(ops.convert_to_tensor(1, dtype=x.dtype), rate))
        uniform = random_ops.random_uniform(_noise_shape(x, noise_shape), seed=seed, dtype=x.dtype)
        keep = gen_ops.greater_equal(uniform, rate)
        zero = ops.convert_to_tensor(0, dtype=x.dtype)
        result = gen_ops.select_v2(keep, scaled, zero, name=scope)
        result.set_shape(x.get_shape())
        return result


@tf_export("math.top_k", "nn.top_k")
def top_k(input, k=1, sorted=True, index_type=dtypes.int32, name=None):
    """(values, indices) of the K greatest in the last dimension."""
    from collections import namedtuple

    if index_type != dtypes.int32:
        values, indices = gen_ops.top_kv2(input, k=k, sorted=sorted, name=name)
        indices = math_ops.cast(indices, index_type)
    else:
        values, indices = gen_ops.top_kv2(input, k=k, sorted=sorted, name=name)
    return namedtuple("TopKV2", "values indices")(values, indices)


@tf_export("nn.in_top_k", "math.in_top_k")
def in_top_k(predictions, targets, k, name=None):
    """Whether each target class is among the K greatest predictions."""
    with ops.name_scope(name, "in_top_k") as scope:
        return gen_ops.in_top_kv2(predictions, targets, k, name=scope)


def nth_element(input, n, reverse=False, name=None):
    """The n-th smallest (greatest with REVERSE) in the last dimension."""
    input = ops.convert_to_tensor(input)
    values, _ = gen_ops.top_kv2(input if reverse else -input, gen_ops.add_v2(ops.convert_to_tensor(n), 1), name=name)
    return values[..., -1] if reverse else -values[..., -1]


from tenon.python.ops.nn_convolution import *  # noqa: E402, F403
from tenon.python.ops.nn_pooling import *  # noqa: E402, F403
