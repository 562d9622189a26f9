"""Gradients against finite differences."""

import numpy as np

from tenon.python.framework import ops
from tenon.python.ops import gradients_impl
from tenon.python.util.tf_export import tf_export


def _as_list(x):
    return list(x) if isinstance(x, (list, tuple)) else [x]


def _theoretical(session, x, x_shape, dx, dy, dy_shape, feeds):
    """The Jacobian by the graph: [elements of x, elements of y]."""
    rows, columns = int(np.prod(x_shape)), int(np.prod(dy_shape))
    jacobian = np.zeros((rows, columns), x.dtype.base.numpy)
    for column in range(columns):
        seed = np.zeros(columns, dy.dtype.numpy)
        seed[column] = 1
        value = session.run(dx, {**feeds, dy: seed.reshape(dy_shape)})
        if hasattr(value, "indices"):
            dense = np.zeros(x_shape, jacobian.dtype)
            np.add.at(dense, value.indices, value.values)
            value = dense
        jacobian[:, column] = np.asarray(value).reshape(rows)
    return jacobian


def _numeric(session, x, x_shape, y, y_shape, x_data, delta, feeds):
    """The Jacobian by differences."""
    rows, columns = int(np.prod(x_shape)), int(np.prod(y_shape))
    jacobian = np.zeros((rows, columns), x.dtype.base.numpy)
    for row in range(rows):
        moved = []
        for sign in (-1, 1):
            data = x_data.copy()
            data.reshape(-1)[row] += sign * delta
            moved.append(session.run(y, {**feeds, x: data}))
        jacobian[row] = ((moved[1] - moved[0]) / (2 * delta)).reshape(-1)
    return jacobian


def _one(x, x_shape, dx, y, y_shape, dy, x_init_value, delta, feeds):
    session = ops.get_default_session()
    x_data = np.random.random_sample(x_shape) if x_init_value is None else x_init_value
    x_data = np.asarray(x_data, x.dtype.base.numpy).reshape(x_shape)
    feeds = {**feeds, x: x_data}
    if dx is None:
        empty = np.zeros((int(np.prod(x_shape)), int(np.prod(y_shape))), x.dtype.base.numpy)
        return empty, empty
    return (_theoretical(session, x, x_shape, dx, dy, y_shape, feeds),
            _numeric(session, x, x_shape, y, y_shape, x_data, delta, feeds))  # fmt: skip


@tf_export("test.compute_gradient")
def compute_gradient(x, x_shape, y, y_shape, x_init_value=None, delta=1e-3, init_targets=None, extra_feed_dict=None):
    """(Jacobian by the graph, Jacobian by differences) of Y by X, each [elements of x, elements of y]; lists of pairs
    for lists of X. Runs in the default session."""
    xs = _as_list(x)
    many = isinstance(x, (list, tuple))
    shapes = x_shape if many else [x_shape]
    values = (x_init_value if many else [x_init_value]) if x_init_value is not None else [None] * len(xs)
    if init_targets is not None:
        for target in _as_list(init_targets):
            target.run()
    dy = ops.convert_to_tensor(np.ones(y_shape, y.dtype.base.numpy), name="dy")
    dxs = gradients_impl.gradients(y, xs, dy)
    feeds = dict(extra_feed_dict or {})
    found = []
    for i, (one, shape, dx, value) in enumerate(zip(xs, shapes, dxs, values)):
        others = {x2: v for j, (x2, v) in enumerate(zip(xs, values)) if j != i and v is not None}
        found.append(_one(one, shape, dx, y, y_shape, dy, value, delta, {**feeds, **others}))
    return found if many else found[0]


@tf_export("test.compute_gradient_error")
def compute_gradient_error(x, x_shape, y, y_shape, x_init_value=None, delta=1e-3, init_targets=None,
                           extra_feed_dict=None):  # fmt: skip
    """The largest difference between the two Jacobians of compute_gradient."""
    found = compute_gradient(x, x_shape, y, y_shape, x_init_value, delta, init_targets, extra_feed_dict)
    pairs = found if isinstance(found, list) else [found]
    return max((float(np.abs(a - b).max()) if a.size else 0.0) for a, b in pairs)
