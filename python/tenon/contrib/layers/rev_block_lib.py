"""Reversible blocks (Gomez et al., 2017, arXiv 1707.04585): the inputs are computed again from the outputs."""

import functools

from tenon.contrib.framework import arg_scopes
from tenon.python.framework import ops
from tenon.python.layers import base
from tenon.python.ops import array_ops, control_flow_ops, custom_gradient, gradients_impl, math_ops
from tenon.python.ops import variable_scope as vs
from tenon.python.ops import variables as variables_lib
from tenon.python.util import nest, tf_inspect
from tenon.python.util.tf_export import tf_export

_USE_DEFAULT = "__rev_block_lib_default"


def _scoped(function, scope):
    """FUNCTION whose variables are in SCOPE."""
    named = (lambda f: f) if isinstance(function, functools.partial) else functools.wraps(function)

    @named
    def call(x, side=None):
        with vs.variable_scope(scope, use_resource=True):
            return function(x, side) if side else function(x)

    return call


def _sum(lists):
    """The sums of gradients that are None where nothing flowed."""
    made = []
    for gradients in zip(*lists):
        there = [g for g in gradients if g is not None]
        made.append(math_ops.add_n(there) if there else None)
    return made


@tf_export("contrib.layers.RevBlock", "contrib.slim.RevBlock")
class RevBlock(base.Layer):
    """Layers y1 = x1 + f(x2), y2 = x2 + g(y1), whose gradients need no activation but the last.

    F and G are functions, or lists of one a layer; they get the side input as their second argument if there is one.
    Variables are in `revlayer_N/f` and `revlayer_N/g`.
    """

    def __init__(self, f, g, num_layers=1, f_side_input=None, g_side_input=None, use_efficient_backprop=True,
                 name="revblock", **kwargs):  # fmt: skip
        super().__init__(name=name, **kwargs)
        made = []
        for letter, functions in (("f", f), ("g", g)):
            functions = functions if isinstance(functions, list) else [functions] * num_layers
            if len(functions) != num_layers:
                raise ValueError(f"{letter} has {len(functions)} functions for {num_layers} layers")
            made.append([_scoped(function, f"revlayer_{i}/{letter}") for i, function in enumerate(functions)])
        self.f, self.g = made
        self.num_layers = num_layers
        self.f_side_input, self.g_side_input = f_side_input or [], g_side_input or []
        self._use_efficient_backprop = use_efficient_backprop

    def build(self, _):
        self.built = True

    def forward(self, x1, x2):
        """(y1, y2)."""
        return self.apply([x1, x2])

    def backward(self, y1, y2):
        """(x1, x2) from (y1, y2)."""
        return self.apply([y1, y2], forward=False)

    def call(self, inputs, forward=True):
        scope = vs.get_variable_scope()
        before = len(scope.global_variables())
        outputs = self._forward(*inputs) if forward else self._backward(*inputs)
        trainable = scope.trainable_variables()
        for variable in scope.global_variables()[before:]:
            there = any(variable is other for other in trainable)
            (self._trainable_weights if there else self._non_trainable_weights).append(variable)
        return outputs

    def _forward(self, x1, x2):
        if not self._use_efficient_backprop:
            return self._layers(x1, x2, self.f_side_input, self.g_side_input)
        sides = [self.f_side_input, self.g_side_input]
        scope = vs.get_variable_scope()

        @custom_gradient.custom_gradient
        def run(x1, x2, *flat):
            f_side, g_side = nest.pack_sequence_as(sides, list(flat))
            outputs = self._layers(x1, x2, f_side, g_side)

            def gradient(*gradients, variables=None):
                with vs.variable_scope(scope, reuse=True):
                    of_inputs, others = self._gradients(outputs, gradients, (f_side, g_side), list(variables or ()))
                of_sides, of_variables = others[: len(flat)], others[len(flat) :]
                own = [*of_inputs, *of_sides]
                return (own, of_variables) if variables else own

            return outputs, gradient

        return run(x1, x2, *nest.flatten(sides))

    def _layers(self, x1, x2, f_side, g_side):
        for f, g in zip(self.f, self.g):
            x1 = x1 + f(x2, f_side)
            x2 = x2 + g(x1, g_side)
        return x1, x2

    def _backward(self, y1, y2):
        for f, g in zip(self.f[::-1], self.g[::-1]):
            y2 = y2 - g(y1, self.g_side_input)
            y1 = y1 - f(y2, self.f_side_input)
        return y1, y2

    def _gradients(self, outputs, gradients, sides, variables):
        """(of the inputs, of the side inputs and variables), layer by layer from the last."""
        (y1, y2), (d1, d2) = outputs, gradients
        f_side, g_side = [[array_ops.stop_gradient(s) for s in side] for side in sides]
        others = [*f_side, *g_side, *variables]
        found = []
        for f, g in zip(self.f[::-1], self.g[::-1]):
            y1 = array_ops.stop_gradient(y1)
            of_y1 = g(y1, g_side)
            x2 = array_ops.stop_gradient(y2 - of_y1)
            of_x2 = f(x2, f_side)
            first = gradients_impl.gradients(of_y1, [y1, *others], d2)
            d1 = d1 if first[0] is None else d1 + first[0]
            second = gradients_impl.gradients(of_x2, [x2, *others], d1)
            d2 = d2 if second[0] is None else d2 + second[0]
            found += [first[1:], second[1:]]
            y1, y2, d1, d2 = control_flow_ops.tuple([y1 - of_x2, x2, d1, d2])
        return (d1, d2), _sum(found)


@tf_export("contrib.layers.rev_block", "contrib.slim.rev_block")
def rev_block(x1, x2, f, g, num_layers=1, f_side_input=None, g_side_input=None, is_training=True):
    """(y1, y2) of a RevBlock; its gradients are the sparing ones if IS_TRAINING."""
    block = RevBlock(
        f=f, g=g, num_layers=num_layers, f_side_input=f_side_input, g_side_input=g_side_input,
        use_efficient_backprop=is_training, _reuse=vs.get_variable_scope().reuse,
    )  # fmt: skip
    return block.forward(x1, x2)


def _closed_over(function):
    """ValueError if FUNCTION closes over tensors: no gradient would reach them."""
    names = getattr(getattr(function, "__code__", None), "co_freevars", ())
    for name, cell in zip(names, function.__closure__ or ()):
        if isinstance(cell.cell_contents, (ops.Tensor, variables_lib.Variable)):
            raise ValueError(
                f"fn decorated with @recompute_grad closes over Tensor {cell.cell_contents.name} (local variable name: "
                f"{name}). The decorated fn must not close over Tensors or Variables because gradients will NOT be "
                "computed for them through fn. To ensure correct gradients, make the Tensor an input to fn."
            )


def _recomputing(function, args, tupleize):
    told = "is_recomputing" in tf_inspect.getfullargspec(function).args
    scope, defaults = vs.get_variable_scope(), arg_scopes.current_arg_scope()

    @custom_gradient.custom_gradient
    def run(*args):
        def gradient(*gradients, variables=None):
            with ops.control_dependencies([g for g in gradients if g is not None]):
                again = [array_ops.identity(a) for a in args]
                with arg_scopes.arg_scope(defaults), vs.variable_scope(scope, reuse=True):
                    values = nest.flatten(function(*again, **({"is_recomputing": True} if told else {})))
            found = gradients_impl.gradients(values, [*again, *(variables or ())], list(gradients))
            if tupleize:
                found = control_flow_ops.tuple(found)
            own = found[: len(again)]
            return (own, found[len(again) :]) if variables else own

        return function(*args, **({"is_recomputing": False} if told else {})), gradient

    return run(*args)


@tf_export("contrib.layers.recompute_grad", "contrib.slim.recompute_grad")
def recompute_grad(fn, use_data_dep=_USE_DEFAULT, tupleize_grads=False):
    """FN, a function of tensors, computed again for its gradients, so that less is kept. A decorator too.

    USE_DATA_DEP orders the steps of another machine; here control dependencies do.
    """
    _closed_over(fn)
    named = (lambda f: f) if isinstance(fn, functools.partial) else functools.wraps(fn)

    @named
    def wrapped(*args):
        for argument in args:
            if not isinstance(argument, ops.Tensor):
                raise ValueError("All inputs to function must be Tensors")
        return _recomputing(fn, args, tupleize_grads)

    return wrapped
