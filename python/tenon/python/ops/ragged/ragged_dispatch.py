"""Which public functions take ragged tensors, and what they do with them; scripts/gen_api.py reads the table.

"flat": the function of the flat values; "pair": of the elements of two, with broadcasting; "list": of the flat values
of a list of tensors; anything else names the function here that takes its place, as module:attribute.
"""

from importlib import import_module

from tenon.python.ops.ragged import ragged_functional_ops

TF_DISPATCH = {
    "flat": (
        "identity ones_like zeros_like check_numerics clip_by_value bitwise.invert math.abs math.acos math.acosh "
        "math.angle math.asin math.asinh math.atan math.atanh cast math.ceil math.conj math.cos math.cosh "
        "math.digamma math.erf math.erfc math.exp math.expm1 math.floor math.imag math.is_finite math.is_inf "
        "math.is_nan math.lgamma math.log math.log1p math.log_sigmoid math.logical_not math.negative math.real "
        "math.reciprocal math.rint math.round math.rsqrt saturate_cast math.sigmoid math.sign math.sin math.sinh "
        "math.sqrt math.square math.tan math.tanh nn.relu nn.relu6 nn.elu nn.selu nn.leaky_relu nn.dropout "
        "stop_gradient one_hot bitcast io.decode_compressed io.decode_base64 io.encode_base64 io.decode_raw "
        "strings.to_number strings.to_hash_bucket strings.to_hash_bucket_fast strings.to_hash_bucket_strong "
        "strings.as_string strings.regex_full_match strings.regex_replace strings.strip strings.substr "
        "strings.length strings.lower strings.upper strings.unicode_script strings.unicode_transcode "
        "nn.embedding_lookup debugging.check_numerics"
    ),
    "pair": (
        "bitwise.bitwise_and bitwise.bitwise_or bitwise.bitwise_xor bitwise.left_shift bitwise.right_shift math.add "
        "math.atan2 complex math.divide_no_nan math.divide div math.equal math.floordiv math.floormod floor_div "
        "math.greater math.greater_equal math.less math.less_equal math.logical_and math.logical_or math.logical_xor "
        "math.maximum math.minimum math.multiply math.not_equal math.pow realdiv math.squared_difference "
        "math.subtract math.truediv truncatediv truncatemod math.mod"
    ),
    "list": "math.add_n strings.join",
    "ragged_array_ops:expand_dims": "expand_dims",
    "ragged_array_ops:rank": "rank",
    "ragged_array_ops:size": "size",
    "ragged_array_ops:squeeze": "squeeze",
    "ragged_array_ops:tile": "tile",
    "ragged_array_ops:where": "where",
    "ragged_array_ops:where_v2": "where_v2",
    "ragged_concat_ops:concat": "concat",
    "ragged_concat_ops:stack": "stack",
    "ragged_gather_ops:batch_gather": "batch_gather",
    "ragged_gather_ops:gather": "gather",
    "ragged_gather_ops:gather_nd": "gather_nd",
    "ragged_math_ops:reduce_all": "math.reduce_all",
    "ragged_math_ops:reduce_any": "math.reduce_any",
    "ragged_math_ops:reduce_max": "math.reduce_max",
    "ragged_math_ops:reduce_mean": "math.reduce_mean",
    "ragged_math_ops:reduce_min": "math.reduce_min",
    "ragged_math_ops:reduce_prod": "math.reduce_prod",
    "ragged_math_ops:reduce_std": "math.reduce_std",
    "ragged_math_ops:reduce_sum": "math.reduce_sum",
    "ragged_math_ops:reduce_variance": "math.reduce_variance",
    "ragged_string_ops:reduce_join": "strings.reduce_join",
    "segment": (
        "math.unsorted_segment_max math.unsorted_segment_min math.unsorted_segment_prod math.unsorted_segment_sum "
        "strings.unsorted_segment_join"
    ),
    "ragged_math_ops:segment_mean": "math.unsorted_segment_mean",
    "ragged_math_ops:segment_sqrt_n": "math.unsorted_segment_sqrt_n",
}


def _two(function, args, kwargs):
    """The first two arguments of FUNCTION, however they were given, and the others by name."""
    import inspect

    bound = inspect.signature(function).bind(*args, **kwargs).arguments
    first, second = list(bound)[:2]
    return bound[first], bound[second], {k: v for k, v in bound.items() if k not in (first, second)}


def call(function, how, args, kwargs):
    """FUNCTION of arguments some of which are ragged."""
    if how == "flat":
        return ragged_functional_ops.map_flat_values(function, *args, **kwargs)
    if how == "pair":
        x, y, rest = _two(function, args, kwargs)
        return ragged_functional_ops.binary(function, x, y, **rest)
    if how == "list":
        kwargs = dict(kwargs)
        tensors = args[0] if args else kwargs.pop("inputs")
        if len(args) > 1:
            kwargs["separator"] = args[1]
        return ragged_functional_ops.many(function, tensors, **kwargs)
    if how == "segment":
        from tenon.python.ops.ragged import ragged_math_ops

        data, ids, rest = _two(function, args, kwargs)
        return ragged_math_ops.segment_aggregate(function, data, ids, rest.pop("num_segments"), **rest)
    module, attribute = how.split(":")
    return getattr(import_module(f"tenon.python.ops.ragged.{module}"), attribute)(*args, **kwargs)
