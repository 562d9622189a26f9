"""google.protobuf.json_format: our messages as JSON, both ways."""

import base64
import json
import math

from tenon.python.framework.proto_text import _number


class Error(Exception):
    """What is wrong with a message or a text."""


class ParseError(Error):
    """JSON that is not a message of the type asked for."""


def _out(field, value, options):
    if field.kind == "message":
        return MessageToDict(value, **options)
    if field.kind == "enum":
        number = options["use_integers_for_enums"]
        return value if number else field.enum_type._names.get(value, value)
    if field.kind == "bytes":
        return base64.b64encode(value).decode()
    if field.kind in ("float", "double"):
        if math.isnan(value):
            return "NaN"
        if math.isinf(value):
            return "Infinity" if value > 0 else "-Infinity"
        return float(_number(value, field.kind, False))
    return str(value) if "64" in field.kind else value


def _key(field, value):
    return json.dumps(value) if field.kind == "bool" else str(value)


def MessageToDict(message, including_default_value_fields=False, preserving_proto_field_name=False,
                  use_integers_for_enums=False, always_print_fields_with_no_presence=False, **unused):  # fmt: skip
    """The message as nested dicts and lists: 64-bit numbers as strings, bytes in base64, enums by name."""
    every = including_default_value_fields or always_print_fields_with_no_presence
    options = {"including_default_value_fields": every, "preserving_proto_field_name": preserving_proto_field_name,
               "use_integers_for_enums": use_integers_for_enums}  # fmt: skip
    found = {}
    present = {field.name for field, _ in message.ListFields()}
    for field in message.DESCRIPTOR.fields:
        if field.name not in present and not (every and not field.has_presence):
            continue
        value, name = getattr(message, field.name), field.name if preserving_proto_field_name else field.json_name
        if field.is_map:
            found[name] = {_key(field.key, key): _out(field.value, value[key], options) for key in sorted(value)}
        elif field.is_repeated:
            found[name] = [_out(field, one, options) for one in value]
        else:
            found[name] = _out(field, value, options)
    return found


def MessageToJson(message, including_default_value_fields=False, preserving_proto_field_name=False, indent=2,
                  sort_keys=False, use_integers_for_enums=False, ensure_ascii=True, **options):  # fmt: skip
    """The same as text."""
    found = MessageToDict(
        message, including_default_value_fields, preserving_proto_field_name, use_integers_for_enums, **options
    )
    return json.dumps(found, indent=indent, sort_keys=sort_keys, ensure_ascii=ensure_ascii)


def _in(field, value):
    if field.kind == "bytes":
        return base64.b64decode(value)
    if field.kind in ("float", "double"):
        return float(value)
    if field.kind == "string" or field.kind == "enum":
        return value
    if field.kind == "bool":
        return {"true": True, "false": False}.get(value, value)
    return int(value)


def ParseDict(js_dict, message, ignore_unknown_fields=False, **unused):
    """Reads nested dicts, as MessageToDict gives them, into MESSAGE, which is returned."""
    fields = {name: f for f in message.DESCRIPTOR.fields for name in (f.name, f.json_name)}
    for name, value in js_dict.items():
        field = fields.get(name)
        if field is None:
            if ignore_unknown_fields:
                continue
            raise ParseError(f'Message type "{message.DESCRIPTOR.full_name}" has no field named "{name}".')
        if value is None:
            continue
        try:
            _read(message, field, value, ignore_unknown_fields)
        except (TypeError, ValueError, AttributeError) as error:
            raise ParseError(f"Failed to parse {name} field: {error}.") from None
    return message


def _read(message, field, value, ignore):
    held = getattr(message, field.name)
    if field.is_map:
        for key, one in value.items():
            key = _in(field.key, key)
            if field.value.kind == "message":
                ParseDict(one, held[key], ignore)
            else:
                held[key] = _in(field.value, one)
    elif field.is_repeated:
        for one in value:
            if field.kind == "message":
                ParseDict(one, held.add(), ignore)
            else:
                held.append(_in(field, one))
    elif field.kind == "message":
        held.SetInParent()
        ParseDict(value, held, ignore)
    else:
        setattr(message, field.name, _in(field, value))


def Parse(text, message, ignore_unknown_fields=False, **options):
    """Reads JSON into MESSAGE, which is returned."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ParseError(f"Failed to load JSON: {error}.") from None
    return ParseDict(found, message, ignore_unknown_fields)
