"""Monotonic attention (Raffel et al., 2017, arXiv 1704.00784)."""

from tenon.python.framework import ops
from tenon.python.ops import array_ops, clip_ops, functional_ops, math_ops
from tenon.python.util.tf_export import tf_export


@tf_export("contrib.seq2seq.safe_cumprod")
def safe_cumprod(x, *args, **kwargs):
    """cumprod by logarithms, with values clipped so that none is zero."""
    with ops.name_scope(None, "SafeCumprod", [x]):
        x = ops.convert_to_tensor(x, name="x")
        tiny = x.dtype.as_numpy_dtype(1e-38 if x.dtype.name == "float32" else 1e-300)
        return math_ops.exp(math_ops.cumsum(math_ops.log(clip_ops.clip_by_value(x, tiny, 1)), *args, **kwargs))


@tf_export("contrib.seq2seq.monotonic_attention")
def monotonic_attention(p_choose_i, previous_attention, mode):
    """Attention [batch, time] from the probabilities of choosing each entry; MODE: recursive, parallel or hard."""
    p_choose_i = ops.convert_to_tensor(p_choose_i, name="p_choose_i")
    previous_attention = ops.convert_to_tensor(previous_attention, name="previous_attention")
    if mode == "recursive":
        batch = array_ops.shape(p_choose_i)[0]
        shifted = array_ops.concat([array_ops.ones((batch, 1)), 1 - p_choose_i[:, :-1]], 1)
        scanned = functional_ops.scan(
            lambda x, yz: array_ops.reshape(yz[0] * x + yz[1], (batch,)),
            [array_ops.transpose(shifted), array_ops.transpose(previous_attention)],
            array_ops.zeros((batch,)),
        )
        return p_choose_i * array_ops.transpose(scanned)
    if mode == "parallel":
        passed = safe_cumprod(1 - p_choose_i, axis=1, exclusive=True)
        ratio = previous_attention / clip_ops.clip_by_value(passed, 1e-10, 1.0)
        return p_choose_i * passed * math_ops.cumsum(ratio, axis=1)
    if mode == "hard":
        p_choose_i *= math_ops.cumsum(previous_attention, axis=1)
        return p_choose_i * math_ops.cumprod(1 - p_choose_i, axis=1, exclusive=True)
    raise ValueError("mode must be 'recursive', 'parallel', or 'hard'.")
