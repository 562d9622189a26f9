"""The functions of tensors in keras.backend."""

import numpy as np

import tenon as tf
from tenon.python.keras import backend as K
from tenon.python.keras.utils import generic_utils

TF_NAMESPACES = ("keras.backend",)


def _taking(function, *names, **defaults):
    """FUNCTION with the argument names that Keras gives it."""

    def call(*args, **kwargs):
        given = call.__signature__.bind(*args, **kwargs)
        given.apply_defaults()
        return function(*given.args)

    generic_utils.set_signature(call, names, defaults)
    call.__doc__ = function.__doc__
    return call


abs = _taking(tf.abs, "x")
sign = _taking(tf.sign, "x")
exp = _taking(tf.exp, "x")
log = _taking(tf.log, "x")
square = _taking(tf.square, "x")
round = _taking(tf.round, "x")
sin = _taking(tf.sin, "x")
cos = _taking(tf.cos, "x")
tanh = _taking(tf.tanh, "x")
sigmoid = _taking(tf.sigmoid, "x")
softplus = _taking(tf.nn.softplus, "x")
softsign = _taking(tf.nn.softsign, "x")
equal = _taking(tf.equal, "x", "y")
not_equal = _taking(tf.not_equal, "x", "y")
greater = _taking(tf.greater, "x", "y")
greater_equal = _taking(tf.greater_equal, "x", "y")
less = _taking(tf.less, "x", "y")
less_equal = _taking(tf.less_equal, "x", "y")
maximum = _taking(tf.maximum, "x", "y")
minimum = _taking(tf.minimum, "x", "y")
pow = _taking(tf.pow, "x", "a")
stop_gradient = _taking(tf.stop_gradient, "variables")
shape = _taking(tf.shape, "x")
tile = _taking(tf.tile, "x", "n")
stack = _taking(tf.stack, "x", axis=0)
reshape = _taking(tf.reshape, "x", "shape")
identity = _taking(tf.identity, "x", name=None)
cast = _taking(tf.cast, "x", "dtype")


def sqrt(x):
    """The square root; zero for what is negative."""
    return tf.sqrt(tf.clip_by_value(x, tf.constant(0.0, x.dtype.base_dtype), tf.constant(np.inf, x.dtype.base_dtype)))


def ndim(x):
    """The rank."""
    return x.shape.ndims


def dtype(x):
    """The name of the dtype."""
    return x.dtype.base_dtype.name


def zeros(shape, dtype=None, name=None):
    """A variable of zeros (a tensor where the shape is not known)."""
    value = tf.zeros(shape, dtype=dtype or K.floatx(), name=name)
    return K.variable(value, dtype=dtype, name=name) if value.shape.is_fully_defined() else value


def ones(shape, dtype=None, name=None):
    """A variable of ones (a tensor where the shape is not known)."""
    value = tf.ones(shape, dtype=dtype or K.floatx(), name=name)
    return K.variable(value, dtype=dtype, name=name) if value.shape.is_fully_defined() else value


def eye(size, dtype=None, name=None):
    """A variable with the unit matrix."""
    return K.variable(tf.eye(size, dtype=tf.as_dtype(dtype or K.floatx())), dtype, name)


def zeros_like(x, dtype=None, name=None):
    """Zeros of the shape of X."""
    return tf.zeros_like(x, dtype=dtype, name=name)


def ones_like(x, dtype=None, name=None):
    """Ones of the shape of X."""
    return tf.ones_like(x, dtype=dtype, name=name)


def random_uniform_variable(shape, low, high, dtype=None, name=None, seed=None):
    """A variable with uniform first values."""
    seed = np.random.randint(10000000) if seed is None else seed
    return K.variable(tf.random_uniform(shape, low, high, dtype or K.floatx(), seed=seed), dtype, name)


def random_normal_variable(shape, mean, scale, dtype=None, name=None, seed=None):
    """A variable with normal first values."""
    seed = np.random.randint(10000000) if seed is None else seed
    return K.variable(tf.random_normal(shape, mean, scale, dtype or K.floatx(), seed=seed), dtype, name)


def dot(x, y):
    """The product; of higher ranks over the last axis of X and the second to last of Y."""
    if x.shape.ndims is not None and (x.shape.ndims > 2 or y.shape.ndims > 2):
        x_shape = [d if d is not None else tf.shape(x)[i] for i, d in enumerate(K.int_shape(x))]
        y_shape = [d if d is not None else tf.shape(y)[i] for i, d in enumerate(K.int_shape(y))]
        rank = len(y_shape)
        axes = [rank - 2, *(i for i in range(rank) if i != rank - 2)] if rank > 1 else [0]
        xt = tf.reshape(x, [-1, x_shape[-1]])
        yt = tf.reshape(tf.transpose(y, axes), [y_shape[-2], -1])
        return tf.reshape(tf.matmul(xt, yt), x_shape[:-1] + y_shape[:-2] + y_shape[-1:])
    if K.is_sparse(x):
        return tf.sparse.matmul(x, y)
    return tf.matmul(x, y)


def batch_dot(x, y, axes=None):
    """Products of samples over one axis of each."""
    a, b = x.shape.ndims, y.shape.ndims
    if isinstance(axes, int):
        axes = (axes, axes)
    if axes is None:
        axes = [a - 1, b - 1] if b == 2 else [a - 1, b - 2]
    ax, ay = (i % n for i, n in zip(axes, (a, b)))
    letters = "bcdefghijklm"
    left = "a" + letters[: a - 1]
    right = "a" + "nopqrstuvwxyz"[: b - 1]
    right = right[:ay] + left[ax] + right[ay + 1 :]
    result = "a" + left[1:].replace(left[ax], "") + right[1:].replace(left[ax], "")
    out = tf.einsum(f"{left},{right}->{result}", x, y)
    return tf.expand_dims(out, 1) if out.shape.ndims == 1 else out


def transpose(x):
    """The axes in reverse."""
    return tf.transpose(x)


def gather(reference, indices):
    """Rows by their numbers."""
    return tf.gather(reference, indices)


def _float(x):
    return tf.cast(x, K.floatx()) if x.dtype.base_dtype == tf.bool else x


def max(x, axis=None, keepdims=False):
    """The greatest along axes."""
    return tf.reduce_max(x, axis, keepdims)


def min(x, axis=None, keepdims=False):
    """The least along axes."""
    return tf.reduce_min(x, axis, keepdims)


def sum(x, axis=None, keepdims=False):
    """The sum along axes."""
    return tf.reduce_sum(x, axis, keepdims)


def prod(x, axis=None, keepdims=False):
    """The product along axes."""
    return tf.reduce_prod(x, axis, keepdims)


def mean(x, axis=None, keepdims=False):
    """The mean along axes."""
    return tf.reduce_mean(_float(x), axis, keepdims)


def var(x, axis=None, keepdims=False):
    """The variance along axes."""
    x = _float(x)
    return tf.reduce_mean(tf.square(x - tf.reduce_mean(x, axis, True)), axis, keepdims)


def std(x, axis=None, keepdims=False):
    """The standard deviation along axes."""
    return tf.sqrt(var(x, axis, keepdims))


def any(x, axis=None, keepdims=False):
    """Whether some are true along axes."""
    return tf.reduce_any(tf.cast(x, tf.bool), axis, keepdims)


def all(x, axis=None, keepdims=False):
    """Whether all are true along axes."""
    return tf.reduce_all(tf.cast(x, tf.bool), axis, keepdims)


def logsumexp(x, axis=None, keepdims=False):
    """log(sum(exp(x)))."""
    return tf.reduce_logsumexp(x, axis, keepdims)


def cumsum(x, axis=0):
    """Running sums."""
    return tf.cumsum(x, axis=axis)


def cumprod(x, axis=0):
    """Running products."""
    return tf.cumprod(x, axis=axis)


def argmax(x, axis=-1):
    """Where the greatest are."""
    return tf.argmax(x, axis)


def argmin(x, axis=-1):
    """Where the least are."""
    return tf.argmin(x, axis)


def clip(x, min_value, max_value):
    """X within two bounds."""
    if isinstance(min_value, (int, float)) and isinstance(max_value, (int, float)) and max_value < min_value:
        max_value = min_value
    return tf.clip_by_value(x, -np.inf if min_value is None else min_value, np.inf if max_value is None else max_value)


def normalize_batch_in_training(x, gamma, beta, reduction_axes, epsilon=1e-3):
    """(x normalized by its own moments, mean, variance)."""
    mean_, variance = tf.nn.moments(x, list(reduction_axes), keep_dims=True)
    shape_ = tf.shape(mean_)
    gamma, beta = (None if p is None else tf.reshape(p, shape_) for p in (gamma, beta))
    y = tf.nn.batch_normalization(x, mean_, variance, beta, gamma, epsilon)
    return y, tf.squeeze(mean_, list(reduction_axes)), tf.squeeze(variance, list(reduction_axes))


def batch_normalization(x, mean, var, beta, gamma, axis=-1, epsilon=1e-3):
    """X normalized by given moments."""
    return tf.nn.batch_normalization(x, mean, var, beta, gamma, epsilon)


def concatenate(tensors, axis=-1):
    """Tensors put together along an axis."""
    if axis < 0:
        axis = axis % (tensors[0].shape.ndims or 1)
    return tf.concat([K.to_dense(x) for x in tensors], axis)


def permute_dimensions(x, pattern):
    """The axes in another order."""
    return tf.transpose(x, perm=pattern)


def resize_images(x, height_factor, width_factor, data_format, interpolation="nearest"):
    """Images made larger by whole factors."""
    first = data_format == "channels_first"
    rows, columns = (2, 3) if first else (1, 2)
    known = x.shape[rows].value, x.shape[columns].value
    if None in known:
        size = tf.shape(x)[rows : columns + 1] * tf.constant([height_factor, width_factor], tf.int32)
    else:
        size = tf.constant([known[0] * height_factor, known[1] * width_factor], tf.int32)
    if first:
        x = tf.transpose(x, [0, 2, 3, 1])
    if interpolation not in ("nearest", "bilinear"):
        raise ValueError('interpolation should be one of "nearest" or "bilinear".')
    x = _resize(x, size, interpolation)
    return tf.transpose(x, [0, 3, 1, 2]) if first else x


def _resize(x, size, interpolation):
    from tenon.python.ops import gen_ops

    op = gen_ops.resize_nearest_neighbor if interpolation == "nearest" else gen_ops.resize_bilinear
    return op(x, size, half_pixel_centers=True)


def resize_volumes(x, depth_factor, height_factor, width_factor, data_format):
    """Volumes made larger by whole factors."""
    axes = (2, 3, 4) if data_format == "channels_first" else (1, 2, 3)
    for axis, factor in zip(axes, (depth_factor, height_factor, width_factor)):
        x = repeat_elements(x, factor, axis)
    return x


def repeat_elements(x, rep, axis):
    """Each element REP times along an axis."""
    static = K.int_shape(x)
    axis %= len(static)
    if static[axis] is not None:
        return tf.concat([s for s in tf.split(x, static[axis], axis) for _ in range(rep)], axis)
    wide = tf.tile(tf.expand_dims(x, axis + 1), [rep if i == axis + 1 else 1 for i in range(len(static) + 1)])
    factor = tf.constant([rep if i == axis else 1 for i in range(len(static))], tf.int32)
    y = tf.reshape(wide, tf.shape(x) * factor)
    y.set_shape(static)
    return y


def repeat(x, n):
    """A 2-D tensor N times along a new second axis."""
    return tf.tile(tf.expand_dims(x, 1), tf.stack([1, n, 1]))


def arange(start, stop=None, step=1, dtype="int32"):
    """A range of numbers."""
    if stop is None and start < 0:
        start = 0
    result = tf.range(start, limit=stop, delta=step)
    return result if dtype == "int32" else tf.cast(result, dtype)


def flatten(x):
    """All in one axis."""
    return tf.reshape(x, [-1])


def batch_flatten(x):
    """All but the first axis in one."""
    return tf.reshape(x, tf.stack([-1, prod(tf.shape(x)[1:])]))


def expand_dims(x, axis=-1):
    """One more axis."""
    return tf.expand_dims(x, axis)


def squeeze(x, axis):
    """One axis of size one less."""
    return tf.squeeze(x, [axis])


def temporal_padding(x, padding=(1, 1)):
    """Zeros around the middle axis of a 3-D tensor."""
    return tf.pad(x, [[0, 0], list(padding), [0, 0]])


def _pad(x, padding, data_format):
    pads = [list(p) for p in padding]
    return tf.pad(x, [[0, 0], [0, 0], *pads] if data_format == "channels_first" else [[0, 0], *pads, [0, 0]])


def spatial_2d_padding(x, padding=((1, 1), (1, 1)), data_format=None):
    """Zeros around images."""
    return _pad(x, padding, data_format or K.image_data_format())


def spatial_3d_padding(x, padding=((1, 1), (1, 1), (1, 1)), data_format=None):
    """Zeros around volumes."""
    return _pad(x, padding, data_format or K.image_data_format())


def one_hot(indices, num_classes):
    """Numbers as rows with a one."""
    return tf.one_hot(indices, depth=num_classes, axis=-1)


def reverse(x, axes):
    """The other way round along axes."""
    return tf.reverse(x, [axes] if isinstance(axes, int) else axes)


def relu(x, alpha=0.0, max_value=None, threshold=0):
    """max(x, 0), with a slope below THRESHOLD and a bound above."""
    if alpha != 0.0:
        if max_value is None and threshold == 0:
            return tf.nn.leaky_relu(x, alpha=alpha)
        negative = tf.nn.relu(-x + threshold) if threshold != 0 else tf.nn.relu(-x)
    clipped = max_value is not None
    if threshold != 0:
        x = x * tf.cast(tf.greater(x, threshold), x.dtype)
    elif max_value == 6:
        x, clipped = tf.nn.relu6(x), False
    else:
        x = tf.nn.relu(x)
    if clipped:
        x = tf.clip_by_value(x, tf.constant(0, x.dtype), tf.constant(max_value, x.dtype))
    if alpha != 0.0:
        x -= alpha * negative
    return x


def elu(x, alpha=1.0):
    """x where it is positive, alpha * (exp(x) - 1) elsewhere."""
    result = tf.nn.elu(x)
    return result if alpha == 1 else tf.where(x > 0, result, alpha * result)


def softmax(x, axis=-1):
    """Exponentials that sum to one."""
    return tf.nn.softmax(x, axis=axis)


def hard_sigmoid(x):
    """0.2 x + 0.5 within 0 and 1."""
    x = tf.constant(0.2, x.dtype.base_dtype) * x + tf.constant(0.5, x.dtype.base_dtype)
    return tf.clip_by_value(x, 0.0, 1.0)


def _logits(output, kind):
    """What went into the softmax or sigmoid that made OUTPUT, None if none did."""
    if isinstance(output, tf.Tensor) and output.op.type == kind:
        return output.op.inputs[0]
    return None


def categorical_crossentropy(target, output, from_logits=False, axis=-1):
    """-sum(target * log(output))."""
    logits = output if from_logits else _logits(output, "Softmax")
    if logits is not None:
        return tf.nn.softmax_cross_entropy_with_logits_v2(labels=target, logits=logits, axis=axis)
    output = output / tf.reduce_sum(output, axis, True)
    e = tf.constant(K.epsilon(), output.dtype.base_dtype)
    output = tf.clip_by_value(output, e, 1.0 - e)
    return -tf.reduce_sum(target * tf.log(output), axis)


def sparse_categorical_crossentropy(target, output, from_logits=False, axis=-1):
    """-log(output[target])."""
    logits = output if from_logits else _logits(output, "Softmax")
    if logits is None:
        e = tf.constant(K.epsilon(), output.dtype.base_dtype)
        logits = tf.log(tf.clip_by_value(output, e, 1 - e))
    rank = logits.shape.ndims
    if axis % rank != rank - 1:
        axis %= rank
        logits = tf.transpose(logits, [i for i in range(rank) if i != axis] + [axis])
    static = logits.shape
    labels = tf.reshape(tf.cast(target, tf.int64), [-1])
    result = tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=labels, logits=tf.reshape(logits, [-1, tf.shape(logits)[-1] if static[-1].value is None else
                                                  static[-1].value])
    )  # fmt: skip
    return tf.reshape(result, tf.shape(logits)[:-1]) if rank >= 3 else result


def binary_crossentropy(target, output, from_logits=False):
    """-target * log(output) - (1 - target) * log(1 - output)."""
    logits = output if from_logits else _logits(output, "Sigmoid")
    if logits is not None:
        return tf.nn.sigmoid_cross_entropy_with_logits(labels=target, logits=logits)
    e = tf.constant(K.epsilon(), output.dtype.base_dtype)
    output = tf.clip_by_value(output, e, 1.0 - e)
    return -(target * tf.log(output + e) + (1 - target) * tf.log(1 - output + e))


def dropout(x, level, noise_shape=None, seed=None):
    """Zeros at random, the others scaled."""
    seed = np.random.randint(10000000) if seed is None else seed
    return tf.nn.dropout(x, rate=level, noise_shape=noise_shape, seed=seed)


def l2_normalize(x, axis=None):
    """Of length one along an axis."""
    return tf.nn.l2_normalize(x, axis)


def in_top_k(predictions, targets, k):
    """Whether targets are among the k greatest predictions."""
    return tf.nn.in_top_k(predictions, targets, k)


def random_normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
    """Normal random numbers."""
    seed = np.random.randint(10000000) if seed is None else seed
    return tf.random_normal(shape, mean, stddev, dtype or K.floatx(), seed=seed)


def random_uniform(shape, minval=0.0, maxval=1.0, dtype=None, seed=None):
    """Uniform random numbers."""
    seed = np.random.randint(10000000) if seed is None else seed
    return tf.random_uniform(shape, minval, maxval, dtype or K.floatx(), seed=seed)


def random_binomial(shape, p=0.0, dtype=None, seed=None):
    """Ones with probability P, zeros else."""
    dtype = dtype or K.floatx()
    return tf.where(random_uniform(shape, dtype=dtype, seed=seed) <= p, tf.ones(shape, dtype), tf.zeros(shape, dtype))


random_bernoulli = random_binomial


def truncated_normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
    """Normal random numbers within two standard deviations."""
    seed = np.random.randint(10000000) if seed is None else seed
    return tf.truncated_normal(shape, mean, stddev, dtype or K.floatx(), seed=seed)


def bias_add(x, bias, data_format=None):
    """X and a bias for each channel."""
    data_format = data_format or K.image_data_format()
    if bias.shape.ndims == 1:
        return tf.nn.bias_add(x, bias, data_format="NCHW" if data_format == "channels_first" else "NHWC")
    shape_ = bias.shape.as_list()
    if data_format == "channels_first":
        shape_ = shape_[-1:] + shape_[:-1]
    return x + tf.reshape(bias, [1, *shape_])


def map_fn(fn, elems, name=None, dtype=None):
    """FN of each row."""
    return tf.map_fn(fn, elems, name=name, dtype=dtype)


def foldl(fn, elems, initializer=None, name=None):
    """Rows folded from the first on."""
    return tf.foldl(fn, elems, initializer=initializer, name=name)


def foldr(fn, elems, initializer=None, name=None):
    """Rows folded from the last on."""
    return tf.foldr(fn, elems, initializer=initializer, name=name)


def ctc_label_dense_to_sparse(labels, label_lengths):
    """Padded labels as a sparse tensor."""
    inside = tf.sequence_mask(label_lengths, tf.shape(labels)[1])
    indices = tf.where(inside)
    return tf.SparseTensor(indices, tf.gather_nd(labels, indices), tf.cast(tf.shape(labels), tf.int64))


def ctc_batch_cost(y_true, y_pred, input_length, label_length):
    """The CTC loss of each sample."""
    label_length, input_length = (tf.cast(tf.squeeze(n, -1), tf.int32) for n in (label_length, input_length))
    labels = tf.cast(ctc_label_dense_to_sparse(y_true, label_length), tf.int32)
    inputs = tf.log(tf.transpose(y_pred, [1, 0, 2]) + K.epsilon())
    return tf.expand_dims(tf.nn.ctc_loss(inputs=inputs, labels=labels, sequence_length=input_length), 1)


def ctc_decode(y_pred, input_length, greedy=True, beam_width=100, top_paths=1):
    """(decoded labels, log probabilities)."""
    inputs = tf.log(tf.transpose(y_pred, [1, 0, 2]) + K.epsilon())
    length = tf.cast(input_length, tf.int32)
    if greedy:
        decoded, scores = tf.nn.ctc_greedy_decoder(inputs=inputs, sequence_length=length)
    else:
        decoded, scores = tf.nn.ctc_beam_search_decoder(inputs=inputs, sequence_length=length, beam_width=beam_width,
                                                        top_paths=top_paths)  # fmt: skip
    return [tf.sparse.to_dense(d, default_value=-1) for d in decoded], scores
