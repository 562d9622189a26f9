"""Every message type and enum of proto/ by name: `proto.GraphDef`, `proto.get("tensorflow.tfprof.ProfileProto")`.

Classes are made when they are first asked for, from the table that scripts/gen_messages.py writes.
"""

import threading

from tenon import _messages as _table
from tenon.python.framework import proto_message as _message
from tenon.python.framework.proto_message import DecodeError, Message

_made = {}  # whole classes: other threads read it without the lock
_making = {}  # those whose inner types are being made, under the lock
_lock = threading.RLock()
# A short name means the type of package tensorflow, else that of any other.
_short = {}
for _names in _table.FILES.values():
    for _name in _names:
        if _name.startswith("tensorflow.") or _name.rpartition(".")[2] not in _short:
            _short[_name.rpartition(".")[2]] = _name

# What programs see; scripts/gen_api.py reads this.
TF_EXPORTS = {
    "AttrValue": "AttrValue",
    "ConfigProto": "ConfigProto",
    "Event": "Event",
    "GPUOptions": "GPUOptions",
    "GraphDef": "GraphDef",
    "GraphOptions": "GraphOptions",
    "HistogramProto": "HistogramProto",
    "LogMessage": "LogMessage",
    "MetaGraphDef": "MetaGraphDef",
    "NameAttrList": "NameAttrList",
    "NodeDef": "NodeDef",
    "OptimizerOptions": "OptimizerOptions",
    "RunMetadata": "RunMetadata",
    "RunOptions": "RunOptions",
    "SessionLog": "SessionLog",
    "Summary": "Summary",
    "SummaryMetadata": "SummaryMetadata",
    "TensorInfo": "TensorInfo",
    "contrib.tensorboard.plugins.projector.EmbeddingInfo": "EmbeddingInfo",
    "contrib.tensorboard.plugins.projector.ProjectorConfig": "ProjectorConfig",
    "contrib.tensorboard.plugins.projector.SpriteMetadata": "SpriteMetadata",
    "profiler.AdviceProto": "AdviceProto",
    "profiler.GraphNodeProto": "GraphNodeProto",
    "profiler.MultiGraphNodeProto": "MultiGraphNodeProto",
    "profiler.OpLogProto": "OpLogProto",
    "summary.Event": "Event",
    "summary.SessionLog": "SessionLog",
    "summary.Summary": "Summary",
    "summary.SummaryDescription": "SummaryDescription",
    "summary.TaggedRunMetadata": "TaggedRunMetadata",
    "train.BytesList": "BytesList",
    "train.ClusterDef": "ClusterDef",
    "train.Example": "Example",
    "train.Feature": "Feature",
    "train.FeatureList": "FeatureList",
    "train.FeatureLists": "FeatureLists",
    "train.Features": "Features",
    "train.FloatList": "FloatList",
    "train.Int64List": "Int64List",
    "train.JobDef": "JobDef",
    "train.QueueRunnerDef": "QueueRunnerDef",
    "train.SaverDef": "SaverDef",
    "train.SequenceExample": "SequenceExample",
    "train.ServerDef": "ServerDef",
}


def get(full_name):
    """The message class or enum of a full name; KeyError where there is none."""
    made = _made.get(full_name)
    if made is None:
        with _lock:
            made = _made.get(full_name) or _making.get(full_name) or _make(full_name)
    return made


def _find_enum(name):
    return get(name) if name in _table.ENUMS else None


def _lazily(name):
    return lambda: _made.get(name) or get(name)


def _make(name):
    if name in _table.ENUMS:
        made = _made[name] = _message.Enum(name, _table.ENUMS[name])
        return made
    made = _message.make_class(name, _table.MESSAGES[name], _find_enum, _lazily)
    _making[name] = made
    prefix = name + "."
    descriptor = made.DESCRIPTOR
    for inner in (*_table.MESSAGES, *_table.ENUMS):
        if inner.startswith(prefix) and "." not in inner[len(prefix) :]:
            _nest(made, descriptor, inner[len(prefix) :], get(inner))
    _made[name] = _making.pop(name)
    return made


def _nest(made, descriptor, name, inner):
    """Puts a type that was declared in a message into its class, with the values of an enum."""
    if not hasattr(made, name):
        setattr(made, name, inner)
    if isinstance(inner, _message.Enum):
        descriptor.enum_types.append(inner)
        descriptor.enum_types_by_name[name] = inner
        for value, number in inner.items():
            if not hasattr(made, value):
                setattr(made, value, number)
    else:
        inner.DESCRIPTOR.containing_type = descriptor
        descriptor.nested_types.append(inner.DESCRIPTOR)
        descriptor.nested_types_by_name[name] = inner.DESCRIPTOR


def names_of(file):
    """What a file of proto/ (`tensorflow/core/framework/graph`) defines at its top: {name: class, enum or number}."""
    found = {}
    for name in _table.FILES[file]:
        found[name.rpartition(".")[2]] = get(name)
        if name in _table.ENUMS:
            found.update(get(name).items())
    return found


def files():
    """The files of proto/, without their suffix."""
    return list(_table.FILES)


def __getattr__(name):
    if name in _short:
        return get(_short[name])
    raise AttributeError(f"module {__name__!r} has no message type {name!r}")


def __dir__():
    return [*globals(), *_short]


__all__ = ["DecodeError", "Message", "files", "get", "names_of"]
