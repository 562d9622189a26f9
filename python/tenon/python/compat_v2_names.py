"""tf.compat.v2: the functions that there are under the names and with the arguments of TensorFlow 2.

A name of tf.compat.v2 is, in this order: a function of OWN; one of SIGNATURES, that calls version 1's of its name with
its arguments by name; a namespace; what version 1 has under that name, unless version 2 has it no more (ABSENT).
"""

import functools
import inspect

from tenon import _namespace

SIGNATURES = """
ones zeros | shape, dtype=tf.float32, name=None
fill | dims, value, name=None
argmax argmin math.argmax math.argmin | input, axis=None, output_type=tf.int64, name=None
assert_equal assert_greater assert_less debugging.assert_equal debugging.assert_greater debugging.assert_greater_equal debugging.assert_less debugging.assert_less_equal | x, y, message=None, summarize=None, name=None
assert_rank debugging.assert_rank debugging.assert_rank_at_least | x, rank, message=None, name=None
batch_to_space | input, block_shape, crops, name=None
boolean_mask | tensor, mask, axis=None, name='boolean_mask'
cond | pred, true_fn=None, false_fn=None, name=None
constant | value, dtype=None, shape=None, name='Const'
convert_to_tensor | value, dtype=None, dtype_hint=None, name=None
debugging.assert_all_finite | x, message, name=None
debugging.assert_near | x, y, rtol=None, atol=None, message=None, summarize=None, name=None
debugging.assert_negative debugging.assert_non_negative debugging.assert_non_positive debugging.assert_positive | x, message=None, summarize=None, name=None
debugging.assert_none_equal | x, y, summarize=None, message=None, name=None
debugging.assert_rank_in | x, ranks, message=None, name=None
debugging.assert_scalar | tensor, message=None, name=None
expand_dims | input, axis, name=None
gather | params, indices, validate_indices=None, axis=None, batch_dims=0, name=None
gather_nd | params, indices, batch_dims=0, name=None
gradients | ys, xs, grad_ys=None, name='gradients', gate_gradients=False, aggregation_method=None, stop_gradients=None, unconnected_gradients='none'
hessians | ys, xs, gate_gradients=False, aggregation_method=None, name='hessians'
image.crop_and_resize | image, boxes, box_indices, crop_size, method='bilinear', extrapolation_value=0, name=None
image.draw_bounding_boxes | images, boxes, colors, name=None
io.decode_csv | records, record_defaults, field_delim=',', use_quote_delim=True, na_value='', select_cols=None, name=None
io.parse_example io.parse_single_example | serialized, features, example_names=None, name=None
io.serialize_many_sparse io.serialize_sparse | sp_input, out_type=tf.string, name=None
math.confusion_matrix | labels, predictions, num_classes=None, weights=None, dtype=tf.int32, name=None
math.count_nonzero | input, axis=None, keepdims=None, dtype=tf.int64, name=None
math.log_softmax math.softmax nn.log_softmax nn.softmax | logits, axis=None, name=None
nn.avg_pool nn.max_pool | input, ksize, strides, padding, data_format=None, name=None
nn.avg_pool2d | input, ksize, strides, padding, data_format='NHWC', name=None
nn.batch_norm_with_global_normalization | input, mean, variance, beta, gamma, variance_epsilon, scale_after_normalization, name=None
nn.conv1d | input, filters, stride, padding, data_format='NWC', dilations=None, name=None
nn.conv2d | input, filters, strides, padding, data_format='NHWC', dilations=None, name=None
nn.conv2d_transpose | input, filters, output_shape, strides, padding='SAME', data_format='NHWC', dilations=None, name=None
nn.conv3d | input, filters, strides, padding, data_format='NDHWC', dilations=None, name=None
nn.conv3d_transpose | input, filters, output_shape, strides, padding='SAME', data_format='NDHWC', dilations=None, name=None
nn.convolution | input, filters, strides=None, padding='VALID', data_format=None, dilations=None, name=None
nn.crelu | features, axis=-1, name=None
nn.ctc_beam_search_decoder | inputs, sequence_length, beam_width=100, top_paths=1
nn.depth_to_space nn.space_to_depth | input, block_size, data_format='NHWC', name=None
nn.depthwise_conv2d | input, filter, strides, padding, data_format=None, dilations=None, name=None
nn.dropout | x, rate, noise_shape=None, seed=None, name=None
nn.fractional_avg_pool nn.fractional_max_pool | value, pooling_ratio, pseudo_random=False, overlapping=False, seed=0, name=None
nn.max_pool_with_argmax | input, ksize, strides, padding, data_format='NHWC', output_dtype=tf.int64, include_batch_in_index=False, name=None
nn.moments nn.sufficient_statistics | x, axes, shift=None, keepdims=False, name=None
nn.pool | input, window_shape, pooling_type, strides=None, padding='VALID', data_format=None, dilations=None, name=None
nn.separable_conv2d | input, depthwise_filter, pointwise_filter, strides, padding, data_format=None, dilations=None, name=None
nn.sigmoid_cross_entropy_with_logits | labels=None, logits=None, name=None
nn.softmax_cross_entropy_with_logits | labels, logits, axis=-1, name=None
nn.sparse_softmax_cross_entropy_with_logits | labels, logits, name=None
nn.weighted_cross_entropy_with_logits | labels, logits, pos_weight, name=None
nn.weighted_moments | x, axes, frequency_weights, keepdims=False, name=None
norm linalg.norm | tensor, ord='euclidean', axis=None, keepdims=None, name=None
pad | tensor, paddings, mode='CONSTANT', constant_values=0, name=None
random.poisson | shape, lam, dtype=tf.float32, seed=None, name=None
reduce_all reduce_any reduce_logsumexp reduce_max reduce_mean reduce_min reduce_prod reduce_sum math.reduce_all math.reduce_any math.reduce_logsumexp math.reduce_max math.reduce_mean math.reduce_min math.reduce_prod math.reduce_sum | input_tensor, axis=None, keepdims=False, name=None
reverse_sequence | input, seq_lengths, seq_axis=None, batch_axis=None, name=None
shape size | input, out_type=tf.int32, name=None
space_to_batch nn.space_to_batch | input, block_shape, paddings, name=None
sparse.add | a, b, threshold=0
sparse.concat | axis, sp_inputs, expand_nonconcat_dims=False, name=None
sparse.segment_mean sparse.segment_sqrt_n sparse.segment_sum | data, indices, segment_ids, num_segments=None, name=None, sparse_gradient=False
sparse.split | sp_input=None, num_split=None, axis=None, name=None
squeeze | input, axis=None, name=None
strings.length | input, unit='BYTE', name=None
strings.reduce_join | inputs, axis=None, keepdims=False, separator='', name=None
strings.substr | input, pos, len, unit='BYTE', name=None
strings.to_hash_bucket | input, num_buckets, name=None
strings.to_number | input, out_type=tf.float32, name=None
transpose | a, perm=None, conjugate=False, name='transpose'
tuple | tensors, control_inputs=None, name=None
"""  # noqa: E501

# What stands elsewhere in version 1.
OWN = {
    "GradientTape": "python.eager.backprop:GradientTape",
    "Variable": "python.compat_v2_functions:Variable",
    "device": "python.compat_v2_functions:device",
    "function": "python.eager.def_function:function",
    "random.set_seed": "python.framework.random_seed:set_random_seed",
    "math.in_top_k": "python.compat_v2_functions:in_top_k",
    "nn.in_top_k": "python.compat_v2_functions:in_top_k",
    "nn.embedding_lookup": "python.compat_v2_functions:embedding_lookup",
    "nn.embedding_lookup_sparse": "python.compat_v2_functions:embedding_lookup_sparse",
    "strings.split": "python.compat_v2_functions:strings_split",
    "where": "python.compat_v2_functions:where",
    "while_loop": "python.compat_v2_functions:while_loop",
    "zeros_like": "python.compat_v2_functions:zeros_like",
    "ones_like": "python.compat_v2_functions:ones_like",
}
ALIASES = {"optimizers": "keras.optimizers", "losses": "keras.losses", "metrics": "keras.metrics",
           "initializers": "keras.initializers"}  # fmt: skip
ABSENT = set(
    """
AUTO_REUSE AttrValue COMPILER_VERSION CXX11_ABI_FLAG CXX_VERSION ConditionalAccumulator ConditionalAccumulatorBase
ConfigProto Dimension Event FIFOQueue FixedLenFeature FixedLenSequenceFeature FixedLengthRecordReader GIT_VERSION
GPUOptions GRAPH_DEF_VERSION GRAPH_DEF_VERSION_MIN_CONSUMER GRAPH_DEF_VERSION_MIN_PRODUCER GraphDef GraphKeys
GraphOptions HistogramProto IdentityReader InteractiveSession LMDBReader LogMessage MONOLITHIC_BUILD MetaGraphDef
NameAttrList NoGradient NodeDef NotDifferentiable OpError OptimizerOptions PaddingFIFOQueue Print PriorityQueue
QUANTIZED_DTYPES QueueBase RandomShuffleQueue ReaderBase RunMetadata RunOptions Session SessionLog
SparseConditionalAccumulator SparseFeature SparseTensorValue Summary SummaryMetadata TFRecordReader TensorInfo
TextLineReader VERSION VarLenFeature VariableScope WholeFileReader accumulate_n add_check_numerics_ops
add_to_collection add_to_collections all_variables angle arg_max arg_min assert_greater_equal assert_integer
assert_less_equal assert_near assert_negative assert_non_negative assert_non_positive assert_none_equal
assert_positive assert_proper_iterable assert_rank_at_least assert_rank_in assert_same_float_dtype assert_scalar
assert_type assert_variables_initialized assign assign_add assign_sub batch_gather batch_scatter_update
batch_to_space_nd betainc bincount ceil check_numerics cholesky cholesky_solve clip_by_average_norm colocate_with
confusion_matrix conj container control_flow_v2_enabled convert_to_tensor_or_indexed_slices
convert_to_tensor_or_sparse_tensor count_nonzero count_up_to create_partitioned_variables cross cumprod
debugging.is_finite debugging.is_inf debugging.is_nan debugging.is_non_decreasing debugging.is_strictly_increasing
decode_base64 decode_compressed decode_csv decode_json_example decode_raw delete_session_tensor depth_to_space
dequantize deserialize_many_sparse diag diag_part digamma dimension_at_index dimension_value disable_control_flow_v2
disable_eager_execution disable_resource_variables disable_tensor_equality disable_v2_behavior
disable_v2_tensorshape div div_no_nan enable_control_flow_v2 enable_eager_execution enable_resource_variables
enable_tensor_equality enable_v2_behavior enable_v2_tensorshape encode_base64 erf erfc
executing_eagerly_outside_functions expm1 extract_image_patches fake_quant_with_min_max_args
fake_quant_with_min_max_args_gradient fake_quant_with_min_max_vars fake_quant_with_min_max_vars_gradient
fake_quant_with_min_max_vars_per_channel fake_quant_with_min_max_vars_per_channel_gradient fft fft2d fft3d
fixed_size_partitioner floor_div floordiv floormod get_collection get_collection_ref get_default_graph
get_default_session get_local_variable get_seed get_session_handle get_session_tensor get_variable
get_variable_scope global_norm global_variables global_variables_initializer glorot_normal_initializer
glorot_uniform_initializer ifft ifft2d ifft3d igamma igammac imag image.extract_image_patches image.resize_area
image.resize_bicubic image.resize_bilinear image.resize_image_with_crop_or_pad image.resize_image_with_pad
image.resize_images image.resize_nearest_neighbor image.transpose_image initialize_all_tables
initialize_all_variables initialize_local_variables initialize_variables invert_permutation io.PaddingFIFOQueue
io.PriorityQueue io.QueueBase io.RandomShuffleQueue io.TFRecordCompressionType io.tf_record_iterator is_finite
is_inf is_nan is_non_decreasing is_numeric_tensor is_strictly_increasing is_variable_initialized lbeta lgamma
lin_space linalg.transpose load_file_system_library local_variables local_variables_initializer log log1p
log_sigmoid logical_xor make_template matching_files matrix_band_part matrix_determinant matrix_diag
matrix_diag_part matrix_inverse matrix_set_diag matrix_solve matrix_solve_ls matrix_transpose
matrix_triangular_solve min_max_variable_partitioner mod model_variables moving_average_variables multinomial
nn.avg_pool_v2 nn.bidirectional_dynamic_rnn nn.conv2d_backprop_filter nn.conv2d_backprop_input
nn.conv3d_backprop_filter nn.conv3d_backprop_filter_v2 nn.ctc_beam_search_decoder_v2 nn.ctc_loss_v2
nn.depthwise_conv2d_native nn.depthwise_conv2d_native_backprop_filter nn.depthwise_conv2d_native_backprop_input
nn.dynamic_rnn nn.fused_batch_norm nn.log_uniform_candidate_sampler nn.max_pool_v2 nn.quantized_avg_pool
nn.quantized_conv2d nn.quantized_max_pool nn.quantized_relu_x nn.raw_rnn nn.relu_layer
nn.softmax_cross_entropy_with_logits_v2 nn.static_bidirectional_rnn nn.static_rnn nn.static_state_saving_rnn
nn.uniform_candidate_sampler nn.xw_plus_b no_regularizer op_scope orthogonal_initializer parse_example
parse_single_example parse_single_sequence_example parse_tensor placeholder placeholder_with_default polygamma
py_func qr quantize quantize_v2 quantized_concat ragged.RaggedTensorValue ragged.constant_value ragged.placeholder
random.get_seed random.multinomial random.set_random_seed random.stateless_multinomial random_crop random_gamma
random_normal random_poisson random_shuffle random_uniform read_file real reciprocal reduce_join regex_replace
report_uninitialized_variables reset_default_graph resource_variables_enabled reverse_v2 rint rsqrt scatter_add
scatter_div scatter_max scatter_min scatter_mul scatter_nd_add scatter_nd_sub scatter_nd_update scatter_sub
scatter_update segment_max segment_mean segment_min segment_prod segment_sum self_adjoint_eig self_adjoint_eigvals
serialize_many_sparse serialize_sparse serialize_tensor set_random_seed setdiff1d sets.set_difference
sets.set_intersection sets.set_size sets.set_union space_to_depth sparse.SparseConditionalAccumulator sparse.matmul
sparse.merge sparse.placeholder sparse.reduce_max_sparse sparse.reduce_sum_sparse sparse_add sparse_concat
sparse_fill_empty_rows sparse_mask sparse_matmul sparse_maximum sparse_merge sparse_minimum sparse_placeholder
sparse_reduce_max sparse_reduce_max_sparse sparse_reduce_sum sparse_reduce_sum_sparse sparse_reorder
sparse_reset_shape sparse_reshape sparse_retain sparse_segment_mean sparse_segment_sqrt_n sparse_segment_sum
sparse_slice sparse_softmax sparse_split sparse_tensor_dense_matmul sparse_tensor_to_dense sparse_to_dense
sparse_to_indicator sparse_transpose squared_difference string_join string_split string_strip string_to_hash_bucket
string_to_hash_bucket_fast string_to_hash_bucket_strong string_to_number substr svd tables_initializer
tensor_scatter_add tensor_scatter_sub tensor_scatter_update to_bfloat16 to_complex128 to_complex64 to_double
to_float to_int32 to_int64 trace trainable_variables truncated_normal truncated_normal_initializer
uniform_unit_scaling_initializer unsorted_segment_max unsorted_segment_mean unsorted_segment_min
unsorted_segment_prod unsorted_segment_sqrt_n unsorted_segment_sum variable_axis_size_partitioner variable_op_scope
variable_scope variables_initializer variance_scaling_initializer verify_tensor_all_finite where_v2 wrap_function
write_file zeta
""".split()
)

_signatures = {}
_made = {}


def namespace_of(space):
    """The namespace of version 1 that SPACE of version 2 is a view of, None if there is none."""
    first, _, rest = space.partition(".")
    space = ALIASES.get(first, first) + ("." + rest if rest else "")
    return space if not space or space in _namespace.NAMES else None


def names(space):
    """The public names in SPACE of version 2."""
    lead = space + "." if space else ""
    own = {key[len(lead) :] for key in (*OWN, *_table()) if key.startswith(lead)}
    own |= set() if space else set(ALIASES)
    old = {name for name in _namespace.names(namespace_of(space)) if lead + name not in ABSENT}
    return sorted(old | {name for name in own if "." not in name})


def _table():
    if not _signatures:
        for line in filter(None, SIGNATURES.split("\n")):
            found, signature = line.split(" | ")
            _signatures.update(dict.fromkeys(found.split(), signature))
    return _signatures


def lookup(space, name):
    """What is called NAME in SPACE of version 2; AttributeError."""
    from importlib import import_module

    full = f"{space}.{name}" if space else name
    if full in OWN:
        module, attribute = OWN[full].split(":")
        return getattr(import_module(f"tenon.{module}"), attribute)
    if full in _table():
        if full not in _made:
            _made[full] = _adapted(name, getattr(import_module(_old(space)), name), _table()[full])
        return _made[full]
    if namespace_of(full) is not None:
        return import_module(f"tenon.compat.v2.{full}")
    if full in ABSENT:
        raise AttributeError(f"module 'tenon.compat.v2' has no attribute '{full}': it is one of TensorFlow 1's")
    return getattr(import_module(_old(space)), name)


def _old(space):
    """The module of version 1 that SPACE is a view of."""
    return "tenon." + namespace_of(space) if space else "tenon"


def _adapted(name, function, signature):
    """FUNCTION with SIGNATURE, a text: it gets its arguments by their names, but those that are None by default."""
    import tenon

    parameters = [part.split("=")[0].strip() for part in signature.split(", ")]
    scope = {"tf": tenon}
    exec(f"def {name}({signature}):\n    return _call(locals())", scope)
    defaults = scope[name].__defaults__ or ()
    optional = set(parameters[len(parameters) - len(defaults) :])

    old = inspect.signature(function).parameters
    # What version 1 has under an older name and must be given.
    renamed = {new: name for new, name in (("input", "value"), ("filters", "filter"))
               if new in parameters and name in old and name not in parameters
               and old[name].default is inspect.Parameter.empty}  # fmt: skip

    def call(given):
        return function(**{renamed.get(k, k): v for k, v in given.items() if v is not None or k not in optional})

    scope["_call"] = call
    made = functools.update_wrapper(scope[name], function, ("__module__", "__doc__"), ())
    del made.__wrapped__
    return made
