"""Recurrent networks over whole sequences: cells run step by step, in loops or unrolled."""

from tenon.python.framework import dtypes, ops, tensor_shape, tensor_util
from tenon.python.ops import array_ops, control_flow_ops, math_ops, rnn_cell_impl, tensor_array_ops
from tenon.python.ops import variable_scope as vs
from tenon.python.util import nest
from tenon.python.util.tf_export import tf_export

_concat = rnn_cell_impl._concat


def _transpose_batch_time(x):
    """[batch, time, ...] as [time, batch, ...] and back."""
    shape = x.get_shape()
    if shape.rank is not None and shape.rank < 2:
        raise ValueError(f"Expected input tensor {x.name} to have rank at least 2, but saw shape: {shape}")
    rank = array_ops.rank(x)
    order = array_ops.concat(([1, 0], math_ops.range(2, rank)), axis=0)
    turned = array_ops.transpose(x, order)
    if shape.rank is not None:
        turned.set_shape([shape.dims[1], shape.dims[0], *shape.dims[2:]])
    return turned


def _best_effort_input_batch_size(flat_input):
    for value in flat_input:
        shape = value.shape
        if shape.rank is None or shape.rank < 2:
            continue
        size = tensor_shape.dimension_value(shape[1])
        if size is not None:
            return size
    return array_ops.shape(flat_input[0])[1]


def _infer_state_dtype(explicit_dtype, state):
    if explicit_dtype is not None:
        return explicit_dtype
    if not nest.is_sequence(state):
        return state.dtype
    found = {element.dtype for element in nest.flatten(state)}
    if not found:
        raise ValueError("Unable to infer dtype from empty state.")
    if len(found) > 1:
        raise ValueError("State has tensors of different dtypes: no single one can be inferred.")
    return found.pop()


def _maybe_tensor_shape_from_tensor(shape):
    if isinstance(shape, ops.Tensor):
        return tensor_shape.as_shape(tensor_util.constant_value(shape))
    return shape


def _should_cache():
    """Whether the loop's variables are read from a cache: not within another loop."""
    context = ops.get_default_graph()._get_control_flow_context()
    while context is not None:
        if context.IsWhileContext():
            return False
        context = context.outer_context
    return True


def _cached(scope):
    if _should_cache() and scope.caching_device is None:
        scope.set_caching_device(lambda op: op.device)


def _rnn_step(time, sequence_length, min_length, max_length, zero_output, state, call_cell, state_size,
              skip_conditionals=False):  # fmt: skip
    """A step that keeps the state, and gives zeros, for the rows whose sequence has ended."""
    flat_state, flat_zero = nest.flatten(state), nest.flatten(zero_output)

    def copy_one(output, new_output):
        # Values that grow from step to step, and scalars, are not rows.
        if isinstance(output, tensor_array_ops.TensorArray) or output.shape.rank == 0:
            return new_output
        ended = math_ops.greater_equal(time, sequence_length)
        with ops.colocate_with(new_output):
            return array_ops.where(ended, output, new_output)

    def copy_some(flat_new_output, flat_new_state):
        made = [copy_one(zero, new) for zero, new in zip(flat_zero, flat_new_output)]
        return made + [copy_one(old, new) for old, new in zip(flat_state, flat_new_state)]

    def step():
        new_output, new_state = call_cell()
        nest.assert_same_structure(zero_output, new_output)
        nest.assert_same_structure(state, new_state)
        flat_new_output, flat_new_state = nest.flatten(new_output), nest.flatten(new_state)
        if skip_conditionals:
            return copy_some(flat_new_output, flat_new_state)
        return control_flow_ops.cond(
            time < min_length, lambda: flat_new_output + flat_new_state,
            lambda: copy_some(flat_new_output, flat_new_state),
        )  # fmt: skip

    if skip_conditionals:
        flat = step()
    else:
        flat = control_flow_ops.cond(time >= max_length, lambda: flat_zero + flat_state, step)
    if len(flat) != len(flat_zero) + len(flat_state):
        raise ValueError("Internal error: state and output were not concatenated correctly.")
    outputs, states = flat[: len(flat_zero)], flat[len(flat_zero) :]
    for new, old in zip(outputs + states, flat_zero + flat_state):
        if isinstance(new, ops.Tensor):
            new.set_shape(old.get_shape())
    return nest.pack_sequence_as(zero_output, outputs), nest.pack_sequence_as(state, states)


def _reverse_seq(input_seq, lengths):
    """A list of [batch, depth] tensors in reverse, each row as far as its length."""
    if lengths is None:
        return list(reversed(input_seq))
    flat_sequences = tuple(nest.flatten(item) for item in input_seq)
    results = [[] for _ in input_seq]
    for sequence in zip(*flat_sequences):
        shape = tensor_shape.unknown_shape(rank=sequence[0].get_shape().rank)
        for item in sequence:
            shape = shape.merge_with(item.get_shape())
            item.set_shape(shape)
        joined = array_ops.stack(sequence)
        turned = array_ops.reverse_sequence(joined, lengths, seq_axis=0, batch_axis=1)
        for result, item in zip(results, array_ops.unstack(turned)):
            item.set_shape(shape)
            result.append(item)
    return [nest.pack_sequence_as(structure=model, flat_sequence=flat) for model, flat in zip(input_seq, results)]


@tf_export("nn.dynamic_rnn")
def dynamic_rnn(cell, inputs, sequence_length=None, initial_state=None, dtype=None, parallel_iterations=None,
                swap_memory=False, time_major=False, scope=None):  # fmt: skip
    """Runs CELL in a loop over INPUTS [batch, time, ...] ([time, batch, ...]: TIME_MAJOR): (outputs, last state)."""
    rnn_cell_impl.assert_like_rnncell("cell", cell)
    with vs.variable_scope(scope or "rnn") as entered:
        _cached(entered)
        flat_input = [ops.convert_to_tensor(item) for item in nest.flatten(inputs)]
        if not time_major:
            flat_input = tuple(_transpose_batch_time(item) for item in flat_input)
        parallel_iterations = parallel_iterations or 32
        if sequence_length is not None:
            sequence_length = math_ops.cast(sequence_length, dtypes.int32)
            if sequence_length.get_shape().rank not in (None, 1):
                raise ValueError(
                    f"sequence_length must be a vector of length batch_size, not of shape {sequence_length.get_shape()}"
                )
            sequence_length = array_ops.identity(sequence_length, name="sequence_length")
        batch_size = _best_effort_input_batch_size(flat_input)
        if initial_state is not None:
            state = initial_state
        elif not dtype:
            raise ValueError("If there is no initial_state, you must give a dtype.")
        elif getattr(cell, "get_initial_state", None) is not None:
            state = cell.get_initial_state(inputs=None, batch_size=batch_size, dtype=dtype)
        else:
            state = cell.zero_state(batch_size, dtype)
        if sequence_length is not None:
            sequence_length = _checked_length(sequence_length, [batch_size])
        inputs = nest.pack_sequence_as(structure=inputs, flat_sequence=flat_input)
        outputs, final_state = _dynamic_rnn_loop(
            cell, inputs, state, parallel_iterations=parallel_iterations, swap_memory=swap_memory,
            sequence_length=sequence_length, dtype=dtype,
        )  # fmt: skip
        if not time_major:
            outputs = nest.map_structure(_transpose_batch_time, outputs)
        return outputs, final_state


def _checked_length(sequence_length, shape):
    """SEQUENCE_LENGTH after an assertion that it has one entry a row."""
    shape_of = array_ops.shape(sequence_length)
    packed = array_ops.stack(shape)
    check = control_flow_ops.Assert(
        math_ops.reduce_all(math_ops.equal(shape_of, packed)),
        [f"Expected shape for Tensor {sequence_length.name} is ", packed, " but saw shape: ", shape_of],
    )
    with ops.control_dependencies([check]):
        return array_ops.identity(sequence_length, name="CheckSeqLen")


def _loop_arrays(base_name, flat_input, flat_output_size, time_steps, dtype, const_batch_size):
    """The TensorArrays of outputs and inputs; the inputs' hold what is to come."""

    def create(name, element_shape, kind):
        return tensor_array_ops.TensorArray(
            dtype=kind, size=time_steps, element_shape=element_shape, tensor_array_name=base_name + name
        )

    outputs = tuple(
        create(f"output_{i}", tensor_shape.TensorShape([const_batch_size]).concatenate(
            _maybe_tensor_shape_from_tensor(tensor_shape.as_shape(size))), dtype)
        for i, size in enumerate(flat_output_size)
    )  # fmt: skip
    inputs = tuple(create(f"input_{i}", value.shape[1:], value.dtype) for i, value in enumerate(flat_input))
    return outputs, tuple(array.unstack(value) for array, value in zip(inputs, flat_input))


def _input_sizes(flat_input):
    """(time steps, batch size) as far as they are known; they must be the same for all inputs."""
    steps, batch = flat_input[0].get_shape().with_rank_at_least(2)[:2]
    for value in flat_input:
        shape = value.get_shape()
        if not shape[2:].is_fully_defined():
            raise ValueError("Input size (depth of inputs) must be accessible via shape inference, but saw value None.")
        if tensor_shape.dimension_value(steps) != tensor_shape.dimension_value(shape[0]):
            raise ValueError("Time steps is not the same for all the elements in the input in a batch.")
        if tensor_shape.dimension_value(batch) != tensor_shape.dimension_value(shape[1]):
            raise ValueError("Batch_size is not the same for all the elements in the input.")
    return tensor_shape.dimension_value(steps), tensor_shape.dimension_value(batch)


def _dynamic_rnn_loop(cell, inputs, initial_state, parallel_iterations, swap_memory, sequence_length=None, dtype=None):
    """The loop of dynamic_rnn over INPUTS [time, batch, ...]."""
    flat_input = nest.flatten(inputs)
    flat_output_size = nest.flatten(cell.output_size)
    time_steps = array_ops.shape(flat_input[0])[0]
    batch_size = _best_effort_input_batch_size(flat_input)
    const_time_steps, const_batch_size = _input_sizes(flat_input)
    out_dtype = _infer_state_dtype(dtype, initial_state)
    zeros = [array_ops.zeros(_concat(batch_size, size), out_dtype) for size in flat_output_size]
    zero_output = nest.pack_sequence_as(structure=cell.output_size, flat_sequence=zeros)
    if sequence_length is not None:
        min_length, max_length = math_ops.reduce_min(sequence_length), math_ops.reduce_max(sequence_length)
    else:
        max_length = time_steps
    time = array_ops.constant(0, dtype=dtypes.int32, name="time")
    with ops.name_scope("dynamic_rnn") as base_name:
        pass
    output_arrays, input_arrays = _loop_arrays(
        base_name, flat_input, flat_output_size, time_steps, out_dtype, const_batch_size
    )

    def time_step(time, arrays, state):
        values = tuple(array.read(time) for array in input_arrays)
        for value, whole in zip(values, flat_input):
            value.set_shape(whole.get_shape()[1:])
        step_input = nest.pack_sequence_as(structure=inputs, flat_sequence=values)

        def call_cell():
            return cell(step_input, state)

        if sequence_length is not None:
            output, new_state = _rnn_step(
                time=time, sequence_length=sequence_length, min_length=min_length, max_length=max_length,
                zero_output=zero_output, state=state, call_cell=call_cell, state_size=cell.state_size,
                skip_conditionals=True,
            )  # fmt: skip
        else:
            output, new_state = call_cell()
        arrays = tuple(array.write(time, value) for array, value in zip(arrays, nest.flatten(output)))
        return time + 1, arrays, new_state

    bound = math_ops.minimum(time_steps, math_ops.maximum(1, max_length))
    _, final_arrays, final_state = control_flow_ops.while_loop(
        cond=lambda time, *_: time < bound,
        body=time_step,
        loop_vars=(time, output_arrays, initial_state),
        parallel_iterations=parallel_iterations,
        maximum_iterations=time_steps,
        swap_memory=swap_memory,
    )
    final_outputs = tuple(array.stack() for array in final_arrays)
    for output, size in zip(final_outputs, flat_output_size):
        shape = tensor_shape.TensorShape([const_time_steps, const_batch_size]).concatenate(
            _maybe_tensor_shape_from_tensor(tensor_shape.as_shape(size))
        )
        output.set_shape(shape)
    return nest.pack_sequence_as(structure=cell.output_size, flat_sequence=final_outputs), final_state


@tf_export("nn.bidirectional_dynamic_rnn")
def bidirectional_dynamic_rnn(cell_fw, cell_bw, inputs, sequence_length=None, initial_state_fw=None,
                              initial_state_bw=None, dtype=None, parallel_iterations=None, swap_memory=False,
                              time_major=False, scope=None):  # fmt: skip
    """Two dynamic_rnn, one forward and one backward in time: ((outputs, outputs), (state, state))."""
    rnn_cell_impl.assert_like_rnncell("cell_fw", cell_fw)
    rnn_cell_impl.assert_like_rnncell("cell_bw", cell_bw)
    common = {"sequence_length": sequence_length, "dtype": dtype, "parallel_iterations": parallel_iterations,
              "swap_memory": swap_memory, "time_major": time_major}  # fmt: skip
    with vs.variable_scope(scope or "bidirectional_rnn"):
        with vs.variable_scope("fw") as fw_scope:
            output_fw, state_fw = dynamic_rnn(
                cell=cell_fw, inputs=inputs, initial_state=initial_state_fw, scope=fw_scope, **common
            )
        time_axis, batch_axis = (0, 1) if time_major else (1, 0)

        def reverse(value):
            if sequence_length is not None:
                return array_ops.reverse_sequence(
                    input=value, seq_lengths=sequence_length, seq_axis=time_axis, batch_axis=batch_axis
                )
            return array_ops.reverse(value, axis=[time_axis])

        with vs.variable_scope("bw") as bw_scope:
            reversed_inputs = nest.map_structure(reverse, inputs)
            turned, state_bw = dynamic_rnn(
                cell=cell_bw, inputs=reversed_inputs, initial_state=initial_state_bw, scope=bw_scope, **common
            )
    return (output_fw, nest.map_structure(reverse, turned)), (state_fw, state_bw)
