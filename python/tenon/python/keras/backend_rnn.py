"""K.rnn: a function of one step, applied to all steps of sequences."""

import tenon as tf
from tenon.python.util import nest

TF_EXPORTS = {"keras.backend.rnn": "rnn"}


def _swapped(x):
    """(batch, time, ...) as (time, batch, ...), and back."""
    return tf.transpose(x, [1, 0, *range(2, x.shape.ndims)])


def _pick(mask, new, old):
    """Rows of NEW where the mask (batch) is true, else of OLD."""
    return tf.where(mask, new, tf.broadcast_to(old, tf.shape(new)))


class _Steps:
    """The step as a function of flat lists, with what masks do to its results."""

    def __init__(self, function, inputs, states, constants, zero_for_mask):
        self.function, self.inputs, self.states = function, inputs, states
        self.constants, self.zero_for_mask = constants, zero_for_mask
        self.outputs = None

    def run(self, inputs, states):
        """(outputs, new states) of one step."""
        packed = nest.pack_sequence_as(self.states, states)
        outputs, new = self.function(nest.pack_sequence_as(self.inputs, inputs), tuple(packed) + self.constants)
        self.outputs = outputs
        new = nest.flatten(new)
        if len(new) != len(states):
            raise ValueError(f"RNN: the step gave {len(new)} states, but there are {len(states)} initial states.")
        for state, before in zip(new, states):
            state.set_shape(before.shape)
        return nest.flatten(outputs), new

    def masked(self, mask, inputs, states, before):
        """The same; rows whose step is masked keep their states, and their outputs of before."""
        outputs, new = self.run(inputs, states)
        if mask is None:
            return outputs, new
        old = [tf.zeros_like(o) for o in outputs] if self.zero_for_mask or before is None else before
        return ([_pick(mask, a, b) for a, b in zip(outputs, old)], [_pick(mask, a, b) for a, b in zip(new, states)])


def _unrolled(steps, inputs, states, mask, order):
    every, before = [], None
    parts = [tf.unstack(x) for x in inputs]
    masks = None if mask is None else tf.unstack(mask)
    for t in order:
        before, states = steps.masked(None if masks is None else masks[t], [p[t] for p in parts], states, before)
        every.append(before)
    return [tf.stack(each) for each in zip(*every)], before, states


def _looped(steps, inputs, states, mask):
    # The first step, made outside of the loop, tells what comes out; masks of dropout, made there, hold for all steps.
    first, _ = steps.run([x[0] for x in inputs], states)
    count = tf.shape(inputs[0])[0]
    ins = [tf.TensorArray(x.dtype, count).unstack(x) for x in inputs]
    masks = None if mask is None else tf.TensorArray(tf.bool, count).unstack(mask)
    outs = [tf.TensorArray(o.dtype, count) for o in first]
    kept = [tf.zeros_like(o) for o in first] if mask is not None else []

    def body(t, arrays, before, states):
        now = [a.read(t) for a in ins]
        for x, whole in zip(now, inputs):
            x.set_shape(whole.shape[1:])
        here = None if masks is None else masks.read(t)
        outputs, states = steps.masked(here, now, states, before or None)
        for o, made in zip(outputs, first):
            o.set_shape(made.shape)
        arrays = [a.write(t, o) for a, o in zip(arrays, outputs)]
        return t + 1, arrays, outputs if kept else [], states

    found = tf.while_loop(lambda t, *_: t < count, body, (tf.constant(0), outs, kept, list(states)))
    outputs = [a.stack() for a in found[1]]
    for o, made in zip(outputs, first):
        o.set_shape([inputs[0].shape[0].value, *made.shape.as_list()])
    return outputs, [o[-1] for o in outputs], found[3]


def rnn(step_function, inputs, initial_states, go_backwards=False, mask=None, constants=None, unroll=False,
        input_length=None, time_major=False, zero_output_for_mask=False):  # fmt: skip
    """(last output, outputs, states) of a step over axis 1 of INPUTS (axis 0 if time_major).

    STEP_FUNCTION maps (inputs of a step, states) to (outputs, new states). MASK, (batch, time) or (batch, time, 1), is
    false for the steps that are skipped.
    """
    structure = nest.map_structure(lambda x: x if time_major else _swapped(x), inputs)
    flat = nest.flatten(structure)
    if mask is not None:
        mask = tf.cast(mask, tf.bool)
        mask = tf.squeeze(mask, [2]) if mask.shape.ndims == 3 else mask
        mask = mask if time_major else _swapped(mask)
    steps = _Steps(step_function, structure, tuple(initial_states), tuple(constants or ()), zero_output_for_mask)
    states = [tf.convert_to_tensor(s) for s in nest.flatten(steps.states)]
    length = flat[0].shape[0].value
    if unroll:
        if length is None:
            raise ValueError("Unrolling requires a fixed number of timesteps.")
        order = range(length - 1, -1, -1) if go_backwards else range(length)
        outputs, last, states = _unrolled(steps, flat, states, mask, order)
    else:
        if go_backwards:
            flat = [tf.reverse(x, [0]) for x in flat]
            mask = None if mask is None else tf.reverse(mask, [0])
        outputs, last, states = _looped(steps, flat, states, mask)
    if not time_major:
        outputs = [_swapped(o) for o in outputs]
    pack = nest.pack_sequence_as
    return pack(steps.outputs, last), pack(steps.outputs, outputs), list(pack(steps.states, states))
