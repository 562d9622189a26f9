"""The lists and maps of messages."""


class _Container:
    """What lists and maps share: the message they belong to, which is there as soon as they hold something."""

    __slots__ = ()
    __hash__ = None

    def MergeFrom(self, other):
        """Adds all that OTHER holds."""
        self.update(other) if isinstance(self, dict) else self.extend(other)

    def __copy__(self):
        return self.__deepcopy__({})


class RepeatedScalar(_Container, list):
    """The values of a repeated field of numbers, strings or bytes."""

    __slots__ = ("_check", "_message")

    def __init__(self, field, message, values=()):
        list.__init__(self, values)
        self._check, self._message = field.check, message

    def append(self, value):
        list.append(self, self._check(value))
        self._message._touch()

    def extend(self, values):
        if values is not None:
            check = self._check
            list.extend(self, [check(value) for value in values])
            self._message._touch()

    def insert(self, index, value):
        list.insert(self, index, self._check(value))
        self._message._touch()

    def __iadd__(self, values):
        self.extend(values)
        return self

    def __setitem__(self, index, value):
        if isinstance(index, slice):
            value = [self._check(one) for one in value]
        else:
            value = self._check(value)
        list.__setitem__(self, index, value)

    def __deepcopy__(self, memo):
        return list(self)

    def __reduce__(self):
        return list, (list(self),)


class RepeatedMessage(_Container, list):
    """The messages of a repeated field."""

    __slots__ = ("_message", "_type")

    def __init__(self, field, message, values=()):
        list.__init__(self, values)
        self._type, self._message = field.type_class, message

    def add(self, **fields):
        """A new message at the end, its fields as given."""
        made = self._type(**fields)
        list.append(self, made)
        self._message._touch()
        return made

    def _copy(self, value):
        if isinstance(value, dict):
            return self._type(**value)
        if type(value) is not self._type:
            raise TypeError(f"expected a message of type {self._type.__name__}, got {type(value).__name__}")
        made = self._type()
        made.MergeFrom(value)
        return made

    def append(self, value):
        list.append(self, self._copy(value))
        self._message._touch()

    def extend(self, values):
        if values is not None:
            list.extend(self, [self._copy(value) for value in values])
            self._message._touch()

    def insert(self, index, value):
        list.insert(self, index, self._copy(value))
        self._message._touch()

    def __iadd__(self, values):
        self.extend(values)
        return self

    def __setitem__(self, index, value):
        raise TypeError("messages of a repeated field are not assigned: change them, or delete and add")

    def __deepcopy__(self, memo):
        return [self._copy(value) for value in self]

    def __reduce__(self):
        return list, (list(self),)


class ScalarMap(_Container, dict):
    """A map field to numbers, strings or bytes. Reading a key that is not there makes it, with the default."""

    __slots__ = ("_field", "_message")

    def __init__(self, field, message):
        dict.__init__(self)
        self._field, self._message = field, message

    def __missing__(self, key):
        value = self[key] = self._field.value.default
        return value

    def __contains__(self, key):
        return dict.__contains__(self, self._field.key.check(key))

    def get(self, key, default=None):
        return dict.get(self, self._field.key.check(key), default)

    def __setitem__(self, key, value):
        dict.__setitem__(self, self._field.key.check(key), self._field.value.check(value))
        self._message._touch()

    def update(self, *other, **more):
        for key, value in dict(*other, **more).items():
            self[key] = value

    def setdefault(self, key, default=None):
        if key not in self:
            self[key] = default
        return self[key]

    def __deepcopy__(self, memo):
        return dict(self)

    def __reduce__(self):
        return dict, (dict(self),)


class MessageMap(_Container, dict):
    """A map field to messages. Reading a key that is not there makes an empty message."""

    __slots__ = ("_field", "_message")

    def __init__(self, field, message):
        dict.__init__(self)
        self._field, self._message = field, message

    def __missing__(self, key):
        value = self._field.value.type_class()
        dict.__setitem__(self, self._field.key.check(key), value)
        self._message._touch()
        return value

    def get_or_create(self, key):
        """The message of KEY, made if need be."""
        return self[key]

    def __contains__(self, key):
        return dict.__contains__(self, self._field.key.check(key))

    def get(self, key, default=None):
        return dict.get(self, self._field.key.check(key), default)

    def __setitem__(self, key, value):
        raise ValueError("messages of a map are not assigned: use map[key].CopyFrom(message)")

    def update(self, *other, **more):
        for key, value in dict(*other, **more).items():
            made = self._field.value.type_class()
            if isinstance(value, dict):
                value = type(made)(**value)
            made.MergeFrom(value)
            dict.__setitem__(self, self._field.key.check(key), made)
        self._message._touch()

    def setdefault(self, key, default=None):
        raise NotImplementedError("setdefault of a map to messages")

    def __deepcopy__(self, memo):
        return {key: value.__deepcopy__(memo) for key, value in self.items()}

    def __reduce__(self):
        return dict, (dict(self),)
