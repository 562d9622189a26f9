"""Names to objects and back, the bar that shows progress, and small helpers."""

import inspect
import marshal
import re
import sys
import time
import types

import numpy as np

_custom_objects = {}

TF_EXPORTS = {
    "keras.utils.get_custom_objects": "get_custom_objects",
    "keras.utils.custom_object_scope": "custom_object_scope",
    "keras.utils.CustomObjectScope": "CustomObjectScope",
    "keras.utils.serialize_keras_object": "serialize_keras_object",
    "keras.utils.deserialize_keras_object": "deserialize_keras_object",
    "keras.utils.register_keras_serializable": "register_keras_serializable",
    "keras.utils.get_registered_name": "get_registered_name",
    "keras.utils.get_registered_object": "get_registered_object",
    "keras.utils.Progbar": "Progbar",
    "keras.utils.generic_utils.Progbar": "Progbar",
    "keras.utils.generic_utils.get_custom_objects": "get_custom_objects",
    "keras.utils.generic_utils.serialize_keras_object": "serialize_keras_object",
    "keras.utils.generic_utils.deserialize_keras_object": "deserialize_keras_object",
    "keras.utils.generic_utils.CustomObjectScope": "CustomObjectScope",
}


class CustomObjectScope:
    """A context in which names mean objects of the program."""

    def __init__(self, *args):
        self.custom_objects = args

    def __enter__(self):
        self.before = dict(_custom_objects)
        for objects in self.custom_objects:
            _custom_objects.update(objects or {})
        return self

    def __exit__(self, *_):
        _custom_objects.clear()
        _custom_objects.update(self.before)


def custom_object_scope(*args):
    """A context in which names mean objects of the program."""
    return CustomObjectScope(*args)


def get_custom_objects():
    """The table of names that the program gave."""
    return _custom_objects


def register_keras_serializable(package="Custom", name=None):
    """Decorator: a class or function that is found by its name when a model is loaded."""

    def register(thing):
        full = f"{package}>{name or thing.__name__}"
        if inspect.isclass(thing) and not hasattr(thing, "get_config"):
            raise ValueError("Cannot register a class that does not have a get_config() method.")
        if full in _custom_objects:
            raise ValueError(f"{full} has already been registered to {_custom_objects[full]}")
        thing._keras_registered_name = full
        _custom_objects[full] = thing
        return thing

    return register


def get_registered_name(obj):
    """The name an object was registered with, else its own."""
    return getattr(obj, "_keras_registered_name", None) or getattr(obj, "__name__", obj)


def get_registered_object(name, custom_objects=None, module_objects=None):
    """What is registered by a name, None if nothing is."""
    for table in (_custom_objects, custom_objects, module_objects):
        if table and name in table:
            return table[name]
    return None


def serialize_keras_object(instance):
    """{"class_name": ..., "config": ...} of an object, the name of a function."""
    if instance is None:
        return None
    if hasattr(instance, "get_config"):
        return {"class_name": get_registered_name(instance.__class__), "config": instance.get_config()}
    if hasattr(instance, "__name__"):
        return get_registered_name(instance)
    raise ValueError("Cannot serialize", instance)


def deserialize_keras_object(identifier, module_objects=None, custom_objects=None,
                             printable_module_name="object"):  # fmt: skip
    """The object of a name or of a {"class_name", "config"} dict. MODULE_OBJECTS: a function of names, or a dict."""
    if identifier is None:
        return None

    def find(name):
        for table in (custom_objects, _custom_objects):
            if table and name in table:
                return table[name]
        if callable(module_objects):
            return module_objects(name)
        return (module_objects or {}).get(name)

    if isinstance(identifier, dict):
        if "class_name" not in identifier or "config" not in identifier:
            raise ValueError("Improper config format: " + str(identifier))
        cls = find(identifier["class_name"])
        if cls is None:
            raise ValueError(f"Unknown {printable_module_name}: {identifier['class_name']}")
        config = identifier["config"]
        if not hasattr(cls, "from_config"):
            with CustomObjectScope(custom_objects):
                return cls(**config)
        if "custom_objects" in inspect.signature(cls.from_config).parameters:
            return cls.from_config(config, custom_objects={**_custom_objects, **(custom_objects or {})})
        with CustomObjectScope(custom_objects):
            return cls.from_config(config)
    if isinstance(identifier, str):
        thing = find(identifier)
        if thing is None:
            raise ValueError(f"Unknown {printable_module_name}: {identifier}")
        return thing() if inspect.isclass(thing) else thing
    if inspect.isfunction(identifier):
        return identifier
    raise ValueError("Could not interpret serialized " + printable_module_name + ": " + str(identifier))


def finder(space):
    """A function that finds public names of tenon.SPACE, None for those it does not have."""

    def find(name):
        from tenon import _namespace

        try:
            return _namespace.load(space, name)
        except AttributeError:
            return None

    return find


def func_dump(func):
    """(code, defaults, closure) of a function, as Keras's files have them."""
    import base64

    code = base64.b64encode(marshal.dumps(func.__code__)).decode("ascii")
    closure = tuple(c.cell_contents for c in func.__closure__) if func.__closure__ else None
    return code, func.__defaults__, closure


def func_load(code, defaults=None, closure=None, globs=None):
    """The function that func_dump described."""
    import base64

    if isinstance(code, (tuple, list)):
        code, defaults, closure = code
        defaults = tuple(defaults) if isinstance(defaults, list) else defaults
    if closure is not None:
        closure = tuple(types.CellType(c) for c in closure)
    code = marshal.loads(base64.b64decode(code.encode("ascii")))
    return types.FunctionType(code, globs or globals(), name=code.co_name, argdefs=defaults, closure=closure)


def has_arg(fn, name, accept_all=False):
    """Whether a function takes an argument of that name."""
    parameters = inspect.signature(fn).parameters
    return name in parameters or accept_all and any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def set_signature(function, names, defaults):
    """Makes a function tell what it takes: NAMES, then those with defaults."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [inspect.Parameter(n, kind) for n in names]
    parameters += [inspect.Parameter(n, kind, default=v) for n, v in defaults.items()]
    function.__signature__ = inspect.Signature(parameters)


def to_list(x):
    """X, or [X] if it is no list."""
    if isinstance(x, tuple):
        return list(x)
    return x if isinstance(x, list) else [x]


def unpack_singleton(x):
    """The element of a list of one, else the list."""
    return x[0] if len(x) == 1 else x


def to_snake_case(name):
    """CamelCase as camel_case."""
    text = re.sub("([a-z])([A-Z])", r"\1_\2", re.sub("(.)([A-Z][a-z0-9]+)", r"\1_\2", name)).lower()
    return text if text[0] != "_" else "private" + text


def slice_arrays(arrays, start=None, stop=None):
    """Rows of each of some arrays: a range, or a list of numbers."""

    def part(x):
        if x is None:
            return None
        if hasattr(start, "__len__"):
            return x[start.tolist() if hasattr(start, "shape") and not isinstance(x, np.ndarray) else start]
        return x[start:stop]

    return [part(x) for x in arrays] if isinstance(arrays, list) else part(arrays)


class Progbar:
    """A line that shows how far something is, with the values of metrics."""

    def __init__(self, target, width=30, verbose=1, interval=0.05, stateful_metrics=None, unit_name="step"):
        self.target = target
        self.width = width
        self.verbose = verbose
        self.interval = interval
        self.unit_name = unit_name
        self.stateful_metrics = set(stateful_metrics or ())
        self._dynamic = hasattr(sys.stdout, "isatty") and sys.stdout.isatty() or "ipykernel" in sys.modules
        self._width = 0
        self._seen = 0
        self._values = {}
        self._start = time.time()
        self._last = 0

    def update(self, current, values=None, finalize=None):
        """CURRENT of the target is done; VALUES are (name, value) pairs."""
        for name, value in values or ():
            if name in self.stateful_metrics:
                self._values[name] = [value, 1]
            else:
                pair = self._values.setdefault(name, [0.0, 0])
                weight = max(current - self._seen, 1)
                pair[0] += value * weight
                pair[1] += weight
        self._seen = current
        finalize = (self.target is not None and current >= self.target) if finalize is None else finalize
        now = time.time()
        if self.verbose == 1:
            if now - self._last < self.interval and not finalize:
                return
            self._draw(current, now, finalize)
        elif self.verbose == 2 and finalize:
            count = "" if self.target is None else f"{current:{len(str(self.target))}d}/{self.target}"
            sys.stdout.write(f"{count} - {now - self._start:.0f}s{self._metrics()}\n")
            sys.stdout.flush()
        self._last = now

    def _metrics(self):
        text = ""
        for name, (total, count) in self._values.items():
            value = float(np.mean(total / max(1, count)))
            text += f" - {name}: {value:.4f}" if abs(value) > 1e-3 else f" - {name}: {value:.4e}"
        return text

    def _draw(self, current, now, finalize):
        if self.target is None:
            line = f"{current:7d}/Unknown"
        else:
            filled = int(self.width * current / self.target) if self.target else 0
            bar = "=" * filled
            if filled and current < self.target:
                bar = "=" * (filled - 1) + ">"
            bar += "." * (self.width - filled)
            line = f"{current:{len(str(self.target))}d}/{self.target} [{bar}]"
        each = (now - self._start) / current if current else 0
        if self.target is None or finalize:
            line += f" - {now - self._start:.0f}s"
            unit = next((f"{each * scale:.0f}{s}" for scale, s in ((1, "s"), (1e3, "ms")) if each * scale >= 1), None)
            line += f" {unit or f'{each * 1e6:.0f}us'}/{self.unit_name}"
        else:
            eta = each * (self.target - current)
            line += " - ETA: " + (f"{eta // 3600:.0f}:{eta % 3600 // 60:02.0f}:{eta % 60:02.0f}" if eta > 3600 else
                                  f"{eta // 60:.0f}:{eta % 60:02.0f}" if eta > 60 else f"{eta:.0f}s")  # fmt: skip
        line += self._metrics()
        pad = " " * max(0, self._width - len(line))
        self._width = len(line)
        sys.stdout.write(("\r" if self._dynamic else "\n" if self._last else "") + line + pad)
        if finalize:
            sys.stdout.write("\n")
        sys.stdout.flush()

    def add(self, n, values=None):
        """N more are done."""
        self.update(self._seen + n, values)
