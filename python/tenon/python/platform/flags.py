"""tf.flags, which is also tf.app.flags: the functions that define flags."""

from tenon.python.platform import flag_parsers as parsers
from tenon.python.platform.flag_parsers import (
    ArgumentParser,
    ArgumentSerializer,
    EnumParser,
    FloatParser,
    IntegerParser,
    ListParser,
    ListSerializer,
    WhitespaceSeparatedListParser,
)
from tenon.python.platform.flag_values import (
    FLAGS,
    BooleanFlag,
    EnumClassFlag,
    EnumFlag,
    Flag,
    FlagHolder,
    FlagValues,
    MultiEnumClassFlag,
    MultiFlag,
)
from tenon.python.util.tf_export import tf_export

__all__ = ["FLAGS", "FlagValues"]
TF_ALIASES = {"app.flags": "flags"}


@tf_export("flags.DEFINE_flag")
def DEFINE_flag(flag, flag_values=FLAGS, module_name=None, required=False):
    """Adds a Flag."""
    if required and flag.default is not None:
        raise ValueError(f"Required flag --{flag.name} needs to have None as default")
    flag_values[flag.name] = flag
    if required:
        mark_flag_as_required(flag.name, flag_values)
    return FlagHolder(flag_values, flag, ensure_non_none_value=flag.default is not None or required)


@tf_export("flags.DEFINE")
def DEFINE(parser, name, default, help, flag_values=FLAGS, serializer=None, module_name=None, required=False,
           **args):  # fmt: skip
    """Adds a flag that PARSER reads."""
    return DEFINE_flag(Flag(parser, serializer, name, default, help, **args), flag_values, module_name, required)


@tf_export("flags.DEFINE_string")
def DEFINE_string(name, default, help, flag_values=FLAGS, required=False, **args):
    """Adds a flag whose value is a string."""
    return DEFINE(ArgumentParser(), name, default, help, flag_values, ArgumentSerializer(), required=required, **args)


@tf_export("flags.DEFINE_boolean")
def DEFINE_boolean(name, default, help, flag_values=FLAGS, module_name=None, required=False, **args):
    """Adds a flag that is true (--name) or false (--noname)."""
    return DEFINE_flag(BooleanFlag(name, default, help, **args), flag_values, module_name, required)


@tf_export("flags.DEFINE_bool")
def DEFINE_bool(name, default, help, flag_values=FLAGS, module_name=None, required=False, **args):
    """Adds a flag that is true (--name) or false (--noname)."""
    return DEFINE_boolean(name, default, help, flag_values, module_name, required, **args)


@tf_export("flags.DEFINE_float")
def DEFINE_float(name, default, help, lower_bound=None, upper_bound=None, flag_values=FLAGS, required=False,
                 **args):  # fmt: skip
    """Adds a flag whose value is a float, within bounds."""
    parser = FloatParser(lower_bound, upper_bound)
    return DEFINE(parser, name, default, help, flag_values, ArgumentSerializer(), required=required, **args)


@tf_export("flags.DEFINE_integer")
def DEFINE_integer(name, default, help, lower_bound=None, upper_bound=None, flag_values=FLAGS, required=False,
                   **args):  # fmt: skip
    """Adds a flag whose value is an int, within bounds."""
    parser = IntegerParser(lower_bound, upper_bound)
    return DEFINE(parser, name, default, help, flag_values, ArgumentSerializer(), required=required, **args)


@tf_export("flags.DEFINE_enum")
def DEFINE_enum(name, default, enum_values, help, flag_values=FLAGS, module_name=None, required=False, **args):
    """Adds a flag whose value is one of ENUM_VALUES."""
    return DEFINE_flag(EnumFlag(name, default, help, enum_values, **args), flag_values, module_name, required)


@tf_export("flags.DEFINE_enum_class")
def DEFINE_enum_class(name, default, enum_class, help, flag_values=FLAGS, module_name=None, case_sensitive=False,
                      required=False, **args):  # fmt: skip
    """Adds a flag whose value is a member of a Python enum."""
    flag = EnumClassFlag(name, default, help, enum_class, case_sensitive=case_sensitive, **args)
    return DEFINE_flag(flag, flag_values, module_name, required)


@tf_export("flags.DEFINE_list")
def DEFINE_list(name, default, help, flag_values=FLAGS, required=False, **args):
    """Adds a flag whose value is a list of strings, with commas between them."""
    serializer = parsers.CsvListSerializer(",")
    return DEFINE(ListParser(), name, default, help, flag_values, serializer, required=required, **args)


@tf_export("flags.DEFINE_spaceseplist")
def DEFINE_spaceseplist(name, default, help, comma_compat=False, flag_values=FLAGS, required=False, **args):
    """Adds a flag whose value is a list of strings, with white space between them."""
    parser = WhitespaceSeparatedListParser(comma_compat)
    return DEFINE(parser, name, default, help, flag_values, ListSerializer(" "), required=required, **args)


@tf_export("flags.DEFINE_multi")
def DEFINE_multi(parser, serializer, name, default, help, flag_values=FLAGS, module_name=None, required=False,
                 **args):  # fmt: skip
    """Adds a flag that may be given many times; its value is the list."""
    return DEFINE_flag(MultiFlag(parser, serializer, name, default, help, **args), flag_values, module_name, required)


@tf_export("flags.DEFINE_multi_string")
def DEFINE_multi_string(name, default, help, flag_values=FLAGS, required=False, **args):
    """Adds a flag that may be given many times: strings."""
    return DEFINE_multi(ArgumentParser(), ArgumentSerializer(), name, default, help, flag_values, required=required,
                        **args)  # fmt: skip


@tf_export("flags.DEFINE_multi_integer")
def DEFINE_multi_integer(name, default, help, lower_bound=None, upper_bound=None, flag_values=FLAGS, required=False,
                         **args):  # fmt: skip
    """Adds a flag that may be given many times: ints."""
    return DEFINE_multi(IntegerParser(lower_bound, upper_bound), ArgumentSerializer(), name, default, help, flag_values,
                        required=required, **args)  # fmt: skip


@tf_export("flags.DEFINE_multi_float")
def DEFINE_multi_float(name, default, help, lower_bound=None, upper_bound=None, flag_values=FLAGS, required=False,
                       **args):  # fmt: skip
    """Adds a flag that may be given many times: floats."""
    return DEFINE_multi(FloatParser(lower_bound, upper_bound), ArgumentSerializer(), name, default, help, flag_values,
                        required=required, **args)  # fmt: skip


@tf_export("flags.DEFINE_multi_enum")
def DEFINE_multi_enum(name, default, enum_values, help, flag_values=FLAGS, case_sensitive=True, required=False,
                      **args):  # fmt: skip
    """Adds a flag that may be given many times: strings among ENUM_VALUES."""
    return DEFINE_multi(EnumParser(enum_values, case_sensitive), ArgumentSerializer(), name, default, help, flag_values,
                        required=required, **args)  # fmt: skip


@tf_export("flags.DEFINE_multi_enum_class")
def DEFINE_multi_enum_class(name, default, enum_class, help, flag_values=FLAGS, module_name=None,
                            case_sensitive=False, required=False, **args):  # fmt: skip
    """Adds a flag that may be given many times: members of a Python enum."""
    flag = MultiEnumClassFlag(name, default, help, enum_class, case_sensitive=case_sensitive, **args)
    return DEFINE_flag(flag, flag_values, module_name, required)


@tf_export("flags.DEFINE_alias")
def DEFINE_alias(name, original_name, flag_values=FLAGS, module_name=None):
    """Adds another name for a flag."""
    flag = flag_values[original_name]

    class _Alias(Flag):
        value = property(lambda self: flag.value, lambda self, value: setattr(flag, "value", value))

        def parse(self, argument):
            flag.parse(argument)
            self.present += 1

    alias = _Alias(flag.parser, flag.serializer, name, None, f"Alias for --{original_name}.", boolean=flag.boolean)
    return DEFINE_flag(alias, flag_values, module_name)


# --- checks ---


def _names(flag_names):
    return [getattr(name, "name", name) for name in flag_names]


@tf_export("flags.register_validator")
def register_validator(flag_name, checker, message="Flag validation failed", flag_values=FLAGS):
    """IllegalFlagValueError unless checker(value) holds when the command line is read."""
    name = getattr(flag_name, "name", flag_name)
    flag_values.add_check([name], lambda flags: checker(flags[name].value), message)


@tf_export("flags.validator")
def validator(flag_name, message="Flag validation failed", flag_values=FLAGS):
    """register_validator as a decorator."""

    def decorate(function):
        register_validator(flag_name, function, message, flag_values)
        return function

    return decorate


@tf_export("flags.register_multi_flags_validator")
def register_multi_flags_validator(flag_names, multi_flags_checker, message="Flags validation failed",
                                   flag_values=FLAGS):  # fmt: skip
    """IllegalFlagValueError unless multi_flags_checker({name: value}) holds when the command line is read."""
    names = _names(flag_names)
    flag_values.add_check(names, lambda flags: multi_flags_checker({n: flags[n].value for n in names}), message)


@tf_export("flags.multi_flags_validator")
def multi_flags_validator(flag_names, message="Flag validation failed", flag_values=FLAGS):
    """register_multi_flags_validator as a decorator."""

    def decorate(function):
        register_multi_flags_validator(flag_names, function, message, flag_values)
        return function

    return decorate


@tf_export("flags.mark_flag_as_required")
def mark_flag_as_required(flag_name, flag_values=FLAGS):
    """The flag must have a value."""
    name = getattr(flag_name, "name", flag_name)
    register_validator(name, lambda value: value is not None, f"Flag --{name} must have a value other than None.",
                       flag_values)  # fmt: skip


@tf_export("flags.mark_flags_as_required")
def mark_flags_as_required(flag_names, flag_values=FLAGS):
    """Each of the flags must have a value."""
    for name in flag_names:
        mark_flag_as_required(name, flag_values)


def _exclusive(flag_names, required, flag_values, given):
    names = _names(flag_names)

    def check(values):
        count = sum(1 for value in values.values() if given(value))
        if count == 1 or not required and count == 0:
            return True
        raise parsers.ValidationError(f"{'Exactly' if required else 'At most'} one of ({', '.join(names)}) must "
                                      f"{'be True' if given is bool else 'have a value other than None'}.")  # fmt: skip

    register_multi_flags_validator(names, check, flag_values=flag_values)


@tf_export("flags.mark_flags_as_mutual_exclusive")
def mark_flags_as_mutual_exclusive(flag_names, required=False, flag_values=FLAGS):
    """At most one (with REQUIRED exactly one) of the flags has a value."""
    _exclusive(flag_names, required, flag_values, lambda value: value is not None)


@tf_export("flags.mark_bool_flags_as_mutual_exclusive")
def mark_bool_flags_as_mutual_exclusive(flag_names, required=False, flag_values=FLAGS):
    """At most one (with REQUIRED exactly one) of the flags is true."""
    _exclusive(flag_names, required, flag_values, bool)


# --- the rest ---


@tf_export("flags.set_default")
def set_default(flag_holder, value):
    """Changes a flag's default."""
    flag_holder._flagvalues.set_default(flag_holder.name, value)


@tf_export("flags.override_value")
def override_value(flag_holder, value):
    """Changes a flag's value."""
    flag = flag_holder._flagvalues[flag_holder.name]
    flag.value = flag._parse(value)
    flag.using_default_value = False


@tf_export("flags.declare_key_flag")
def declare_key_flag(flag_name, flag_values=FLAGS):
    """Nothing: all flags are told."""


@tf_export("flags.adopt_module_key_flags")
def adopt_module_key_flags(module, flag_values=FLAGS):
    """Nothing: all flags are told."""


@tf_export("flags.disclaim_key_flags")
def disclaim_key_flags():
    """Nothing: all flags are told."""


@tf_export("flags.flag_dict_to_args")
def flag_dict_to_args(flag_map, multi_flags=None):
    """The arguments of a command line for {name: value}."""
    for name, value in flag_map.items():
        if value is None:
            yield f"--{name}"
        elif isinstance(value, bool):
            yield f"--{name}" if value else f"--no{name}"
        elif isinstance(value, (bytes, str)) or not hasattr(value, "__iter__"):
            yield f"--{name}={value}"
        elif multi_flags and name in multi_flags:
            yield from (f"--{name}={item}" for item in value)
        else:
            yield f"--{name}={','.join(str(item) for item in value)}"


@tf_export("flags.get_help_width")
def get_help_width():
    """The width of the terminal."""
    import shutil

    return shutil.get_terminal_size().columns or 80


@tf_export("flags.text_wrap")
def text_wrap(text, length=None, indent="", firstline_indent=None):
    """TEXT in lines of at most LENGTH."""
    import textwrap

    first = indent if firstline_indent is None else firstline_indent
    wrap = textwrap.TextWrapper(length or get_help_width(), initial_indent=first, subsequent_indent=indent)
    return "\n".join(wrap.fill(part) if part else part for part in text.splitlines())


@tf_export("flags.doc_to_help")
def doc_to_help(doc):
    """A docstring without its indentation."""
    import inspect

    return " ".join(inspect.cleandoc(doc).split())
