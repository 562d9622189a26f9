"""Kullback-Leibler divergences, registered for pairs of classes."""

from tenon.python.framework import ops
from tenon.python.ops import array_ops, control_flow_ops, math_ops
from tenon.python.util.tf_export import tf_export

_DIVERGENCES = {}


def _registered(type_a, type_b):
    """The function of the nearest pair of base classes, None if there is none."""
    found = [(i + j, _DIVERGENCES[a, b]) for i, a in enumerate(type_a.__mro__) for j, b in enumerate(type_b.__mro__)
             if (a, b) in _DIVERGENCES]  # fmt: skip
    return min(found, key=lambda pair: pair[0])[1] if found else None


@tf_export("distributions.kl_divergence", "contrib.distributions.kl_divergence")
def kl_divergence(distribution_a, distribution_b, allow_nan_stats=True, name=None):
    """E_a[log a - log b], where a function is registered for the two classes."""
    function = _registered(type(distribution_a), type(distribution_b))
    if function is None:
        raise NotImplementedError(
            f"No KL(distribution_a || distribution_b) registered for distribution_a type "
            f"{type(distribution_a).__name__} and distribution_b type {type(distribution_b).__name__}"
        )
    with ops.name_scope("KullbackLeibler"):
        value = function(distribution_a, distribution_b, name=name)
        if allow_nan_stats:
            return value
        there = math_ops.logical_not(math_ops.reduce_any(math_ops.is_nan(value)))
        told = [f"KL calculation between {distribution_a.name} and {distribution_b.name} returned NaN values (and was "
                "called with allow_nan_stats=False). Values:", value]  # fmt: skip
        with ops.control_dependencies([control_flow_ops.Assert(there, told)]):
            return array_ops.identity(value, name="checked_kl")


def cross_entropy(ref, other, allow_nan_stats=True, name=None):
    """-E_ref[log other]."""
    with ops.name_scope(name, "cross_entropy"):
        return ref.entropy() + kl_divergence(ref, other, allow_nan_stats=allow_nan_stats)


@tf_export("distributions.RegisterKL", "contrib.distributions.RegisterKL")
class RegisterKL:
    """@RegisterKL(A, B): function(a, b, name=None) is the divergence of two such distributions."""

    def __init__(self, dist_cls_a, dist_cls_b):
        self._key = (dist_cls_a, dist_cls_b)

    def __call__(self, kl_fn):
        if not callable(kl_fn):
            raise TypeError(f"kl_fn must be callable, received: {kl_fn}")
        if self._key in _DIVERGENCES:
            names = " || ".join(cls.__name__ for cls in self._key)
            raise ValueError(f"KL({names}) has already been registered to: {_DIVERGENCES[self._key]}")
        _DIVERGENCES[self._key] = kl_fn
        return kl_fn
