"""google.protobuf.text_format: our messages as text, both ways."""

from tenon.python.framework.proto_text import (
    Error,
    Merge,
    MergeLines,
    MessageToBytes,
    MessageToString,
    Parse,
    ParseError,
    ParseLines,
    PrintMessage,
)

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
