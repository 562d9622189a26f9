"""HDF5 files with h5py's way of using them, as far as Keras does: groups, datasets, attributes.

A file is read whole when it is opened; what is put into a new one is written when it is closed or flushed.
"""

import mmap
import os

import numpy as np

from tenon import _core


class AttributeManager(dict):
    """The attributes of a group or dataset: arrays, numbers and texts by their names."""

    def create(self, name, data, shape=None, dtype=None):
        """Sets one."""
        self[name] = np.asarray(data, dtype) if dtype is not None else data


class Dataset:
    """An array in a file; data[()] and np.asarray(data) are the array."""

    def __init__(self, name, value):
        self.name, self._value, self.attrs = name, value, AttributeManager()

    shape = property(lambda self: self._value.shape)
    dtype = property(lambda self: self._value.dtype)
    ndim = property(lambda self: self._value.ndim)
    size = property(lambda self: self._value.size)

    def __len__(self):
        return len(self._value)

    def __getitem__(self, key):
        return self._value[key]

    def __setitem__(self, key, value):
        if not self._value.flags.writeable:
            self._value = self._value.copy()
        self._value[key] = value

    def __array__(self, dtype=None, copy=None):
        return np.array(self._value, dtype=dtype)

    def __repr__(self):
        return f'<HDF5 dataset "{self.name}": shape {self.shape}, type "{self.dtype.str}">'


class Group:
    """A folder of groups and datasets; names may be paths."""

    def __init__(self, name):
        self.name, self._members, self.attrs = name, {}, AttributeManager()

    def _step(self, name, make=False):
        here = self
        for part in str(name).strip("/").split("/"):
            if not part:
                continue
            if not isinstance(here, Group):
                raise KeyError(f"Unable to open object: '{here.name}' is a dataset, no group")
            if part not in here._members:
                if not make:
                    raise KeyError(f"Unable to open object (object '{part}' doesn't exist)")
                here._members[part] = Group(f"{here.name.rstrip('/')}/{part}")
            here = here._members[part]
        return here

    def __getitem__(self, name):
        return self._step(name)

    def __contains__(self, name):
        try:
            self._step(name)
        except KeyError:
            return False
        return True

    def get(self, name, default=None):
        """The member of that name."""
        try:
            return self[name]
        except KeyError:
            return default

    def keys(self):
        """The names of the members, sorted."""
        return sorted(self._members)

    def values(self):
        """The members."""
        return [self._members[k] for k in self.keys()]

    def items(self):
        """(name, member) pairs."""
        return [(k, self._members[k]) for k in self.keys()]

    def __iter__(self):
        return iter(self.keys())

    def __len__(self):
        return len(self._members)

    def __repr__(self):
        return f'<HDF5 group "{self.name}" ({len(self)} members)>'

    def _new(self, name):
        if name in self:
            raise ValueError(f"Unable to create '{name}' in '{self.name}' (name already exists)")
        lead, _, last = str(name).strip("/").rpartition("/")
        return self._step(lead, make=True), last

    def create_group(self, name):
        """A new group, and those above it."""
        self._new(name)
        return self._step(name, make=True)

    def require_group(self, name):
        """The group of that name, made if it is not there."""
        return self._step(name, make=True)

    def create_dataset(self, name, shape=None, dtype=None, data=None, **_):
        """A new dataset, of an array or of a shape."""
        group, last = self._new(name)
        if data is None:
            data = np.zeros(shape, dtype or "f4")
        value = np.array(data, dtype=dtype)
        if shape is not None:
            value = value.reshape(shape)
        made = group._members[last] = Dataset(f"{group.name.rstrip('/')}/{last}", value)
        return made

    def __setitem__(self, name, value):
        self.create_dataset(name, data=value)

    def __delitem__(self, name):
        lead, _, last = str(name).strip("/").rpartition("/")
        del self._step(lead)._members[last]

    def visititems(self, function):
        """Calls FUNCTION(path, member) for all that is inside, until it gives something."""
        for key, member in self.items():
            found = function(member.name.strip("/"), member)
            if found is None and isinstance(member, Group):
                found = member.visititems(function)
            if found is not None:
                return found
            del key
        return None


def _value(type, shape, data):
    """An attribute as h5py gives it: texts of any length as str, scalars as NumPy's, else arrays."""
    if type == "O":
        texts = [t.decode("utf-8", "surrogateescape") for t in data]
        return texts[0] if shape == () else np.array(texts, dtype=object).reshape(shape)
    found = np.frombuffer(data, dtype=type).reshape(shape).copy()
    return found[()]


def _record(value):
    """(type, shape, data) of an attribute's value."""
    if isinstance(value, str):
        value = value.encode("utf-8", "surrogateescape")
    if isinstance(value, bytes):
        return "O", (), [value]
    array = np.asarray(value)
    if array.dtype.kind == "O" or array.dtype.kind == "U":
        texts = [v.encode("utf-8", "surrogateescape") if isinstance(v, str) else v for v in array.ravel().tolist()]
        if not all(isinstance(t, bytes) for t in texts):
            raise TypeError(f"HDF5: objects of type {array.dtype} have no equivalent in the file")
        return "O", array.shape, texts
    array = _plain(array)
    return array.dtype.str, array.shape, array.tobytes()


def _plain(array):
    """An array of a type that files have."""
    if array.dtype.kind == "b":
        array = array.astype("i1")
    if array.dtype.kind == "S" and array.dtype.itemsize == 0:
        array = array.astype("S1")
    if array.dtype.kind not in "fiuS":
        raise TypeError(f"HDF5: arrays of type {array.dtype} have no equivalent in the file")
    return np.require(array, requirements="C")


class File(Group):
    """A file: "r" reads one, "w" makes one, "a" or "r+" does both, "x" or "w-" makes one that must not be there."""

    def __init__(self, name, mode="r", **_):
        super().__init__("/")
        self.filename, self.mode, self._open = os.fspath(name), mode, True
        if mode not in ("r", "r+", "a", "w", "w-", "x"):
            raise ValueError("Invalid mode; must be one of r, r+, w, w-, x, a")
        there = os.path.exists(self.filename)
        if mode in ("w-", "x") and there:
            raise FileExistsError(f"Unable to create file (file exists): {self.filename}")
        if mode in ("r", "r+") or (mode == "a" and there):
            self._read()
        else:
            self.flush()  # what cannot be written is said now

    def _read(self):
        try:
            with open(self.filename, "rb") as f:
                size = os.fstat(f.fileno()).st_size
                data = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ) if size else b""
        except FileNotFoundError:
            raise FileNotFoundError(
                f"Unable to open file (unable to open file: name = '{self.filename}', errno = 2)"
            ) from None
        try:
            records = _core.h5_read(data)
        except Exception as error:
            raise OSError(f"Unable to open file {self.filename}: {error}") from error
        for kind, path, *rest in records:
            path = path.decode("utf-8", "surrogateescape")
            if kind == "group":
                self._step(path, make=True)
            elif kind == "dataset":
                self._add(path, data, *rest)
            else:
                name, type, shape, value = rest
                self._step(path).attrs[name.decode("utf-8", "surrogateescape")] = _value(type, shape, value)

    def _add(self, path, data, type, shape, at):
        if isinstance(at, list):
            value = np.array([t.decode("utf-8", "surrogateescape") for t in at], dtype=object).reshape(shape)
        elif at < 0:
            value = np.zeros(shape, type)
        else:
            count = int(np.prod(shape, dtype=np.int64))
            value = np.frombuffer(data, type, count, at).reshape(shape)
        lead, _, last = path.strip("/").rpartition("/")
        self._step(lead, make=True)._members[last] = Dataset(path, value)

    def _records(self, member, found):
        path = member.name.encode("utf-8", "surrogateescape")
        if isinstance(member, Group):
            found.append(("group", path))
        else:
            array = _plain(member._value)
            found.append(("dataset", path, array.dtype.str, array.shape, array))
        for name, value in member.attrs.items():
            found.append(("attribute", path, name.encode("utf-8", "surrogateescape"), *_record(value)))
        if isinstance(member, Group):
            for inner in member.values():
                self._records(inner, found)
        return found

    def flush(self):
        """Writes the file, if it is not only read."""
        if self.mode != "r" and self._open:
            try:
                _core.h5_write(self.filename, self._records(self, []))
            except (TypeError, ValueError, OSError):
                raise
            except Exception as error:
                raise OSError(f"Unable to create file {self.filename}: {error}") from error

    def close(self):
        """Writes and closes it."""
        self.flush()
        self._open = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __bool__(self):
        return self._open
