"""What +, -, *, < and the like do with ragged tensors."""

from tenon.python.ops.ragged.ragged_tensor import RaggedTensor

# Operator: the public function; it takes ragged tensors.
_BINARY = {
    "add": "add", "sub": "subtract", "mul": "multiply", "div": "div", "truediv": "truediv", "floordiv": "floordiv",
    "mod": "floormod", "pow": "pow", "and": "logical_and", "or": "logical_or", "xor": "logical_xor",
}  # fmt: skip
_COMPARE = {"lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal"}
_UNARY = {"neg": "negative", "abs": "abs", "invert": "logical_not"}


def _public(name):
    import tenon

    return getattr(tenon, name) if hasattr(tenon, name) else getattr(tenon.math, name)


def _forward(name):
    def operator(x, y, name=None, _op=name):
        return _public(_op)(x, y, name=name)

    return operator


def _backward(name):
    def operator(y, x, name=None, _op=name):
        return _public(_op)(x, y, name=name)

    return operator


def _unary(name):
    def operator(x, name=None, _op=name):
        return _public(_op)(x, name=name)

    return operator


for _key, _name in _BINARY.items():
    setattr(RaggedTensor, f"__{_key}__", _forward(_name))
    setattr(RaggedTensor, f"__r{_key}__", _backward(_name))
for _key, _name in _COMPARE.items():
    setattr(RaggedTensor, f"__{_key}__", _forward(_name))
for _key, _name in _UNARY.items():
    setattr(RaggedTensor, f"__{_key}__", _unary(_name))
