"""Staging areas: tuples of tensors that one step puts in and a later one takes out."""

from tenon.python.framework import dtypes as dtypes_lib
from tenon.python.framework import ops
from tenon.python.framework.tensor_shape import TensorShape, as_shape
from tenon.python.ops import gen_ops
from tenon.python.util.tf_export import tf_export


class BaseStagingArea:
    """What both kinds have: the components' dtypes, shapes and names."""

    def __init__(self, dtypes, shapes=None, names=None, shared_name=None, capacity=0, memory_limit=0):
        if shared_name is None:
            shared_name = ops.get_default_graph().unique_name(type(self).__name__)
        elif not isinstance(shared_name, str):
            raise ValueError("shared_name must be a string")
        self._name = shared_name
        self._dtypes = [dtypes_lib.as_dtype(d) for d in dtypes]
        if shapes is not None and len(shapes) != len(self._dtypes):
            raise ValueError("StagingArea shapes must be the same length as dtypes")
        self._shapes = [TensorShape(None) for _ in self._dtypes] if shapes is None else [as_shape(s) for s in shapes]
        if names is not None and len(names) != len(self._dtypes):
            raise ValueError("StagingArea names must be the same length as dtypes")
        self._names, self._capacity, self._memory_limit = names or None, capacity, memory_limit
        with ops.name_scope(f"{self._name}_root") as scope:
            self._coloc_op = gen_ops.no_op(name=scope)

    name = property(lambda self: self._name, doc="The shared name.")
    dtypes = property(lambda self: self._dtypes, doc="The list of the components' DTypes.")
    shapes = property(lambda self: self._shapes, doc="The list of the components' TensorShapes.")
    names = property(lambda self: self._names, doc="The list of the components' names, or None.")
    capacity = property(lambda self: self._capacity, doc="How many tuples fit; 0: any number.")
    memory_limit = property(lambda self: self._memory_limit, doc="How many bytes fit; 0: any number.")

    def _attrs(self, **more):
        return {"shared_name": self._name, "capacity": self._capacity, "memory_limit": self._memory_limit, **more}

    def _tensors(self, values, numbers):
        """VALUES as tensors of the components that NUMBERS tells."""
        made = []
        for value, i in zip(values, numbers):
            tensor = ops.convert_to_tensor(value, dtype=self._dtypes[i], name=f"component_{i}")
            if not tensor.get_shape().is_compatible_with(self._shapes[i]):
                raise ValueError(f"Put Shape {tensor.get_shape()} is not compatible with shape {self._shapes[i]}")
            made.append(tensor)
        return made

    def _result(self, tensors, numbers):
        tensors = list(tensors) if isinstance(tensors, (list, tuple)) else [tensors]
        for tensor, i in zip(tensors, numbers):
            tensor.set_shape(self._shapes[i])
        return {self._names[i]: t for t, i in zip(tensors, numbers)} if self._names else tensors

    def _scope(self, name, what):
        return ops.name_scope(name, f"{self._name}_{what}")


@tf_export("contrib.staging.StagingArea")
class StagingArea(BaseStagingArea):
    """Tuples come out in the order in which they went in."""

    def put(self, values, name=None):
        """The operation that puts in VALUES: a tensor, a list, or a dict where the components have names."""
        with self._scope(name, "put") as scope:
            if isinstance(values, dict):
                if not self._names:
                    raise ValueError("Staging areas must have names to enqueue a dictionary")
                if set(values) != set(self._names):
                    raise ValueError(f"Keys {sorted(values)} are not the names of the area, {sorted(self._names)}")
                values = [values[n] for n in self._names]
            elif self._names:
                raise ValueError("You must enqueue a dictionary in a staging area with names")
            else:
                values = list(values) if isinstance(values, (list, tuple)) else [values]
            if len(values) != len(self._dtypes):
                raise ValueError(f"Unexpected number of inputs {len(values)} vs {len(self._dtypes)}")
            with ops.colocate_with(self._coloc_op):
                return gen_ops.stage(self._tensors(values, range(len(values))), name=scope, **self._attrs())

    def _read(self, make, scope, *args):
        with ops.colocate_with(self._coloc_op):
            tensors = make(*args, dtypes=self._dtypes, name=scope, **self._attrs())
        return self._result(tensors, range(len(self._dtypes)))

    def get(self, name=None):
        """The tuple that has been in for longest: a list of tensors, or a dict where they have names."""
        with self._scope(name, "get") as scope:
            return self._read(gen_ops.unstage, scope)

    def peek(self, index, name=None):
        """The tuple at a place, which stays in."""
        with self._scope(name, "peek") as scope:
            return self._read(gen_ops.stage_peek, scope, index)

    def size(self, name=None):
        """How many tuples are in."""
        with self._scope(name, "size") as scope, ops.colocate_with(self._coloc_op):
            return gen_ops.stage_size(dtypes=self._dtypes, name=scope, **self._attrs())

    def clear(self, name=None):
        """The operation that empties it."""
        with self._scope(name, "clear") as scope, ops.colocate_with(self._coloc_op):
            return gen_ops.stage_clear(dtypes=self._dtypes, name=scope, **self._attrs())


class MapStagingArea(BaseStagingArea):
    """Tuples lie under int64 keys, and may be put in by parts. With ORDERED the smallest key comes out first."""

    def __init__(self, dtypes, shapes=None, names=None, shared_name=None, ordered=False, capacity=0, memory_limit=0):
        super().__init__(dtypes, shapes, names, shared_name, capacity, memory_limit)
        self._lead = "ordered_map_" if ordered else "map_"

    def _op(self, what):
        return getattr(gen_ops, self._lead + what)

    def _numbers(self, which):
        if not isinstance(which, (list, tuple)):
            which = [which]
        return [self._names.index(w) if isinstance(w, str) else w for w in which]

    def put(self, key, vals, indices=None, name=None):
        """The operation that puts VALS (a list, or a dict by name) under KEY; INDICES: which components they are."""
        with self._scope(name, "put") as scope:
            if isinstance(vals, dict):
                if not self._names:
                    raise ValueError("Staging areas must have names to enqueue a dictionary")
                indices, vals = zip(*((self._names.index(k), v) for k, v in vals.items()))
            else:
                vals = vals if isinstance(vals, (list, tuple)) else [vals]
                indices = range(len(self._dtypes)) if indices is None else indices
            order = sorted(zip(indices, vals), key=lambda pair: pair[0])
            numbers = [i for i, _ in order]
            with ops.colocate_with(self._coloc_op):
                return self._op("stage")(key, numbers, self._tensors([v for _, v in order], numbers),
                                         dtypes=self._dtypes, name=scope, **self._attrs())  # fmt: skip

    def _read(self, what, key, indices, scope):
        numbers = list(range(len(self._dtypes))) if indices is None else self._numbers(indices)
        with ops.colocate_with(self._coloc_op):
            tensors = self._op(what)(key, numbers, dtypes=[self._dtypes[i] for i in numbers], name=scope,
                                     **self._attrs())  # fmt: skip
        return self._result(tensors, numbers)

    def peek(self, key, indices=None, name=None):
        """Components of the tuple under KEY, which stay in."""
        with self._scope(name, "pop") as scope:
            return self._read("peek", key, indices, scope)

    def get(self, key=None, indices=None, name=None):
        """(key, components) taken out: those under KEY, or without one of any tuple that is complete."""
        with self._scope(name, "get") as scope:
            if key is not None:
                return key, self._read("unstage", key, indices, scope)
            numbers = list(range(len(self._dtypes))) if indices is None else self._numbers(indices)
            with ops.colocate_with(self._coloc_op):
                key, tensors = self._op("unstage_no_key")(numbers, dtypes=[self._dtypes[i] for i in numbers],
                                                          name=scope, **self._attrs())  # fmt: skip
            return key, self._result(tensors, numbers)

    def size(self, name=None):
        """How many complete tuples are in."""
        with self._scope(name, "size") as scope, ops.colocate_with(self._coloc_op):
            return self._op("size")(dtypes=self._dtypes, name=scope, **self._attrs())

    def incomplete_size(self, name=None):
        """How many tuples lack components."""
        with self._scope(name, "incomplete_size") as scope, ops.colocate_with(self._coloc_op):
            return self._op("incomplete_size")(dtypes=self._dtypes, name=scope, **self._attrs())

    def clear(self, name=None):
        """The operation that empties it."""
        with self._scope(name, "clear") as scope, ops.colocate_with(self._coloc_op):
            return self._op("clear")(dtypes=self._dtypes, name=scope, **self._attrs())
