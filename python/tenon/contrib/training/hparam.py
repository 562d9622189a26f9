"""Hyperparameters: an object of names and values that can be read from text, JSON and messages."""

import json
import numbers
import re

from tenon.python.framework import ops
from tenon.python.framework import proto as messages
from tenon.python.util.deprecation import deprecated
from tenon.python.util.tf_export import tf_export

# name, [index], = and a value up to a comma, or values in brackets.
_ASSIGNMENT = re.compile(
    r"(?P<name>[a-zA-Z][\w.]*)(\[\s*(?P<index>\d+)\s*\])?\s*=\s*((?P<val>[^,\[]*)|\[(?P<vals>[^\]]*)\])($|,\s*)"
)
_BOOLS = {"true": True, "True": True, "false": False, "False": False}


def HParamDef(**kwargs):
    """The message of hyperparameters."""
    return messages.get("tensorflow.HParamDef")(**kwargs)


TF_EXPORTS = {"contrib.training.HParamDef": "HParamDef"}


def _bool(text):
    return _BOOLS[text] if text in _BOOLS else bool(int(text))


def _parse(name, kind, text, values):
    """TEXT as a value of type KIND. ValueError names what could not be read."""
    try:
        return (_bool if kind is bool else kind)(text)
    except ValueError:
        raise ValueError(
            f"Could not parse hparam '{name}' of type '{kind.__name__}' with value '{text}' in {values}"
        ) from None


def _put(made, name, index, value, values):
    """Puts a parsed value in its place. ValueError where one is there."""
    twice = f"Multiple assignments to variable '{name}' in {values}"
    if index is None:
        if name in made:
            raise ValueError(twice)
        made[name] = value
        return
    places = made.setdefault(name, {})
    if not isinstance(places, dict):
        raise ValueError(twice)
    if int(index) in places:
        raise ValueError(f"Multiple assignments to variable '{name}[{index}]' in {values}")
    places[int(index)] = value


@tf_export("contrib.training.parse_values")
def parse_values(values, type_map, ignore_unknown=False):
    """{name: value} of text such as `a=1,b=[2,3],c[1]=4`, with the types in TYPE_MAP; c becomes {1: 4}."""
    made, at = {}, 0
    while at < len(values):
        match = _ASSIGNMENT.match(values, at)
        if not match:
            raise ValueError(f"Malformed hyperparameter value: {values[at:]}")
        at = match.end()
        name, kind = match["name"], type_map.get(match["name"])
        if kind is None:
            if not ignore_unknown:
                raise ValueError(f"Unknown hyperparameter type for {name}")
        elif match["vals"] is not None:
            if match["index"] is not None:
                raise ValueError("Assignment of a list to a list index.")
            parts = [part for part in re.split("[ ,]", match["vals"]) if part]
            _put(made, name, None, [_parse(name, kind, part, values) for part in parts], values)
        else:
            _put(made, name, match["index"], _parse(name, kind, match["val"], values), values)
    return made


def _cast(name, kind, value):
    """VALUE as type KIND where that loses nothing. ValueError otherwise."""
    if type(value) is kind or kind is type(None):
        return value
    wrong = (
        issubclass(kind, (str, bytes)) and not isinstance(value, (str, bytes))
        or issubclass(kind, bool) != isinstance(value, bool)
        or issubclass(kind, numbers.Integral) and not isinstance(value, numbers.Integral)
        or issubclass(kind, numbers.Number) and not isinstance(value, numbers.Number)
    )  # fmt: skip
    if wrong:
        raise ValueError(f"Could not cast hparam '{name}' of type '{kind}' from value {value!r}")
    return kind(value)


_KINDS = ((bool, "bool"), (int, "int64"), ((str, bytes), "bytes"), (float, "float"))


@tf_export("contrib.training.HParams")
class HParams:
    """Hyperparameters as attributes; each keeps the type that its first value had."""

    def __init__(self, hparam_def=None, model_structure=None, **kwargs):
        self._hparam_types = {}
        self._model_structure = model_structure
        if hparam_def is not None and kwargs:
            raise ValueError("hparam_def and initialization values are mutually exclusive")
        if hparam_def is not None:
            kwargs = self._of_proto(hparam_def)
        for name, value in kwargs.items():
            self.add_hparam(name, value)

    @staticmethod
    def _of_proto(hparam_def):
        def plain(value):
            return value.decode() if isinstance(value, bytes) else value

        made = {}
        for name, message in hparam_def.hparam.items():
            kind = message.WhichOneof("kind")
            value = getattr(message, kind)
            made[name] = [plain(v) for v in value.value] if kind.endswith("_list") else plain(value)
        return made

    def add_hparam(self, name, value):
        """Adds a hyperparameter. ValueError for a name that is taken, and for an empty list."""
        if getattr(self, name, None) is not None:
            raise ValueError(f"Hyperparameter name is reserved: {name}")
        many = isinstance(value, (list, tuple))
        if many and not value:
            raise ValueError(f"Multi-valued hyperparameters cannot be empty: {name}")
        self._hparam_types[name] = (type(value[0] if many else value), many)
        setattr(self, name, value)

    def set_hparam(self, name, value):
        """Sets a hyperparameter, in its type. ValueError where the value does not fit; KeyError for an unknown name."""
        kind, many = self._hparam_types[name]
        if isinstance(value, list) != many:
            asked = "a list for multi-valued" if many else "a list for single-valued"
            raise ValueError(f"Must {'' if many else 'not '}pass {asked} parameter: {name}")
        setattr(self, name, [_cast(name, kind, v) for v in value] if many else _cast(name, kind, value))

    def del_hparam(self, name):
        """Removes a hyperparameter, if it is there."""
        if hasattr(self, name):
            delattr(self, name)
            del self._hparam_types[name]

    def parse(self, values):
        """Sets what text such as `a=1,b=[2,3]` says; returns the object."""
        return self.override_from_dict(parse_values(values, {n: kind for n, (kind, _) in self._hparam_types.items()}))

    def override_from_dict(self, values_dict):
        """Sets what a dictionary says; returns the object."""
        for name, value in values_dict.items():
            self.set_hparam(name, value)
        return self

    @deprecated(None, "Use `override_from_dict`.")
    def set_from_map(self, values_map):
        """override_from_dict."""
        return self.override_from_dict(values_map)

    def set_model_structure(self, model_structure):
        """Keeps something about the model."""
        self._model_structure = model_structure

    def get_model_structure(self):
        """What set_model_structure kept."""
        return self._model_structure

    def to_json(self, indent=None, separators=None, sort_keys=False):
        """The values as JSON."""
        return json.dumps(self.values(), indent=indent, separators=separators, sort_keys=sort_keys)

    def parse_json(self, values_json):
        """Sets what JSON says; returns the object."""
        return self.override_from_dict(json.loads(values_json))

    def values(self):
        """{name: value}."""
        return {name: getattr(self, name) for name in self._hparam_types}

    def get(self, key, default=None):
        """The value of KEY; DEFAULT where there is none, which must have the type of the value where there is one."""
        if key not in self._hparam_types:
            return default
        if default is not None:
            kind, many = self._hparam_types[key]
            told = (
                f"Hparam '{key}' of type '{f'list<{kind}>' if many else kind}' is incompatible with default={default}"
            )
            if isinstance(default, list) != many:
                raise ValueError(told)
            try:
                for value in default if many else [default]:
                    _cast(key, kind, value)
            except ValueError as error:
                raise ValueError(f"{told}. {error}") from None
        return getattr(self, key)

    def __contains__(self, key):
        return key in self._hparam_types

    def __str__(self):
        return ",".join(f"{name}={value}" for name, value in self.values().items())

    def __repr__(self):
        return f"{type(self).__name__}({sorted(self.values().items())})"

    def to_proto(self, export_scope=None):
        """A HParamDef."""
        made = HParamDef()
        for name, (kind, many) in self._hparam_types.items():
            word = next((word for types, word in _KINDS if issubclass(kind, types)), None)
            if word is None:
                raise ValueError(f"Unsupported parameter type: {kind}")
            values = [
                v.encode() if isinstance(v, str) else v
                for v in (getattr(self, name) if many else [getattr(self, name)])
            ]
            if many:
                getattr(made.hparam[name], f"{word}_list").value.extend(values)
            else:
                setattr(made.hparam[name], f"{word}_value", values[0])
        return made

    @staticmethod
    def from_proto(hparam_def, import_scope=None):
        """The object of a HParamDef."""
        return HParams(hparam_def=hparam_def)


ops.register_proto_function(
    "hparams", proto_type=messages.get("tensorflow.HParamDef"), to_proto=HParams.to_proto, from_proto=HParams.from_proto
)
