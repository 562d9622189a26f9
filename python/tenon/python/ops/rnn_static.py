"""Recurrent networks unrolled into the graph, and the loop whose every step is the caller's."""

from tenon.python.framework import dtypes, ops, tensor_shape
from tenon.python.ops import array_ops, control_flow_ops, math_ops, rnn, rnn_cell_impl, tensor_array_ops
from tenon.python.ops import variable_scope as vs
from tenon.python.util import nest
from tenon.python.util.tf_export import tf_export


def _fixed_batch_size(inputs):
    """The batch size that the steps' static shapes tell, None if none does; all shapes must agree."""
    first = inputs[0]
    while nest.is_sequence(first):
        first = first[0]
    if first.get_shape().rank == 1:
        return None
    shape = first.get_shape().with_rank_at_least(2)
    fixed = shape.dims[0] if shape.rank is not None else tensor_shape.Dimension(None)
    for value in nest.flatten(inputs):
        size = value.get_shape()
        if size.rank is None:
            continue
        size = size.with_rank_at_least(2)
        fixed = fixed.merge_with(size.dims[0])
        for i, depth in enumerate(size[1:].as_list()):
            if depth is None:
                raise ValueError(f"Input size (dimension {i} of inputs) must be known, but saw None.")
    return tensor_shape.dimension_value(fixed)


def _zero_outputs(cell, batch_size, dtype, fixed):
    """A structure of zeros like what CELL gives, for sequences that have ended."""

    def zeros(size):
        made = array_ops.zeros(rnn_cell_impl._concat(batch_size, size), dtype)
        made.set_shape(tensor_shape.TensorShape([fixed]).concatenate(tensor_shape.as_shape(size)))
        return made

    flat = [zeros(size) for size in nest.flatten(cell.output_size)]
    return nest.pack_sequence_as(structure=cell.output_size, flat_sequence=flat)


@tf_export("nn.static_rnn", "contrib.rnn.static_rnn", "nn.rnn")
def static_rnn(cell, inputs, initial_state=None, dtype=None, sequence_length=None, scope=None):
    """Runs a copy of CELL for each of the list INPUTS of [batch, depth] tensors: (list of outputs, last state)."""
    rnn_cell_impl.assert_like_rnncell("cell", cell)
    if not nest.is_sequence(inputs):
        raise TypeError("inputs must be a sequence")
    if not inputs:
        raise ValueError("inputs must not be empty")
    outputs = []
    with vs.variable_scope(scope or "rnn") as entered:
        rnn._cached(entered)
        fixed = _fixed_batch_size(inputs)
        first = nest.flatten(inputs[0])[0]
        batch_size = fixed if fixed is not None else array_ops.shape(first)[0]
        if initial_state is not None:
            state = initial_state
        elif not dtype:
            raise ValueError("If no initial_state is provided, dtype must be specified")
        else:
            state = cell.zero_state(batch_size, dtype)
        if sequence_length is not None:
            sequence_length = ops.convert_to_tensor(sequence_length, name="sequence_length")
            if sequence_length.get_shape().rank not in (None, 1):
                raise ValueError("sequence_length must be a vector of length batch_size")
            zero_output = _zero_outputs(cell, batch_size, rnn._infer_state_dtype(dtype, state), fixed)
            sequence_length = math_ops.cast(sequence_length, dtypes.int32)
            min_length = math_ops.reduce_min(sequence_length)
            max_length = math_ops.reduce_max(sequence_length)
        for time, value in enumerate(inputs):
            if time > 0:
                entered.reuse_variables()
            if sequence_length is not None:
                output, state = rnn._rnn_step(
                    time=time, sequence_length=sequence_length, min_length=min_length, max_length=max_length,
                    zero_output=zero_output, state=state, call_cell=lambda v=value, s=state: cell(v, s),
                    state_size=cell.state_size,
                )  # fmt: skip
            else:
                output, state = cell(value, state)
            outputs.append(output)
        return outputs, state


@tf_export("nn.static_state_saving_rnn", "contrib.rnn.static_state_saving_rnn")
def static_state_saving_rnn(cell, inputs, state_saver, state_name, sequence_length=None, scope=None):
    """static_rnn whose state begins as STATE_SAVER.state(name) tells and is saved at the end."""
    state_size = cell.state_size
    nested = nest.is_sequence(state_size)
    if nested != nest.is_sequence(state_name):
        raise ValueError("state_name should be the same type as cell.state_size")
    names = nest.flatten(state_name)
    if nested and len(names) != len(nest.flatten(state_size)):
        raise ValueError("number of elements in state_name and cell.state_size differ")
    if nested:
        initial = nest.pack_sequence_as(structure=state_size, flat_sequence=[state_saver.state(n) for n in names])
    else:
        initial = state_saver.state(state_name)
    outputs, state = static_rnn(cell, inputs, initial_state=initial, sequence_length=sequence_length, scope=scope)
    saves = [state_saver.save_state(name, value) for name, value in zip(names, nest.flatten(state))]
    with ops.control_dependencies(saves):
        last = [array_ops.identity(value) for value in nest.flatten(outputs[-1])]
        outputs[-1] = nest.pack_sequence_as(structure=outputs[-1], flat_sequence=last)
    return outputs, state


@tf_export("nn.static_bidirectional_rnn", "contrib.rnn.static_bidirectional_rnn", "nn.bidirectional_rnn")
def static_bidirectional_rnn(cell_fw, cell_bw, inputs, initial_state_fw=None, initial_state_bw=None, dtype=None,
                             sequence_length=None, scope=None):  # fmt: skip
    """Two static_rnn, forward and backward: (outputs joined along the last axis, state forward, state backward)."""
    rnn_cell_impl.assert_like_rnncell("cell_fw", cell_fw)
    rnn_cell_impl.assert_like_rnncell("cell_bw", cell_bw)
    if not nest.is_sequence(inputs):
        raise TypeError("inputs must be a sequence")
    if not inputs:
        raise ValueError("inputs must not be empty")
    with vs.variable_scope(scope or "bidirectional_rnn"):
        with vs.variable_scope("fw") as fw_scope:
            output_fw, state_fw = static_rnn(cell_fw, inputs, initial_state_fw, dtype, sequence_length, scope=fw_scope)
        with vs.variable_scope("bw") as bw_scope:
            turned = rnn._reverse_seq(inputs, sequence_length)
            output_bw, state_bw = static_rnn(cell_bw, turned, initial_state_bw, dtype, sequence_length, scope=bw_scope)
    output_bw = rnn._reverse_seq(output_bw, sequence_length)
    joined = tuple(array_ops.concat([fw, bw], 1) for fw, bw in zip(nest.flatten(output_fw), nest.flatten(output_bw)))
    return nest.pack_sequence_as(structure=output_fw, flat_sequence=joined), state_fw, state_bw


class _RawLoop:
    """The loop of raw_rnn: what the caller's function told at time 0, and the body built from it."""

    def __init__(self, cell, loop_fn):
        self.cell, self.loop_fn = cell, loop_fn

    def start(self):
        time = array_ops.constant(0, dtype=dtypes.int32)
        done, self.next_input, self.initial_state, emit, loop_state = self.loop_fn(time, None, None, None)
        self.time, self.done = time, done
        self.loop_state = array_ops.constant(0, dtype=dtypes.int32) if loop_state is None else loop_state
        self.has_loop_state = loop_state is not None
        flat_input = [ops.convert_to_tensor(item) for item in nest.flatten(self.next_input)]
        self.next_input = nest.pack_sequence_as(structure=self.next_input, flat_sequence=flat_input)
        fixed = tensor_shape.dimension_value(flat_input[0].get_shape().with_rank_at_least(1)[0])
        self.batch_size = fixed if fixed is not None else array_ops.shape(flat_input[0])[0]
        nest.assert_same_structure(self.initial_state, self.cell.state_size)
        self.emit_structure = emit if emit is not None else self.cell.output_size
        if emit is not None:
            flat_emit = [ops.convert_to_tensor(item) for item in nest.flatten(emit)]
            self.emit_sizes = [x.shape if x.shape.is_fully_defined() else array_ops.shape(x) for x in flat_emit]
            self.emit_dtypes = [item.dtype for item in flat_emit]
        else:
            self.emit_sizes = nest.flatten(self.cell.output_size)
            self.emit_dtypes = [flat_input[0].dtype] * len(self.emit_sizes)
        arrays = [
            tensor_array_ops.TensorArray(dtype=dtype, dynamic_size=True, size=0, name=f"rnn_output_{i}",
                                         element_shape=self._element_shape(size, fixed))
            for i, (dtype, size) in enumerate(zip(self.emit_dtypes, self.emit_sizes))
        ]  # fmt: skip
        self.arrays = nest.pack_sequence_as(structure=self.emit_structure, flat_sequence=arrays)
        zeros = [array_ops.zeros(rnn_cell_impl._concat(self.batch_size, size), dtype)
                 for size, dtype in zip(self.emit_sizes, self.emit_dtypes)]  # fmt: skip
        self.zero_emit = nest.pack_sequence_as(structure=self.emit_structure, flat_sequence=zeros)

    @staticmethod
    def _element_shape(size, fixed):
        if isinstance(size, ops.Tensor):
            return None
        return tensor_shape.TensorShape([fixed]).concatenate(tensor_shape.as_shape(size))

    def body(self, time, done, current_input, arrays, state, loop_state):
        next_output, cell_state = self.cell(current_input, state)
        nest.assert_same_structure(state, cell_state)
        nest.assert_same_structure(self.cell.output_size, next_output)
        told = loop_state if self.has_loop_state else None
        next_time = time + 1
        decided = self.loop_fn(next_time, next_output, cell_state, told)
        next_done, next_input, next_state, emit, next_loop_state = decided
        nest.assert_same_structure(state, next_state)
        nest.assert_same_structure(current_input, next_input)
        nest.assert_same_structure(self.arrays, emit)
        next_loop_state = loop_state if next_loop_state is None else next_loop_state

        def keep(current, candidate):
            """CURRENT for the rows that have ended, CANDIDATE for the others."""

            def one(old, new):
                if isinstance(old, tensor_array_ops.TensorArray) or old.shape.rank == 0:
                    return new
                with ops.colocate_with(new):
                    return array_ops.where(done, old, new)

            return nest.map_structure(one, current, candidate)

        emit = keep(self.zero_emit, emit)
        next_state = keep(state, next_state)
        arrays = nest.map_structure(lambda array, value: array.write(time, value), arrays, emit)
        return next_time, math_ops.logical_or(next_done, done), next_input, arrays, next_state, next_loop_state


@tf_export("nn.raw_rnn")
def raw_rnn(cell, loop_fn, parallel_iterations=None, swap_memory=False, scope=None):
    """A loop whose every step LOOP_FN(time, output, state, loop_state) decides: (TensorArrays, last state, loop state).

    LOOP_FN gives (finished, next input, next state, what to emit, next loop state).
    """
    rnn_cell_impl.assert_like_rnncell("cell", cell)
    if not callable(loop_fn):
        raise TypeError("loop_fn must be a callable")
    with vs.variable_scope(scope or "rnn") as entered:
        rnn._cached(entered)
        loop = _RawLoop(cell, loop_fn)
        loop.start()
        values = control_flow_ops.while_loop(
            lambda time, done, *_: math_ops.logical_not(math_ops.reduce_all(done)),
            loop.body,
            loop_vars=[loop.time, loop.done, loop.next_input, loop.arrays, loop.initial_state, loop.loop_state],
            parallel_iterations=parallel_iterations or 32,
            swap_memory=swap_memory,
        )
        arrays, final_state, loop_state = values[-3:]
        return arrays, final_state, loop_state if loop.has_loop_state else None
