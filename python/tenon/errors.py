"""Exceptions: one class for each of TensorFlow's error codes."""


def _origin(message):
    """(op type, node name) in a message that reads "... Op 'node': ...", or (None, None)."""
    import re  # only errors need it, and it takes longer to load than all of this package

    found = re.search(r"(?:^|: )(\w+) '([^']*)'", message)
    return found.groups() if found else (None, None)


class OpError(Exception):
    """A step or a graph that failed. `code` is the number, `message` what went wrong, `trace` the places it passed."""

    code = 2

    def __init__(self, message, trace=""):
        super().__init__(message)
        self.message = message
        self.trace = trace

    @property
    def error_code(self):
        return self.code

    @property
    def op_type(self):
        """The op type that the message names, or None."""
        return _origin(self.message)[0]

    @property
    def node_name(self):
        """The node that the message names, or None."""
        return _origin(self.message)[1]

    def __str__(self):
        return self.message


_CLASSES = {
    1: "Cancelled", 2: "Unknown", 3: "InvalidArgument", 4: "DeadlineExceeded", 5: "NotFound", 6: "AlreadyExists",
    7: "PermissionDenied", 8: "ResourceExhausted", 9: "FailedPrecondition", 10: "Aborted", 11: "OutOfRange",
    12: "Unimplemented", 13: "Internal", 14: "Unavailable", 15: "DataLoss", 16: "Unauthenticated",
}  # fmt: skip


def _constant(name):
    return "".join(f"_{c}" if c.isupper() else c for c in name).strip("_").upper()


CODES = {code: _constant(name) for code, name in _CLASSES.items()}
_BY_CODE = {code: type(f"{name}Error", (OpError,), {"code": code, "__doc__": f"{CODES[code]}.", "__module__": __name__})
            for code, name in _CLASSES.items()}  # fmt: skip
globals().update({cls.__name__: cls for cls in _BY_CODE.values()})
globals().update({name: code for code, name in CODES.items()})

__all__ = ["CODES", "OpError", *CODES.values(), *(cls.__name__ for cls in _BY_CODE.values())]


def make(code, message, trace):
    """The exception for an error of the library."""
    return _BY_CODE.get(code, OpError)(message, trace)
