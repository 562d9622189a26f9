"""Static shapes: TensorShape and Dimension."""

from tenon.python.util.tf_export import tf_export


def _size(value):
    """A size as an int or None."""
    if value is None:
        return None
    if type(value) is int:
        if value < 0:
            raise ValueError(f"Dimension {value} must be >= 0")
        return value
    if isinstance(value, Dimension):
        return value._value
    if isinstance(value, (bytes, str)):
        raise TypeError(f"Dimension value must be integer or None, got {value!r}")
    try:
        size = value.__index__()
    except (AttributeError, TypeError):
        try:
            size = int(value)
        except (TypeError, ValueError):
            raise TypeError(
                f"Dimension value must be integer or None or have an __index__ method, got {value!r}"
            ) from None
        if size != value:
            raise ValueError(f"Ambiguous dimension: {value}") from None
    if size < 0:
        raise ValueError(f"Dimension {size} must be >= 0")
    return size


def _arithmetic(operation):
    def call(self, other):
        try:
            other = _size(other)
        except (TypeError, ValueError):
            if isinstance(other, int):
                pass  # a negative number is fine here
            else:
                return NotImplemented
        if self._value is None or other is None:
            return Dimension(None)
        return Dimension(operation(self._value, other))

    return call


def _comparison(operation, default):
    def call(self, other):
        try:
            other = _size(other)
        except (TypeError, ValueError):
            return default if default is not None else NotImplemented
        if self._value is None or other is None:
            return None
        return operation(self._value, other)

    return call


@tf_export("Dimension")
class Dimension:
    """One size of a shape; `value` is an int, or None where it is not known."""

    __slots__ = ("_value",)

    def __init__(self, value):
        self._value = _size(value)

    @property
    def value(self):
        """The size, None if it is not known."""
        return self._value

    def __repr__(self):
        return f"Dimension({self._value})"

    def __str__(self):
        return "?" if self._value is None else str(self._value)

    __eq__ = _comparison(lambda a, b: a == b, False)
    __ne__ = _comparison(lambda a, b: a != b, True)
    __lt__ = _comparison(lambda a, b: a < b, None)
    __le__ = _comparison(lambda a, b: a <= b, None)
    __gt__ = _comparison(lambda a, b: a > b, None)
    __ge__ = _comparison(lambda a, b: a >= b, None)
    __hash__ = None
    __add__ = __radd__ = _arithmetic(lambda a, b: a + b)
    __sub__ = _arithmetic(lambda a, b: a - b)
    __rsub__ = _arithmetic(lambda a, b: b - a)
    __mul__ = __rmul__ = _arithmetic(lambda a, b: a * b)
    __floordiv__ = __div__ = _arithmetic(lambda a, b: a // b)
    __rfloordiv__ = _arithmetic(lambda a, b: b // a)
    __mod__ = _arithmetic(lambda a, b: a % b)
    __rmod__ = _arithmetic(lambda a, b: b % a)

    def __truediv__(self, other):
        raise TypeError(
            f"unsupported operand type(s) for /: 'Dimension' and '{type(other).__name__}', please use // instead"
        )

    def __rtruediv__(self, other):
        raise TypeError(
            f"unsupported operand type(s) for /: '{type(other).__name__}' and 'Dimension', please use // instead"
        )

    def __int__(self):
        return self._value

    def __index__(self):
        return self._value

    def __bool__(self):
        return bool(self._value)

    def __reduce__(self):
        return Dimension, (self._value,)

    def is_compatible_with(self, other):
        """True if the two can be equal."""
        other = _size(other)
        return self._value is None or other is None or self._value == other

    def assert_is_compatible_with(self, other):
        """ValueError unless the two can be equal."""
        if not self.is_compatible_with(other):
            raise ValueError(f"Dimensions {self} and {other} are not compatible")

    def merge_with(self, other):
        """The Dimension that knows what both know; ValueError if they differ."""
        other = as_dimension(other)
        self.assert_is_compatible_with(other)
        return Dimension(other._value if self._value is None else self._value)


@tf_export("dimension_value", "compat.dimension_value")
def dimension_value(dimension):
    """The int (or None) of a Dimension; what is no Dimension stays as it is."""
    return dimension._value if isinstance(dimension, Dimension) else dimension


@tf_export("dimension_at_index", "compat.dimension_at_index")
def dimension_at_index(shape, index):
    """The Dimension at INDEX of a TensorShape; an unknown one if the rank is unknown."""
    return Dimension(None) if shape.rank is None else shape.dims[index]


def as_dimension(value):
    """VALUE as a Dimension."""
    return value if isinstance(value, Dimension) else Dimension(value)


def _sizes(dims):
    """DIMS as a tuple of ints and Nones; None for an unknown rank."""
    if dims is None:
        return None
    if isinstance(dims, TensorShape):
        return dims._dims
    if isinstance(dims, (str, bytes)):
        raise TypeError(f"A string has ambiguous TensorShape, please wrap in a list or convert to an int: {dims!r}")
    if hasattr(dims, "dim") and hasattr(dims, "unknown_rank"):  # a TensorShapeProto
        return None if dims.unknown_rank else tuple(d.size if d.size >= 0 else None for d in dims.dim)
    try:
        items = iter(dims)
    except TypeError:
        return (_size(dims),)
    return tuple(map(_size, items))


@tf_export("TensorShape")
class TensorShape:
    """The static shape of a tensor: an unknown rank, or sizes of which each may be unknown (None)."""

    __slots__ = ("_dims",)

    def __init__(self, dims):
        self._dims = _sizes(dims)

    @classmethod
    def _of(cls, sizes):
        """From a tuple of ints and Nones, or None, unchecked."""
        self = cls.__new__(cls)
        self._dims = sizes
        return self

    @property
    def dims(self):
        """The list of Dimensions, None for an unknown rank."""
        return None if self._dims is None else [Dimension(d) for d in self._dims]

    @property
    def rank(self):
        """The number of dimensions, None if it is not known."""
        return None if self._dims is None else len(self._dims)

    @property
    def ndims(self):
        """The same as rank."""
        return self.rank

    def __repr__(self):
        if self._dims is None:
            return "TensorShape(None)"
        return f"TensorShape([{', '.join(f'Dimension({d})' for d in self._dims)}])"

    def __str__(self):
        if self._dims is None:
            return "<unknown>"
        if len(self._dims) == 1:
            return f"({'?' if self._dims[0] is None else self._dims[0]},)"
        return f"({', '.join('?' if d is None else str(d) for d in self._dims)})"

    def __reduce__(self):
        return TensorShape, (self._dims,)

    def __len__(self):
        if self._dims is None:
            raise ValueError("Cannot take the length of Shape with unknown rank.")
        return len(self._dims)

    def __bool__(self):
        return self._dims is not None

    def __iter__(self):
        if self._dims is None:
            raise ValueError("Cannot iterate over a shape with unknown rank.")
        return (Dimension(d) for d in self._dims)

    def __getitem__(self, key):
        if self._dims is not None:
            return TensorShape._of(self._dims[key]) if isinstance(key, slice) else Dimension(self._dims[key])
        if not isinstance(key, slice):
            return Dimension(None)
        start, stop = key.start or 0, key.stop
        if key.step is not None:
            raise ValueError("Steps are not yet handled")
        if stop is None or start < 0 or stop < 0:
            return unknown_shape()
        return unknown_shape(max(stop - start, 0))

    def __eq__(self, other):
        try:
            other = as_shape(other)
        except (TypeError, ValueError):
            return NotImplemented
        return self._dims == other._dims

    def __ne__(self, other):
        try:
            other = as_shape(other)
        except (TypeError, ValueError):
            return NotImplemented
        if self.rank is None or other.rank is None:
            raise ValueError("The inequality of unknown TensorShapes is undefined.")
        return self._dims != other._dims

    __hash__ = None

    def __concat__(self, other):
        return self.concatenate(other)

    def __add__(self, other):
        return self.concatenate(other)

    def __radd__(self, other):
        return as_shape(other).concatenate(self)

    def num_elements(self):
        """The number of elements, None if it is not known."""
        if not self.is_fully_defined():
            return None
        count = 1
        for size in self._dims:
            count *= size
        return count

    def merge_with(self, other):
        """The shape that knows what both know; ValueError if they don't agree."""
        other = as_shape(other)
        if self._dims is None:
            return other
        if other._dims is None:
            return self
        if not self.is_compatible_with(other):
            raise ValueError(f"Shapes {self} and {other} are not compatible")
        return TensorShape._of(tuple(b if a is None else a for a, b in zip(self._dims, other._dims)))

    def concatenate(self, other):
        """This shape with the dimensions of OTHER after it."""
        other = as_shape(other)
        if self._dims is None or other._dims is None:
            return unknown_shape()
        return TensorShape._of(self._dims + other._dims)

    def assert_same_rank(self, other):
        """ValueError if the ranks are known and differ."""
        other = as_shape(other)
        if self.rank is not None and other.rank is not None and self.rank != other.rank:
            raise ValueError(f"Shapes {self} and {other} must have the same rank")

    def assert_has_rank(self, rank):
        """ValueError if the rank is known and is not RANK."""
        if self.rank not in (None, rank):
            raise ValueError(f"Shape {self} must have rank {rank}")

    def with_rank(self, rank):
        """This shape with rank RANK; ValueError if it has another."""
        try:
            return self.merge_with(unknown_shape(rank))
        except ValueError:
            raise ValueError(f"Shape {self} must have rank {rank}") from None

    def with_rank_at_least(self, rank):
        """This shape; ValueError if its rank is less than RANK."""
        if self.rank is not None and self.rank < rank:
            raise ValueError(f"Shape {self} must have rank at least {rank}")
        return self

    def with_rank_at_most(self, rank):
        """This shape; ValueError if its rank is more than RANK."""
        if self.rank is not None and self.rank > rank:
            raise ValueError(f"Shape {self} must have rank at most {rank}")
        return self

    def is_compatible_with(self, other):
        """True if a tensor could have both shapes."""
        other = as_shape(other)
        if self._dims is None or other._dims is None:
            return True
        if len(self._dims) != len(other._dims):
            return False
        return all(a is None or b is None or a == b for a, b in zip(self._dims, other._dims))

    def assert_is_compatible_with(self, other):
        """ValueError unless a tensor could have both shapes."""
        if not self.is_compatible_with(other):
            raise ValueError(f"Shapes {self} and {as_shape(other)} are incompatible")

    def is_subtype_of(self, other):
        """True if every tensor of this shape has that of OTHER too."""
        other = as_shape(other)
        if other._dims is None:
            return True
        if self._dims is None or len(self._dims) != len(other._dims):
            return False
        return all(b is None or a == b for a, b in zip(self._dims, other._dims))

    def most_specific_compatible_shape(self, other):
        """The most that both shapes agree on."""
        other = as_shape(other)
        if self._dims is None or other._dims is None or len(self._dims) != len(other._dims):
            return unknown_shape()
        return TensorShape._of(tuple(a if a == b else None for a, b in zip(self._dims, other._dims)))

    def is_fully_defined(self):
        """True if every size is known."""
        return self._dims is not None and None not in self._dims

    def assert_is_fully_defined(self):
        """ValueError unless every size is known."""
        if not self.is_fully_defined():
            raise ValueError(f"Shape {self} is not fully defined")

    def as_list(self):
        """The sizes as a list of ints and Nones. ValueError if the rank is unknown."""
        if self._dims is None:
            raise ValueError("as_list() is not defined on an unknown TensorShape.")
        return list(self._dims)

    def as_proto(self):
        """The shape as a TensorShapeProto."""
        from tenon.python.framework.proto import TensorShapeProto

        if self._dims is None:
            return TensorShapeProto(unknown_rank=True)
        return TensorShapeProto(dim=[TensorShapeProto.Dim(size=-1 if d is None else d) for d in self._dims])


def as_shape(shape):
    """SHAPE as a TensorShape."""
    return shape if isinstance(shape, TensorShape) else TensorShape(shape)


def unknown_shape(rank=None, **kwargs):
    """A shape of RANK unknown sizes, or of unknown rank."""
    rank = kwargs.get("ndims", rank)
    return TensorShape._of(None if rank is None else (None,) * rank)


def scalar():
    """The shape of a scalar."""
    return TensorShape._of(())


def vector(length):
    """The shape of a vector of LENGTH."""
    return TensorShape([length])


def matrix(rows, cols):
    """The shape of a matrix."""
    return TensorShape([rows, cols])
