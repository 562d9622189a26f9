"""Values kept within bounds, tensors within a length."""

from tenon.python.framework import constant_op, ops
from tenon.python.ops import array_ops, gen_ops, math_ops
from tenon.python.util.deprecation import deprecated
from tenon.python.util.tf_export import tf_export


@tf_export("clip_by_value")
def clip_by_value(t, clip_value_min, clip_value_max, name=None):
    """min(max(t, clip_value_min), clip_value_max)."""
    with ops.name_scope(name, "clip_by_value", [t, clip_value_min, clip_value_max]) as scope:
        values = ops.convert_to_tensor(t.values if isinstance(t, ops.IndexedSlices) else t, name="t")
        lower = gen_ops.minimum(values, clip_value_max)
        values.get_shape().merge_with(lower.get_shape())
        result = gen_ops.maximum(lower, clip_value_min, name=scope)
        values.get_shape().merge_with(result.get_shape())
        if isinstance(t, ops.IndexedSlices):
            return ops.IndexedSlices(result, t.indices, t.dense_shape)
        return result


@tf_export("clip_by_norm")
def clip_by_norm(t, clip_norm, axes=None, name=None):
    """t * clip_norm / |t| where |t| (along AXES) is more than clip_norm."""
    with ops.name_scope(name, "clip_by_norm", [t, clip_norm]) as scope:
        values = ops.convert_to_tensor(t.values if isinstance(t, ops.IndexedSlices) else t, name="t")
        squares = math_ops.reduce_sum(values * values, axes, keepdims=True)
        positive = squares > 0
        safe = array_ops.where(positive, squares, array_ops.ones_like(squares))
        length = array_ops.where(positive, gen_ops.sqrt(safe), squares)
        intermediate = values * clip_norm
        values.get_shape().merge_with(intermediate.get_shape())
        result = array_ops.identity(intermediate / gen_ops.maximum(length, clip_norm), name=scope)
        if isinstance(t, ops.IndexedSlices):
            return ops.IndexedSlices(result, t.indices, t.dense_shape)
        return result


@tf_export("linalg.global_norm", "global_norm")
def global_norm(t_list, name=None):
    """sqrt(sum of |t|^2) over a list of tensors (None is left out)."""
    if not isinstance(t_list, (list, tuple)):
        raise TypeError(f"`t_list` should be a sequence of tensors. Received {type(t_list)}.")
    with ops.name_scope(name, "global_norm", [t for t in t_list if t is not None]):
        values = [
            ops.convert_to_tensor(t.values if isinstance(t, ops.IndexedSlices) else t, name=f"t_{i}")
            for i, t in enumerate(t_list) if t is not None
        ]  # fmt: skip
        halves = []
        for v in values:
            with ops.colocate_with(v):
                halves.append(gen_ops.l2_loss(v))
        half = math_ops.reduce_sum(array_ops.stack(halves))
        return gen_ops.sqrt(half * constant_op.constant(2.0, dtype=half.dtype), name="global_norm")


@tf_export("clip_by_global_norm")
def clip_by_global_norm(t_list, clip_norm, use_norm=None, name=None):
    """(the tensors times clip_norm / max(global norm, clip_norm), the global norm)."""
    if not isinstance(t_list, (list, tuple)):
        raise TypeError(f"`t_list` should be a sequence of tensors. Received {type(t_list)}.")
    t_list = list(t_list)
    if use_norm is None:
        use_norm = global_norm(t_list, name)
    with ops.name_scope(name, "clip_by_global_norm", [t for t in t_list if t is not None] + [clip_norm]) as scope:
        one = constant_op.constant(1.0, dtype=use_norm.dtype)
        scale_for_finite = clip_norm * gen_ops.minimum(1.0 / use_norm, one / clip_norm)
        scale = scale_for_finite + (use_norm - use_norm)  # not a number where the norm is infinite
        clipped = []
        for i, t in enumerate(t_list):
            if t is None:
                clipped.append(None)
                continue
            values = ops.convert_to_tensor(t.values if isinstance(t, ops.IndexedSlices) else t, name=f"t_{i}")
            with ops.colocate_with(values):
                value = array_ops.identity(values * math_ops.cast(scale, values.dtype), name=f"{scope}_{i}")
            if isinstance(t, ops.IndexedSlices):
                value = ops.IndexedSlices(value, t.indices, t.dense_shape)
            clipped.append(value)
        return clipped, use_norm


@tf_export("clip_by_average_norm")
@deprecated(None, "clip_by_average_norm is deprecated in TensorFlow 2.0. Please use clip_by_norm(t, clip_norm * "
                  "tf.cast(tf.size(t), tf.float32), name) instead.")  # fmt: skip
def clip_by_average_norm(t, clip_norm, name=None):
    """t * clip_norm / (|t| / n) where the average |t| / n is more than clip_norm."""
    with ops.name_scope(name, "clip_by_average_norm", [t, clip_norm]) as scope:
        t = ops.convert_to_tensor(t, name="t")
        count = math_ops.cast(array_ops.size(t), t.dtype)
        inverse = gen_ops.rsqrt(math_ops.reduce_sum(t * t, math_ops.range(array_ops.rank(t))))
        return array_ops.identity(
            t * clip_norm * gen_ops.minimum(inverse * count, constant_op.constant(1.0, dtype=t.dtype) / clip_norm),
            name=scope,
        )
