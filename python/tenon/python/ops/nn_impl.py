"""Losses of logits, moments, normalization, sampled losses."""

from tenon.python.deprecated import arguments as old_order
from tenon.python.framework import constant_op, dtypes, ops
from tenon.python.ops import array_ops, gen_ops, math_ops, nn_ops
from tenon.python.util.deprecation import deprecated_argument_lookup
from tenon.python.util.tf_export import tf_export


@tf_export("nn.log_poisson_loss")
def log_poisson_loss(targets, log_input, compute_full_loss=False, name=None):
    """exp(c) - z * c for log-predictions c and targets z; with Stirling's approximation when the full loss is asked."""
    with ops.name_scope(name, "log_poisson_loss", [log_input, targets]):
        log_input = ops.convert_to_tensor(log_input, name="log_input")
        targets = ops.convert_to_tensor(targets, name="targets")
        _same_shapes(targets, log_input, "`targets` and `log_input`")
        result = gen_ops.exp(log_input) - log_input * targets
        if compute_full_loss:
            point = constant_op.constant(0.5, dtype=targets.dtype)
            two_pi = constant_op.constant(6.283185307179586, dtype=targets.dtype)
            stirling = (targets * gen_ops.log(targets)) - targets + (point * gen_ops.log(two_pi * targets))
            zeros = array_ops.zeros_like(targets, dtype=targets.dtype)
            ones = array_ops.ones_like(targets, dtype=targets.dtype)
            keep = gen_ops.logical_and(targets >= zeros, targets <= ones)
            result += array_ops.where(keep, zeros, stirling)
        return result


def _same_shapes(a, b, what):
    try:
        a.get_shape().assert_is_compatible_with(b.get_shape())
    except ValueError:
        raise ValueError(f"{what} must have the same shape, received ({a.get_shape()} vs {b.get_shape()}).") from None


@tf_export("nn.sigmoid_cross_entropy_with_logits")
def sigmoid_cross_entropy_with_logits(_sentinel=None, labels=None, logits=None, name=None):
    """Cross-entropy of sigmoid(logits) to labels, elementwise."""
    labels, logits = old_order.labels_and_logits("sigmoid_cross_entropy_with_logits", _sentinel, labels, logits)
    with ops.name_scope(name, "logistic_loss", [logits, labels]) as scope:
        logits = ops.convert_to_tensor(logits, name="logits")
        labels = ops.convert_to_tensor(labels, name="labels")
        _same_shapes(labels, logits, "`logits` and `labels`")
        zeros = array_ops.zeros_like(logits, dtype=logits.dtype)
        positive = logits >= zeros
        relu = array_ops.where(positive, logits, zeros)
        negative = array_ops.where(positive, -logits, logits)
        return math_ops.add(relu - logits * labels, gen_ops.log1p(gen_ops.exp(negative)), name=scope)


@tf_export("nn.weighted_cross_entropy_with_logits")
def weighted_cross_entropy_with_logits(labels=None, logits=None, pos_weight=None, name=None, targets=None):
    """sigmoid_cross_entropy_with_logits that counts positive labels POS_WEIGHT times."""
    labels = deprecated_argument_lookup("labels", labels, "targets", targets)
    with ops.name_scope(name, "logistic_loss", [logits, labels]) as scope:
        logits = ops.convert_to_tensor(logits, name="logits")
        labels = ops.convert_to_tensor(labels, name="labels")
        _same_shapes(labels, logits, "`logits` and `labels`")
        weight = 1 + (pos_weight - 1) * labels
        return math_ops.add(
            (1 - labels) * logits,
            weight * (gen_ops.log1p(gen_ops.exp(-math_ops.abs(logits))) + gen_ops.relu(-logits)), name=scope,
        )  # fmt: skip


@tf_export("nn.relu_layer")
def relu_layer(x, weights, biases, name=None):
    """relu(x times weights plus biases)."""
    with ops.name_scope(name, "relu_layer", [x, weights, biases]) as scope:
        x = ops.convert_to_tensor(x, name="x")
        weights = ops.convert_to_tensor(weights, name="weights")
        biases = ops.convert_to_tensor(biases, name="biases")
        return gen_ops.relu(nn_ops.bias_add(math_ops.matmul(x, weights), biases), name=scope)


@tf_export("nn.swish", "nn.silu")
def swish(features, beta=1.0):
    """x * sigmoid(beta * x)."""
    features = ops.convert_to_tensor(features, name="features")
    beta = ops.convert_to_tensor(beta, name="beta", dtype=features.dtype)
    return features * math_ops.sigmoid(beta * features)


@tf_export("math.l2_normalize", "linalg.l2_normalize", "nn.l2_normalize")
def l2_normalize(x, axis=None, epsilon=1e-12, name=None, dim=None):
    """x / sqrt(max(sum(x^2), epsilon)) along AXIS."""
    axis = deprecated_argument_lookup("axis", axis, "dim", dim)
    with ops.name_scope(name, "l2_normalize", [x]) as scope:
        x = ops.convert_to_tensor(x, name="x")
        square_sum = math_ops.reduce_sum(gen_ops.square(x), axis, keepdims=True)
        return gen_ops.mul(x, gen_ops.rsqrt(gen_ops.maximum(square_sum, epsilon)), name=scope)


@tf_export("math.zero_fraction", "nn.zero_fraction")
def zero_fraction(value, name=None):
    """The part of the elements that is zero."""
    with ops.name_scope(name, "zero_fraction", [value]):
        value = ops.convert_to_tensor(value, name="value")
        size = array_ops.size(value, out_type=dtypes.int64)
        zeros = size - math_ops.count_nonzero(value, dtype=dtypes.int64)
        return math_ops.cast(zeros, dtypes.float32) / math_ops.cast(size, dtypes.float32)


# --- moments ---


@tf_export("nn.sufficient_statistics")
def sufficient_statistics(x, axes, shift=None, keep_dims=None, name=None, keepdims=None):
    """(number of elements, sum of x - shift, sum of (x - shift)^2, shift) along AXES."""
    keep = bool(deprecated_argument_lookup("keepdims", keepdims, "keep_dims", keep_dims))
    axes = list(dict.fromkeys(axes))
    with ops.name_scope(name, "sufficient_statistics", [x, shift]):
        x = ops.convert_to_tensor(x, name="x")
        known = x.get_shape()
        if known.ndims is not None and all(known.as_list()[d] is not None for d in axes):
            counts = 1
            for d in axes:
                counts *= known.as_list()[d]
            counts = constant_op.constant(counts, dtype=x.dtype)
        else:
            dims = array_ops.gather(math_ops.cast(array_ops.shape(x), x.dtype), axes)
            counts = math_ops.reduce_prod(dims, name="count")
        if shift is not None:
            shift = ops.convert_to_tensor(shift, name="shift")
            m_ss, v_ss = gen_ops.sub(x, shift), gen_ops.squared_difference(x, shift)
        else:
            m_ss, v_ss = x, gen_ops.square(x)
        m_ss = math_ops.reduce_sum(m_ss, axes, keepdims=keep, name="mean_ss")
        v_ss = math_ops.reduce_sum(v_ss, axes, keepdims=keep, name="var_ss")
        return counts, m_ss, v_ss, shift


@tf_export("nn.normalize_moments")
def normalize_moments(counts, mean_ss, variance_ss, shift, name=None):
    """(mean, variance) of sufficient statistics."""
    with ops.name_scope(name, "normalize", [counts, mean_ss, variance_ss, shift]):
        divisor = gen_ops.reciprocal(counts, name="divisor")
        if shift is not None:
            shifted = gen_ops.mul(mean_ss, divisor, name="shifted_mean")
            mean = math_ops.add(shifted, shift, name="mean")
        else:
            mean = shifted = gen_ops.mul(mean_ss, divisor, name="mean")
        variance = gen_ops.sub(gen_ops.mul(variance_ss, divisor), gen_ops.square(shifted), name="variance")
        return mean, variance


@tf_export("nn.moments")
def moments(x, axes, shift=None, name=None, keep_dims=None, keepdims=None):
    """(mean, variance) of x along AXES."""
    keep = bool(deprecated_argument_lookup("keepdims", keepdims, "keep_dims", keep_dims))
    with ops.name_scope(name, "moments", [x, axes]):
        x = ops.convert_to_tensor(x, name="x")
        y = math_ops.cast(x, dtypes.float32) if x.dtype == dtypes.float16 else x
        mean = math_ops.reduce_mean(y, axes, keepdims=True, name="mean")
        variance = math_ops.reduce_mean(
            gen_ops.squared_difference(y, gen_ops.stop_gradient(mean)), axes, keepdims=True, name="variance"
        )
        if not keep:
            mean = array_ops.squeeze(mean, axes)
            variance = array_ops.squeeze(variance, axes)
        if x.dtype == dtypes.float16:
            return math_ops.cast(mean, dtypes.float16), math_ops.cast(variance, dtypes.float16)
        return mean, variance


@tf_export("nn.weighted_moments")
def weighted_moments(x, axes, frequency_weights, name=None, keep_dims=None, keepdims=None):
    """(mean, variance) of x along AXES, each element counted as often as its weight says."""
    keep = bool(deprecated_argument_lookup("keepdims", keepdims, "keep_dims", keep_dims))
    with ops.name_scope(name, "weighted_moments", [x, frequency_weights, axes]):
        x = ops.convert_to_tensor(x, name="x")
        weights = ops.convert_to_tensor(frequency_weights, name="frequency_weights")
        small = x.dtype == dtypes.float16
        if small:
            x = math_ops.cast(x, dtypes.float32)
        weights = math_ops.cast(weights, x.dtype)
        weighted_sum = math_ops.reduce_sum(weights * x, axes, name="weighted_input_sum", keepdims=True)
        broadcast = weights + array_ops.zeros_like(x)
        total = math_ops.reduce_sum(broadcast, axes, name="sum_of_weights", keepdims=True)
        divisor = gen_ops.reciprocal(total, name="inv_weight_sum")
        mean = gen_ops.mul(weighted_sum, divisor)
        distance = math_ops.reduce_sum(
            gen_ops.mul(weights, gen_ops.squared_difference(x, mean)), axes, name="weighted_distsq", keepdims=True
        )
        variance = gen_ops.mul(distance, divisor)
        if not keep:
            mean, variance = array_ops.squeeze(mean, axes), array_ops.squeeze(variance, axes)
        if small:
            mean, variance = math_ops.cast(mean, dtypes.float16), math_ops.cast(variance, dtypes.float16)
        return mean, variance


@tf_export("nn.batch_normalization")
def batch_normalization(x, mean, variance, offset, scale, variance_epsilon, name=None):
    """(x - mean) / sqrt(variance + epsilon) * scale + offset."""
    with ops.name_scope(name, "batchnorm", [x, mean, variance, scale, offset]):
        inverse = gen_ops.rsqrt(variance + variance_epsilon)
        if scale is not None:
            inverse *= scale
        return x * math_ops.cast(inverse, x.dtype) + math_ops.cast(
            offset - mean * inverse if offset is not None else -mean * inverse, x.dtype
        )


@tf_export("nn.fused_batch_norm")
def fused_batch_norm(x, scale, offset, mean=None, variance=None, epsilon=0.001, data_format="NHWC", is_training=True,
                     name=None, exponential_avg_factor=1.0):  # fmt: skip
    """(normalized x, mean, variance) of pictures: of the batch when training, as given when not."""
    if (not is_training or exponential_avg_factor != 1.0) and (mean is None or variance is None):
        raise ValueError("Both `mean` and `variance` must be a 1D tensor when `is_training` is False or "
                         f"`exponential_avg_factor` != 1.0. Received: `mean` {mean!r} and `variance` "
                         f"{variance!r}")  # fmt: skip
    x = ops.convert_to_tensor(x, name="input")
    scale = ops.convert_to_tensor(scale, name="scale")
    offset = ops.convert_to_tensor(offset, name="offset")
    mean = constant_op.constant([], dtype=scale.dtype) if mean is None else mean
    variance = constant_op.constant([], dtype=scale.dtype) if variance is None else variance
    epsilon = max(epsilon, 1.001e-5)
    more = {} if exponential_avg_factor == 1.0 else {"exponential_avg_factor": exponential_avg_factor}
    results = gen_ops.fused_batch_norm_v3(x, scale, offset, mean, variance, epsilon=epsilon, data_format=data_format,
                                          is_training=is_training, name=name, **more)  # fmt: skip
    return results[0], results[1], results[2]


@tf_export("nn.batch_norm_with_global_normalization")
def batch_norm_with_global_normalization(t=None, m=None, v=None, beta=None, gamma=None, variance_epsilon=None,
                                         scale_after_normalization=None, name=None, input=None, mean=None,
                                         variance=None):  # fmt: skip
    """The old form of batch_normalization."""
    t = deprecated_argument_lookup("input", input, "t", t)
    m = deprecated_argument_lookup("mean", mean, "m", m)
    v = deprecated_argument_lookup("variance", variance, "v", v)
    return batch_normalization(t, m, v, beta, gamma if scale_after_normalization else None, variance_epsilon, name)


# --- sampled losses ---


def _sum_rows(x):
    """The sums of rows, as a product with ones: faster than a reduction."""
    columns = array_ops.shape(x)[1]
    ones = array_ops.ones(array_ops.stack([columns, 1]), x.dtype)
    return array_ops.reshape(math_ops.matmul(x, ones), [-1])


def _compute_sampled_logits(weights, biases, labels, inputs, num_sampled, num_classes, num_true=1, sampled_values=None,
                            subtract_log_q=True, remove_accidental_hits=False, partition_strategy="mod", name=None,
                            seed=None):  # fmt: skip
    """(logits, labels) of the true classes and of a sample of the others."""
    from tenon.python.ops import candidate_sampling_ops, embedding_ops, variables

    if isinstance(weights, variables.PartitionedVariable):
        weights = list(weights)
    if not isinstance(weights, list):
        weights = [weights]
    with ops.name_scope(name, "compute_sampled_logits", [*weights, biases, inputs, labels]):
        labels = math_ops.cast(labels, dtypes.int64)
        labels_flat = array_ops.reshape(labels, [-1])
        if sampled_values is None:
            sampled_values = candidate_sampling_ops.log_uniform_candidate_sampler(
                true_classes=labels, num_true=num_true, num_sampled=num_sampled, unique=True, range_max=num_classes,
                seed=seed,
            )  # fmt: skip
        sampled, true_expected, sampled_expected = (gen_ops.stop_gradient(s) for s in sampled_values)
        sampled = math_ops.cast(sampled, dtypes.int64)
        all_ids = array_ops.concat([labels_flat, sampled], 0)
        all_w = embedding_ops.embedding_lookup(weights, all_ids, partition_strategy=partition_strategy)
        all_w = math_ops.cast(all_w, inputs.dtype)
        count = array_ops.shape(labels_flat)[0]
        true_w = array_ops.slice(all_w, [0, 0], array_ops.stack([count, -1]))
        sampled_w = array_ops.slice(all_w, array_ops.stack([count, 0]), [-1, -1])
        sampled_logits = math_ops.matmul(inputs, sampled_w, transpose_b=True)
        all_b = embedding_ops.embedding_lookup(biases, all_ids, partition_strategy=partition_strategy)
        all_b = math_ops.cast(all_b, inputs.dtype)
        true_b = array_ops.slice(all_b, [0], array_ops.stack([count]))
        sampled_b = array_ops.slice(all_b, array_ops.stack([count]), [-1])
        dim = array_ops.shape(true_w)[1:2]
        new_shape = array_ops.concat([[-1, num_true], dim], 0)
        dots = gen_ops.mul(array_ops.expand_dims(inputs, 1), array_ops.reshape(true_w, new_shape))
        dots = array_ops.reshape(dots, array_ops.concat([[-1], dim], 0))
        true_logits = array_ops.reshape(_sum_rows(dots), [-1, num_true])
        true_b = array_ops.reshape(true_b, [-1, num_true])
        true_logits += true_b
        sampled_logits += sampled_b
        if remove_accidental_hits:
            sampled_logits = _without_hits(
                labels, sampled, num_true, num_sampled, sampled_logits, candidate_sampling_ops
            )
        if subtract_log_q:
            true_logits -= gen_ops.log(true_expected)
            sampled_logits -= gen_ops.log(sampled_expected)
        out_logits = array_ops.concat([true_logits, sampled_logits], 1)
        out_labels = array_ops.concat(
            [array_ops.ones_like(true_logits) / num_true, array_ops.zeros_like(sampled_logits)], 1
        )
        return out_logits, out_labels


def _without_hits(labels, sampled, num_true, num_sampled, sampled_logits, candidate_sampling_ops):
    """The logits with a very negative number added where the sample hit a true class."""
    rows, ids, weights = candidate_sampling_ops.compute_accidental_hits(labels, sampled, num_true=num_true)
    rows = array_ops.reshape(rows, [-1, 1])
    ids = array_ops.reshape(math_ops.cast(ids, dtypes.int32), [-1, 1])
    indices = array_ops.concat([rows, ids], 1, "sparse_indices")
    shape = array_ops.concat([array_ops.shape(labels)[:1], array_ops.expand_dims(num_sampled, 0)], 0)
    if sampled_logits.dtype != weights.dtype:
        weights = math_ops.cast(weights, sampled_logits.dtype)
    return sampled_logits + gen_ops.sparse_to_dense(
        indices, shape, weights, array_ops.zeros([], weights.dtype), validate_indices=False
    )


@tf_export("nn.nce_loss")
def nce_loss(weights, biases, labels, inputs, num_sampled, num_classes, num_true=1, sampled_values=None,
             remove_accidental_hits=False, partition_strategy="mod", name="nce_loss"):  # fmt: skip
    """Noise-contrastive estimation: the loss of telling true classes from a sample, for each example."""
    logits, labels = _compute_sampled_logits(
        weights=weights, biases=biases, labels=labels, inputs=inputs, num_sampled=num_sampled,
        num_classes=num_classes, num_true=num_true, sampled_values=sampled_values, subtract_log_q=True,
        remove_accidental_hits=remove_accidental_hits, partition_strategy=partition_strategy, name=name,
    )  # fmt: skip
    losses = sigmoid_cross_entropy_with_logits(labels=labels, logits=logits, name="sampled_losses")
    return _sum_rows(losses)


@tf_export("nn.sampled_softmax_loss")
def sampled_softmax_loss(weights, biases, labels, inputs, num_sampled, num_classes, num_true=1, sampled_values=None,
                         remove_accidental_hits=True, partition_strategy="mod", name="sampled_softmax_loss",
                         seed=None):  # fmt: skip
    """Softmax cross-entropy over the true classes and a sample of the others, for each example."""
    logits, labels = _compute_sampled_logits(
        weights=weights, biases=biases, labels=labels, inputs=inputs, num_sampled=num_sampled,
        num_classes=num_classes, num_true=num_true, sampled_values=sampled_values, subtract_log_q=True,
        remove_accidental_hits=remove_accidental_hits, partition_strategy=partition_strategy, name=name, seed=seed,
    )  # fmt: skip
    labels = gen_ops.stop_gradient(labels, name="labels_stop_gradient")
    return nn_ops.softmax_cross_entropy_with_logits_v2(labels=labels, logits=logits)


@tf_export("nn.compute_average_loss")
def compute_average_loss(per_example_loss, sample_weight=None, global_batch_size=None):
    """The sum of (weighted) losses over the size of the batch."""
    losses = ops.convert_to_tensor(per_example_loss)
    if sample_weight is not None:
        losses = losses * math_ops.cast(sample_weight, losses.dtype)
    size = array_ops.shape(losses)[0] if global_batch_size is None else global_batch_size
    return math_ops.reduce_sum(losses) / math_ops.cast(size, losses.dtype)


@tf_export("nn.scale_regularization_loss")
def scale_regularization_loss(regularization_loss):
    """The sum of regularization losses (over one replica)."""
    return math_ops.reduce_sum(regularization_loss)
