"""Messages as text, both ways: .pbtxt files, the `checkpoint` file, and what print() shows."""

import math
import re
import struct

_ESCAPES = {9: "\\t", 10: "\\n", 13: "\\r", 34: '\\"', 39: "\\'", 92: "\\\\"}
_UNESCAPES = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, "\\": 92, "'": 39, '"': 34, "?": 63}
_FLOAT = struct.Struct("<f")


class Error(Exception):
    """What is wrong with a text or a message."""


class ParseError(Error):
    """A text that is not a message of the type asked for, with the place in it."""

    def __init__(self, message=None, line=None, column=None):
        where = f"{line}:{column} : " if line is not None else ""
        super().__init__(where + (message or ""))
        self._line, self._column = line, column

    def GetLine(self):
        return self._line

    def GetColumn(self):
        return self._column


# --- printing -------------------------------------------------------------------------------------------------------


def escape(data, utf8=False):
    """The bytes DATA as they stand between quotes; with UTF8, letters beyond ASCII stay."""
    if utf8:
        return "".join(
            _ESCAPES.get(ord(c)) or (c if ord(c) > 127 or 32 <= ord(c) < 127 else f"\\{ord(c):03o}")
            for c in data.decode()
        )
    return "".join(_ESCAPES.get(c) or (chr(c) if 32 <= c < 127 else f"\\{c:03o}") for c in data)


def _to_float32(value):
    try:
        return _FLOAT.unpack(_FLOAT.pack(value))[0]
    except OverflowError:
        return math.copysign(math.inf, value)


def _number(value, kind, plain):
    """A floating-point number with as few digits as give it again; PLAIN leaves the point of whole numbers out."""
    if value != value:
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    if plain:
        low, high = (6, 9) if kind == "float" else (15, 17)
        text = f"{value:.{low}g}"
        again = _to_float32(float(text)) if kind == "float" else float(text)
        return text if again == value else f"{value:.{high}g}"
    if kind == "float":
        for digits in range(6, 10):
            text = float(f"{value:.{digits}g}")
            if _to_float32(text) == value:
                return repr(text)
    return repr(value)


class _Printer:
    def __init__(self, as_utf8, as_one_line, plain, float_format=None, double_format=None):
        self.utf8, self.one_line, self.plain = as_utf8, as_one_line, plain
        self.formats = {"float": float_format, "double": double_format}
        self.parts = []

    def line(self, indent, text):
        self.parts.append(f"{text} " if self.one_line else f"{' ' * indent}{text}\n")

    def message(self, message, indent):
        for field, value in message.ListFields():
            if field.is_map:
                for key in sorted(value):
                    self.entry(field, key, value[key], indent)
            else:
                for one in value if field.is_repeated else [value]:
                    self.field(field, one, indent)

    def entry(self, field, key, value, indent):
        self.line(indent, field.name + " {")
        self.field(field.key, key, indent + 2)
        self.field(field.value, value, indent + 2)
        self.line(indent, "}")

    def field(self, field, value, indent):
        if field.kind == "message":
            self.line(indent, field.name + " {")
            self.message(value, indent + 2)
            self.line(indent, "}")
        else:
            self.line(indent, f"{field.name}: {self.scalar(field, value)}")

    def scalar(self, field, value):
        if field.kind == "string":
            return f'"{escape(value.encode(), self.utf8)}"'
        if field.kind == "bytes":
            return f'"{escape(value)}"'
        if field.kind == "bool":
            return "true" if value else "false"
        if field.kind == "enum":
            return field.enum_type._names.get(value, str(value))
        if field.kind in self.formats:
            form = self.formats[field.kind]
            return format(value, form.lstrip("%")) if form else _number(value, field.kind, self.plain)
        return str(value)


def to_text(message):
    """What str(message) gives."""
    printer = _Printer(True, False, True)
    printer.message(message, 0)
    return "".join(printer.parts)


def MessageToString(
    message, as_utf8=True, as_one_line=False, float_format=None, double_format=None, indent=0, **unused
):
    """MESSAGE as text that Parse reads: one field a line, or all in one."""
    printer = _Printer(as_utf8, as_one_line, False, float_format, double_format)
    printer.message(message, indent)
    text = "".join(printer.parts)
    return text.rstrip() if as_one_line else text


def MessageToBytes(message, **options):
    """MessageToString's text, as UTF-8."""
    return MessageToString(message, **options).encode("utf-8")


def PrintMessage(message, out, **options):
    """Writes MessageToString's text to the file OUT."""
    out.write(MessageToString(message, **options))


# --- parsing --------------------------------------------------------------------------------------------------------

_TOKEN = re.compile(
    r"""(?P<space>(?:\s|\#[^\n]*)+)|(?P<string>"(?:[^"\n\\]|\\.)*"|'(?:[^'\n\\]|\\.)*')|(?P<word>[A-Za-z_][\w.]*)"""
    r"""|(?P<number>(?:0[xX][0-9A-Fa-f]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)[fF]?)|(?P<sign>.)""",
    re.DOTALL,
)
_CLOSE = {"{": "}", "<": ">"}
_DEPTH = 100


def unescape(text):
    """The bytes that stand, escaped, between quotes."""
    out = bytearray()
    at = 0
    while at < len(text):
        c = text[at]
        at += 1
        if c != "\\":
            out += c.encode("utf-8")
            continue
        match = re.compile(r"[0-7]{1,3}|[xX][0-9A-Fa-f]{1,2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.", re.DOTALL).match(
            text, at
        )
        if match is None:
            raise ValueError("a string ends within an escape")
        word = match.group()
        at = match.end()
        if word[0] in "01234567":
            out.append(int(word, 8) & 255)
        elif word[0] in "xX" and len(word) > 1:
            out.append(int(word[1:], 16))
        elif word[0] in "uU" and len(word) > 1:
            out += chr(int(word[1:], 16)).encode("utf-8")
        elif word in _UNESCAPES:
            out.append(_UNESCAPES[word])
        else:
            raise ValueError(f"unknown escape \\{word}")
    return bytes(out)


class _Parser:
    def __init__(self, text, repeat_scalars, allow_unknown):
        self.text = text
        self.repeat_scalars, self.allow_unknown = repeat_scalars, allow_unknown
        self.at = 0
        self.advance()

    def advance(self):
        """Moves to the next token: its kind ("" at the end), its text and its place."""
        match = _TOKEN.match(self.text, self.at)
        if match and match.lastgroup == "space":
            match = _TOKEN.match(self.text, match.end())
        if match is None or match.end() == match.start():
            self.kind, self.word, self.start, self.at = "", "", len(self.text), len(self.text)
        else:
            self.kind, self.word, self.start, self.at = match.lastgroup, match.group(), match.start(), match.end()

    def fail(self, message, start=None):
        start = self.start if start is None else start
        line = self.text.count("\n", 0, start)
        raise ParseError(message, line + 1, start - (self.text.rfind("\n", 0, start) + 1) + 1)

    def take(self, word):
        if self.word != word or self.kind == "string":
            return False
        self.advance()
        return True

    def expect(self, word):
        if not self.take(word):
            self.fail(f'Expected "{word}".' if self.kind == "" else f'Expected "{word}" but found: {self.word!r}')

    def fields(self, message, close, depth):
        while self.word != close or self.kind == "string":
            if self.kind == "":
                self.fail(f'Expected "{close}".')
            self.one_field(message, depth)
            if not self.take(","):
                self.take(";")

    def one_field(self, message, depth):
        descriptor = message.DESCRIPTOR
        start, name = self.start, self.word
        if self.kind != "word":
            self.fail(f"Expected identifier or number, got {self.word}.")
        self.advance()
        field = descriptor.fields_by_name.get(name)
        if field is None:
            if not self.allow_unknown:
                self.fail(f'Message type "{descriptor.full_name}" has no field named "{name}".', start)
            self.skip_value(depth)
            return
        colon = self.take(":")
        if field.kind != "message" and not colon:
            self.fail('Expected ":".')
        if not field.is_repeated or not self.take("["):
            self.value(message, field, start, depth)
            return
        while not self.take("]"):
            self.value(message, field, start, depth)
            if not self.take(",") and self.word != "]":
                self.fail('Expected "]".')

    def value(self, message, field, start, depth):
        if field.kind == "message":
            close = _CLOSE.get(self.word)
            if close is None:
                self.fail(f'Expected "{{" but found: {self.word!r}')
            if depth <= 0:
                self.fail("messages are nested too deeply")
            self.advance()
            self.inner(message, field, close, start, depth - 1)
            self.advance()
            return
        value = self.scalar(field)
        if field.is_repeated:
            getattr(message, field.name).append(value)
            return
        if not self.repeat_scalars:
            if (
                field.has_presence
                and field.present(message)
                or (not field.has_presence and field.name in message._values)
            ):
                self.fail(
                    f'Message type "{message.DESCRIPTOR.full_name}" should not have multiple "{field.name}" fields.',
                    start,
                )
            other = message.WhichOneof(field.oneof) if field.oneof else None
            if other is not None:
                self.fail(
                    f'Field "{field.name}" is specified along with field "{other}", another member of oneof '
                    f'"{field.oneof}" for message type "{message.DESCRIPTOR.full_name}".', start
                )  # fmt: skip
        setattr(message, field.name, value)

    def inner(self, message, field, close, start, depth):
        if field.is_map:
            entry = _Entry(field)
            self.fields(entry, close, depth)
            key, value = entry._values.get("key", field.key.default), entry._values.get("value")
            held = getattr(message, field.name)
            if field.value.kind == "message":
                made = held[key]
                made.Clear()
                if value is not None:
                    made.MergeFrom(value)
            else:
                held[key] = field.value.default if value is None else value
        elif field.is_repeated:
            self.fields(getattr(message, field.name).add(), close, depth)
        else:
            if not self.repeat_scalars and field.present(message):
                self.fail(
                    f'Message type "{message.DESCRIPTOR.full_name}" should not have multiple "{field.name}" fields.',
                    start,
                )
            held = getattr(message, field.name)
            held.SetInParent()
            self.fields(held, close, depth)

    def scalar(self, field):
        start = self.start
        try:
            if field.kind in ("string", "bytes"):
                return field.check(self.string())
            if field.kind == "enum":
                return self.enum(field)
            if field.kind == "bool":
                return self.boolean()
            return field.check(self.number(field.kind in ("float", "double")))
        except ParseError:
            raise
        except (ValueError, TypeError) as error:
            return self.fail(f"{self.text.splitlines()[self.text.count(chr(10), 0, start)]!r}: {error}", start)

    def string(self):
        if self.kind != "string":
            raise ValueError(f"Expected string but found: {self.word!r}")
        data = b""
        while self.kind == "string":
            data += unescape(self.word[1:-1])
            self.advance()
        return data

    def enum(self, field):
        if self.kind == "word":
            word = self.word
            if word not in field.enum_type._numbers:
                raise ValueError(f'Enum type "{field.enum_type.full_name}" has no value named {word}.')
            self.advance()
            return field.enum_type._numbers[word]
        return field.check(self.number(False))

    def boolean(self):
        word = self.word
        if word not in ("true", "t", "True", "1", "false", "f", "False", "0"):
            raise ValueError(f"Expected boolean but found: {word!r}")
        self.advance()
        return word in ("true", "t", "True", "1")

    def number(self, floating):
        negative = self.take("-")
        word = self.word
        if floating and self.kind == "word" and word.lower().rstrip("f") in ("in", "infinity", "nan"):
            value = math.nan if word.lower().startswith("nan") else math.inf
        elif self.kind != "number":
            raise ValueError(f"Couldn't parse {'float' if floating else 'integer'}: {word}")
        elif word[:2] in ("0x", "0X"):
            value = int(word, 16)
        elif floating:
            value = float(word.rstrip("fF"))
        elif re.fullmatch("0[0-7]+", word):
            value = int(word, 8)
        else:
            value = int(word)
        self.advance()
        return -value if negative else value

    def skip_value(self, depth):
        """Passes over the value of an unknown field."""
        self.take(":")
        if depth <= 0:
            self.fail("messages are nested too deeply")
        close = {**_CLOSE, "[": "]"}.get(self.word)
        if close is None or self.kind == "string":
            self.take("-")
            kind = self.kind
            self.advance()
            while kind == "string" == self.kind:
                self.advance()
            return
        self.advance()
        while not self.take(close):
            if self.kind == "":
                self.fail(f'Expected "{close}".')
            if close != "]":
                self.advance()
            self.skip_value(depth - 1)
            if not self.take(","):
                self.take(";")


class _Entry:
    """The entry of a map while it is read: looks like a message with the fields key and value."""

    def __init__(self, field):
        self.__dict__.update(_values={}, DESCRIPTOR=field.entry, _value=field.value)

    def __getattr__(self, name):
        if name == "value" and self._value.kind == "message":
            if "value" not in self._values:
                self._values["value"] = self._value.type_class()
            return self._values["value"]
        raise AttributeError(name)

    def __setattr__(self, name, value):
        self._values[name] = value


def _text_of(text):
    return text.decode("utf-8") if isinstance(text, bytes) else text


def Merge(text, message, allow_unknown_extension=False, allow_field_number=False, descriptor_pool=None,
          allow_unknown_field=False):  # fmt: skip
    """Adds to MESSAGE what TEXT says; a scalar may stand in it more than once. Returns MESSAGE."""
    _Parser(_text_of(text), True, allow_unknown_field).fields(message, "", _DEPTH)
    return message


def Parse(text, message, allow_unknown_extension=False, allow_field_number=False, descriptor_pool=None,
          allow_unknown_field=False):  # fmt: skip
    """Reads TEXT into MESSAGE, which is returned; ParseError names the line and column of what is wrong."""
    _Parser(_text_of(text), False, allow_unknown_field).fields(message, "", _DEPTH)
    return message


def MergeLines(lines, message, **options):
    """Merge of the text that LINES make."""
    return Merge("\n".join(map(_text_of, lines)), message, **options)


def ParseLines(lines, message, **options):
    """Parse of the text that LINES make."""
    return Parse("\n".join(map(_text_of, lines)), message, **options)
