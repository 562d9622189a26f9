"""google.protobuf.text_format: for our messages our own, for others that package's where it is there."""

import functools

from tenon.python.framework import proto_text
from tenon.python.framework.proto_message import Message
from tenon.python.framework.proto_text import Error, ParseError


def _either(name, place):
    ours = getattr(proto_text, name)

    @functools.wraps(ours)
    def call(*arguments, **options):
        message = arguments[place] if len(arguments) > place else options.get("message")
        if isinstance(message, Message):
            return ours(*arguments, **options)
        from google.protobuf import text_format

        return getattr(text_format, name)(*arguments, **options)

    return call


MessageToString = _either("MessageToString", 0)
MessageToBytes = _either("MessageToBytes", 0)
PrintMessage = _either("PrintMessage", 0)
Parse = _either("Parse", 1)
Merge = _either("Merge", 1)
ParseLines = _either("ParseLines", 1)
MergeLines = _either("MergeLines", 1)

__all__ = [
    "Error",
    "Merge",
    "MergeLines",
    "MessageToBytes",
    "MessageToString",
    "Parse",
    "ParseError",
    "ParseLines",
    "PrintMessage",
]
