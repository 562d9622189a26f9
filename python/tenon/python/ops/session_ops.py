"""Tensors that stay in the session between steps."""

from tenon.python.framework import dtypes, ops
from tenon.python.ops import array_ops, gen_ops
from tenon.python.util.tf_export import tf_export


class TensorHandle:
    """What a step returns for get_session_handle(): a tensor that stays in the session until this is gone."""

    def __init__(self, handle, dtype, session):
        self._handle = handle.decode() if isinstance(handle, bytes) else str(handle)
        self._dtype = dtype
        self._session = session
        self._is_deleted = False

    def __del__(self):
        if self._is_deleted or self._session is None or getattr(self._session, "_closed", True):
            return
        try:
            self.delete()
        except Exception:  # the session may be gone, or Python ending
            self._is_deleted = True

    def __str__(self):
        return self._handle

    @property
    def handle(self):
        """The name under which it is kept."""
        return self._handle

    def get_raw_handle(self):
        """The name; the tensor stays until the session ends."""
        self._is_deleted = True
        return self._handle

    def to_string(self):
        """The name."""
        return self._handle

    def eval(self):
        """The tensor, as an array."""
        if self._is_deleted:
            raise TypeError("Calling eval() on a deleted tensor handle is not allowed.")
        with self._session.graph.as_default():
            holder, tensor = _cached(self._session.graph, "_session_tensors", self._dtype, get_session_tensor)
        return self._session.run(tensor, {holder: self._handle})

    def delete(self):
        """Forgets the tensor."""
        if self._is_deleted:
            raise ValueError("Calling delete() on a deleted tensor handle is not allowed.")
        self._is_deleted = True
        with self._session.graph.as_default():
            holder, delete = _cached(self._session.graph, "_session_deleters", None, delete_session_tensor)
        self._session.run(delete, {holder: self._handle})


def wrap_handles(session, mapping, places):
    """What a step of SESSION returns at PLACES of its items becomes TensorHandles."""
    build = mapping.build
    kinds = {place: mapping.items[place].op.inputs[0].dtype.base_dtype for place in places}

    def wrapped(values):
        return build([TensorHandle(v, kinds[i], session) if i in kinds else v for i, v in enumerate(values)])

    mapping.build = wrapped


def _cached(graph, attribute, dtype, build):
    """(placeholder for a name, node) of GRAPH: made once for each dtype."""
    made = graph.__dict__.setdefault(attribute, {})
    if dtype not in made:
        made[dtype] = build("", dtype) if dtype is not None else build("")
    return made[dtype]


@tf_export("get_session_handle")
def get_session_handle(data, name=None):
    """Keeps DATA in the session: what a step returns for it is a TensorHandle."""
    if not isinstance(data, ops.Tensor):
        raise TypeError("`data` must be of type Tensor.")
    return gen_ops.get_session_handle(data, name=name)


@tf_export("get_session_tensor")
def get_session_tensor(handle, dtype, name=None):
    """(placeholder for the name of a tensor that is kept, that tensor, of DTYPE)."""
    with ops.device(None):
        holder = array_ops.placeholder(dtypes.string)
        return holder, gen_ops.get_session_tensor(holder, dtype=dtype, name=name)


@tf_export("delete_session_tensor")
def delete_session_tensor(handle, name=None):
    """(placeholder for the name of a tensor that is kept, an operation that forgets it)."""
    with ops.device(None):
        holder = array_ops.placeholder(dtypes.string)
        return holder, gen_ops.delete_session_tensor(holder, name=name)
