"""Exceptions: one class for each of TensorFlow's error codes."""

from tenon.python.util.tf_export import tf_export

_CLASSES = {
    1: "Cancelled", 2: "Unknown", 3: "InvalidArgument", 4: "DeadlineExceeded", 5: "NotFound", 6: "AlreadyExists",
    7: "PermissionDenied", 8: "ResourceExhausted", 9: "FailedPrecondition", 10: "Aborted", 11: "OutOfRange",
    12: "Unimplemented", 13: "Internal", 14: "Unavailable", 15: "DataLoss", 16: "Unauthenticated",
}  # fmt: skip
_DOCS = {
    1: "A step, or something it waited for, was cancelled.", 2: "Something failed without a better code.",
    3: "An argument is wrong, whatever the state of the system.", 4: "The time limit passed first.",
    5: "Something asked for does not exist.", 6: "Something to be made exists already.",
    7: "The caller may not do this.", 8: "Memory, or another bounded thing, is used up.",
    9: "The state is not one in which this can be done: a variable is not initialised, say.",
    10: "The operation was given up, through a conflict with another.",
    11: "The end was passed: of a queue, a dataset, a file.", 12: "Nobody has written this yet.",
    13: "Tenon broke its own rules.", 14: "A task can't be reached now.", 15: "Data is lost or corrupt.",
    16: "The caller is not known.",
}  # fmt: skip
TF_EXPORTS = {
    "errors.CANCELLED": "CANCELLED", "errors.UNKNOWN": "UNKNOWN", "errors.INVALID_ARGUMENT": "INVALID_ARGUMENT",
    "errors.DEADLINE_EXCEEDED": "DEADLINE_EXCEEDED", "errors.NOT_FOUND": "NOT_FOUND",
    "errors.ALREADY_EXISTS": "ALREADY_EXISTS", "errors.PERMISSION_DENIED": "PERMISSION_DENIED",
    "errors.RESOURCE_EXHAUSTED": "RESOURCE_EXHAUSTED", "errors.FAILED_PRECONDITION": "FAILED_PRECONDITION",
    "errors.ABORTED": "ABORTED", "errors.OUT_OF_RANGE": "OUT_OF_RANGE", "errors.UNIMPLEMENTED": "UNIMPLEMENTED",
    "errors.INTERNAL": "INTERNAL", "errors.UNAVAILABLE": "UNAVAILABLE", "errors.DATA_LOSS": "DATA_LOSS",
    "errors.UNAUTHENTICATED": "UNAUTHENTICATED", "errors.OK": "OK",
    "errors.CancelledError": "CancelledError", "errors.UnknownError": "UnknownError",
    "errors.InvalidArgumentError": "InvalidArgumentError", "errors.DeadlineExceededError": "DeadlineExceededError",
    "errors.NotFoundError": "NotFoundError", "errors.AlreadyExistsError": "AlreadyExistsError",
    "errors.PermissionDeniedError": "PermissionDeniedError",
    "errors.ResourceExhaustedError": "ResourceExhaustedError",
    "errors.FailedPreconditionError": "FailedPreconditionError", "errors.AbortedError": "AbortedError",
    "errors.OutOfRangeError": "OutOfRangeError", "errors.UnimplementedError": "UnimplementedError",
    "errors.InternalError": "InternalError", "errors.UnavailableError": "UnavailableError",
    "errors.DataLossError": "DataLossError", "errors.UnauthenticatedError": "UnauthenticatedError",
}  # fmt: skip
OK = 0


def _origin(message):
    """(op type, node name) in a message that reads "... Op 'node': ..." or ends with " [[{{node node}}]]" (which tells
    no type); or (None, None)."""
    import re  # only errors need it, and it takes longer to load than all of this package

    placed = re.search(r"\[\[\{\{node ([^}]*)\}\}\]\]$", message)
    if placed:
        return None, placed.group(1)
    found = re.search(r"(?:^|: )(\w+) '([^']*)'", message)
    return found.groups() if found else (None, None)


@tf_export("errors.OpError", "OpError")
class OpError(Exception):
    """A step or a graph that failed. `error_code` is the number, `message` what went wrong, `op` the Operation.

    `trace` tells the places that the error passed inside the library.
    """

    code = 2
    trace = ""

    def __init__(self, node_def=None, op=None, message=None, error_code=None, *_):
        if message is None and isinstance(node_def, str):  # OpError(message)
            node_def, message = None, node_def
        super().__init__(node_def, op, message, error_code)
        self._node_def = node_def
        self._op = op
        self._message = message or ""
        if error_code is not None:
            self.code = error_code

    def __reduce__(self):
        return type(self), (None, None, self._message, *self._more())

    def _more(self):
        return (self.code,) if type(self) is OpError else ()

    @property
    def message(self):
        """What went wrong."""
        return self._message

    @property
    def op(self):
        """The Operation that failed; None if it is not known, or not one of the graph's."""
        return self._op

    @property
    def node_def(self):
        """The NodeDef of the operation that failed, None if it is not known."""
        if self._node_def is None and self._op is not None:
            self._node_def = self._op.node_def
        return self._node_def

    @property
    def error_code(self):
        """The number of the error's kind, as in tf.errors.NOT_FOUND."""
        return self.code

    @property
    def experimental_payloads(self):
        """Nothing: payloads are not kept."""
        return {}

    @property
    def op_type(self):
        """The op type that the message names, or None."""
        return _origin(self._message)[0]

    @property
    def node_name(self):
        """The node that the message names, or None."""
        return _origin(self._message)[1]

    def __str__(self):
        if self._op is None:
            return self._message
        lines = [self._message, "", f"Original stack trace for '{self._op.name}':"]
        return "\n".join(lines) + "\n" + "".join(self._op._traceback_lines())


def _constant(name):
    return "".join(f"_{c}" if c.isupper() else c for c in name).strip("_").upper()


def _init(self, node_def=None, op=None, message=None, *_):
    OpError.__init__(self, node_def, op, message)


CODES = {code: _constant(name) for code, name in _CLASSES.items()}
_BY_CODE = {code: type(f"{name}Error", (OpError,), {"code": code, "__doc__": _DOCS[code], "__module__": __name__,
                                                    "__init__": _init})
            for code, name in _CLASSES.items()}  # fmt: skip
globals().update({cls.__name__: cls for cls in _BY_CODE.values()})
globals().update({name: code for code, name in CODES.items()})


def make(code, message, trace):
    """The exception for an error of the library."""
    error = _BY_CODE.get(code, OpError)(None, None, message)
    error.trace = trace
    return error


@tf_export("errors.exception_type_from_error_code")
def exception_type_from_error_code(error_code):
    """The class of errors with that number."""
    return _BY_CODE[error_code]


@tf_export("errors.error_code_from_exception_type")
def error_code_from_exception_type(cls):
    """The number of the errors of a class."""
    for code, known in _BY_CODE.items():
        if known is cls:
            return code
    raise ValueError(f"{cls!r} is not a class of errors with a code")


@tf_export("errors.raise_exception_on_not_ok_status")
class raise_exception_on_not_ok_status:
    """A `with` block that does nothing: errors of the library are raised as they come."""

    def __enter__(self):
        return None

    def __exit__(self, *_):
        return False
