"""Flags, and the set of them that a program has."""

import functools
import sys

from tenon.python.platform import flag_parsers as parsers
from tenon.python.platform.flag_modules import FlagModules
from tenon.python.util.tf_export import tf_export


@functools.total_ordering
@tf_export("flags.Flag")
class Flag:
    """A flag: its name, default, value and how it is read."""

    def __init__(self, parser, serializer, name, default, help_string, short_name=None, boolean=False,
                 allow_override=False, allow_override_cpp=False, allow_hide_cpp=False, allow_overwrite=True,
                 allow_using_method_names=False):  # fmt: skip
        self.name = name
        self.help = help_string or "(no help available)"
        self.short_name = short_name
        self.boolean = boolean
        self.present = 0
        self.parser = parser
        self.serializer = serializer
        self.allow_override = allow_override
        self.allow_override_cpp = allow_override_cpp
        self.allow_hide_cpp = allow_hide_cpp
        self.allow_overwrite = allow_overwrite
        self.allow_using_method_names = allow_using_method_names
        self.using_default_value = True
        self.validators = []
        self._value = None
        self._set_default(default)

    @property
    def value(self):
        """The value."""
        return self._value

    @value.setter
    def value(self, value):
        self._value = value

    def __hash__(self):
        return hash(id(self))

    def __eq__(self, other):
        return self is other

    def __lt__(self, other):
        return id(self) < id(other) if isinstance(other, Flag) else NotImplemented

    def _parse(self, argument):
        try:
            return self.parser.parse(argument)
        except (TypeError, ValueError, OverflowError) as error:
            raise parsers.IllegalFlagValueError(f"flag --{self.name}={argument}: {error}") from None

    def _set_default(self, value):
        self.default_unparsed = value
        self.default = None if value is None else self._parse(value)
        self.default_as_str = None if self.default is None else self.serialize_of(self.default)
        if self.using_default_value:
            self._value = self.default

    def parse(self, argument):
        """Takes the value from ARGUMENT."""
        if self.present and not self.allow_overwrite:
            raise parsers.IllegalFlagValueError(f"flag --{self.name}={argument}: already defined as {self.value}")
        self.value = self._parse(argument)
        self.present += 1

    def unparse(self):
        """Takes the default again."""
        self.value = self.default
        self.using_default_value = True
        self.present = 0

    def serialize_of(self, value):
        """VALUE as text."""
        return repr(self.serializer.serialize(value) if self.serializer else str(value))

    def serialize(self):
        """The flag as a command line has it."""
        if self.value is None:
            return ""
        if self.boolean:
            return f"--{self.name}" if self.value else f"--no{self.name}"
        if not self.serializer:
            raise parsers.Error(f"Serializer not present for flag {self.name}")
        return f"--{self.name}={self.serializer.serialize(self.value)}"

    def flag_type(self):
        """The name of the kind."""
        return self.parser.flag_type()


@tf_export("flags.BooleanFlag")
class BooleanFlag(Flag):
    """--name and --noname."""

    def __init__(self, name, default, help, short_name=None, **args):
        super().__init__(parsers.BooleanParser(), parsers.ArgumentSerializer(), name, default, help, short_name, True,
                         **args)  # fmt: skip


@tf_export("flags.EnumFlag")
class EnumFlag(Flag):
    """One of some strings."""

    def __init__(self, name, default, help, enum_values, short_name=None, case_sensitive=True, **args):
        super().__init__(parsers.EnumParser(enum_values, case_sensitive), parsers.ArgumentSerializer(), name, default,
                         f"<{'|'.join(enum_values)}>: {help}", short_name, **args)  # fmt: skip


@tf_export("flags.EnumClassFlag")
class EnumClassFlag(Flag):
    """A member of a Python enum."""

    def __init__(self, name, default, help, enum_class, short_name=None, case_sensitive=False, **args):
        parser = parsers.EnumClassParser(enum_class, case_sensitive)
        super().__init__(parser, parsers.EnumClassSerializer(not case_sensitive), name, default,
                         f"<{'|'.join(parser.member_names)}>: {help}", short_name, **args)  # fmt: skip


@tf_export("flags.MultiFlag")
class MultiFlag(Flag):
    """A flag that may be given many times; its value is the list."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.help += ";\n    repeat this option to specify a list of values"

    def parse(self, arguments):
        """Takes further values."""
        values = self._parse(arguments)
        self.value = self.value + values if self.present else values
        self.present += len(values)

    def _parse(self, arguments):
        items = arguments if isinstance(arguments, (list, tuple)) else [arguments]
        return [super(MultiFlag, self)._parse(item) for item in items]

    def serialize_of(self, value):
        """VALUE as text."""
        return repr(",".join(self.serializer.serialize(v) if self.serializer else str(v) for v in value))

    def serialize(self):
        """The flag as a command line has it."""
        return "\n".join(f"--{self.name}={self.serializer.serialize(v)}" for v in self.value or ())

    def flag_type(self):
        """The name of the kind."""
        return "multi " + self.parser.flag_type()


@tf_export("flags.MultiEnumClassFlag")
class MultiEnumClassFlag(MultiFlag):
    """Members of a Python enum."""

    def __init__(self, name, default, help_string, enum_class, case_sensitive=False, **args):
        parser = parsers.EnumClassParser(enum_class, case_sensitive)
        super().__init__(parser, parsers.EnumClassListSerializer(",", lowercase=not case_sensitive), name, default,
                         f"<{'|'.join(parser.member_names)}>: {help_string}", **args)  # fmt: skip


@tf_export("flags.FlagHolder")
class FlagHolder:
    """What a DEFINE function returns: the flag's value is its `value`."""

    def __init__(self, flag_values, flag, ensure_non_none_value=False):
        self._flagvalues = flag_values
        self._name = flag.name
        self._ensure_non_none_value = ensure_non_none_value

    @property
    def name(self):
        """The flag's name."""
        return self._name

    @property
    def value(self):
        """The flag's value."""
        value = getattr(self._flagvalues, self._name)
        if value is None and self._ensure_non_none_value:
            raise parsers.IllegalFlagValueError(f"Unexpected None value for flag {self._name}")
        return value

    @property
    def default(self):
        """The flag's default."""
        return self._flagvalues[self._name].default

    @property
    def present(self):
        """True if the command line has the flag."""
        return bool(self._flagvalues[self._name].present)

    def serialize(self):
        """The flag as a command line has it."""
        return self._flagvalues[self._name].serialize()

    def __eq__(self, other):
        raise TypeError(f"unsupported operand type(s) for ==: 'FlagHolder' and {type(other).__name__!r} (did you mean "
                        "to use '.value'?)")  # fmt: skip

    def __bool__(self):
        raise TypeError("bool() not supported for instances of type 'FlagHolder' (did you mean to use '.value'?)")

    __hash__ = object.__hash__


@tf_export("flags.FlagValues")
class FlagValues(FlagModules):
    """The flags of a program: FLAGS.name reads the command line when it is first asked for."""

    def __init__(self):
        self.__dict__.update(__flags={}, __parsed=False, __checks=[], __modules={}, __module_ids={}, __key_flags={})

    def _flags(self):
        """The flags by name and short name."""
        return self.__dict__["__flags"]

    def __setitem__(self, name, flag):
        flags = self._flags()
        if not isinstance(flag, Flag):
            raise parsers.IllegalFlagValueError(f"Expect Flag instances, found type {type(flag)}. Maybe you didn't "
                                                "mean to use FlagValue.__setitem__?")  # fmt: skip
        if not name:
            raise parsers.Error("Flag name cannot be empty.")
        if name in flags and not flag.allow_override and not flags[name].allow_override and flags[name] is not flag:
            raise parsers.DuplicateFlagError(f"The flag '{name}' is defined twice.")
        if hasattr(type(self), name) and not flag.allow_using_method_names:
            raise parsers.FlagNameConflictsWithMethodError(
                f"Cannot define flag named `{name}`. It conflicts with a method on class `FlagValues`."
            )
        flags[name] = flag
        if flag.short_name:
            flags[flag.short_name] = flag

    def __getitem__(self, name):
        return self._flags()[name]

    def __contains__(self, name):
        return name in self._flags()

    def __len__(self):
        return len(self._flags())

    def __iter__(self):
        return iter(self._flags())

    def __dir__(self):
        return sorted(self._flags())

    def __getattr__(self, name):
        flags = self._flags()
        if name not in flags:
            raise AttributeError(name)
        if not self.__dict__["__parsed"]:
            self(sys.argv, known_only=True)
        return flags[name].value

    def __setattr__(self, name, value):
        if name not in self._flags():
            raise AttributeError(name)
        self._flags()[name].value = value
        self._flags()[name].using_default_value = False

    def __delattr__(self, name):
        if name not in self._flags():
            raise AttributeError(name)
        del self._flags()[name]

    __delitem__ = __delattr__

    def __call__(self, argv, known_only=False):
        """Reads ARGV, whose first item is the program; returns what is no flag. With KNOWN_ONLY unknown flags stay."""
        if isinstance(argv, (str, bytes)):
            raise TypeError("argv should be a tuple/list of strings, not bytes or string.")
        if not argv:
            raise ValueError("argv cannot be an empty list, and must contain the program name as the first element.")
        rest = self._read(self.read_flags_from_files(list(argv)[1:]), known_only)
        self.__dict__["__parsed"] = True
        self.validate_all_flags()
        return [argv[0], *rest]

    def _read(self, args, known_only):
        rest = []
        args = list(args)
        while args:
            argument = args.pop(0)
            if argument == "--":
                return rest + args
            if not argument.startswith("-") or argument == "-":
                rest.append(argument)
                continue
            name, has_value, value = argument.lstrip("-").partition("=")
            flag = self._flags().get(name)
            if flag is None and name[:2] == "no" and getattr(self._flags().get(name[2:]), "boolean", False):
                if has_value:
                    raise ValueError(f"{argument} does not take an argument")
                flag, value, has_value = self._flags()[name[2:]], "false", True
            if flag is None:
                if name in ("help", "helpshort", "helpfull", "h") and not known_only:
                    print(self.get_help())
                    sys.exit(1)
                if not known_only and name != "undefok":
                    raise parsers.UnrecognizedFlagError(name, value, self._alike(name))
                rest.append(argument)
                continue
            if not has_value:
                if flag.boolean:
                    value = "true"
                elif args:
                    value = args.pop(0)
                else:
                    raise parsers.Error(f"Missing value for flag {argument}")
            flag.parse(value)
            flag.using_default_value = False
        return rest

    def _alike(self, name):
        import difflib

        return difflib.get_close_matches(name, list(self._flags()))

    def read_flags_from_files(self, argv, force_gnu=True):
        """ARGV with what --flagfile=PATH names in its place."""
        found = []
        for argument in argv:
            name, _, path = argument.partition("=")
            if name.lstrip("-") == "flagfile" and argument.startswith("-") and path:
                try:
                    with open(path, encoding="utf-8") as f:
                        lines = [line.strip() for line in f]
                except OSError as error:
                    raise parsers.CantOpenFlagFileError(f"ERROR:: Unable to open flagfile: {error}") from None
                found += self.read_flags_from_files([line for line in lines if line and line[0] != "#"])
            else:
                found.append(argument)
        return found

    # --- TensorFlow's older names ---

    def _parse_flags(self, args=None):
        return self(sys.argv if args is None else [sys.argv[0], *args], known_only=True)

    @property
    def __flags__(self):
        return {name: flag.value for name, flag in self._flags().items()}

    # --- what absl has ---

    def add_check(self, names, function, message):
        """Checks flags NAMES by FUNCTION now, if the command line was read, and whenever it is."""
        self.__dict__["__checks"].append((names, function, message))
        if self.is_parsed():
            self.validate_all_flags()

    def validate_all_flags(self):
        """Runs every check. IllegalFlagValueError."""
        for names, function, message in self.__dict__["__checks"]:
            try:
                good = function(self)
            except parsers.ValidationError as error:
                good, message = False, str(error)
            if not good:
                values = ", ".join(f"flag --{n}={self._flags()[n].value}" for n in names)
                raise parsers.IllegalFlagValueError(f"{values}: {message}")

    def is_parsed(self):
        """True once the command line was read."""
        return self.__dict__["__parsed"]

    def mark_as_parsed(self):
        """Takes the flags as they are, without a command line."""
        self.__dict__["__parsed"] = True

    def unparse_flags(self):
        """Takes every default again."""
        for flag in self._flags().values():
            flag.unparse()
        self.__dict__["__parsed"] = False

    def is_gnu_getopt(self):
        """True: flags may come after other arguments."""
        return True

    def set_gnu_getopt(self, gnu_getopt=True):
        """Nothing: flags may always come after other arguments."""

    def set_default(self, name, value):
        """Changes a flag's default."""
        if name not in self._flags():
            self[name] = Flag(parsers.ArgumentParser(), parsers.ArgumentSerializer(), name, None, "")
        self._flags()[name]._set_default(value)

    def flag_values_dict(self):
        """The values by name."""
        return {name: flag.value for name, flag in self._flags().items() if flag.name == name}

    def append_flag_values(self, flag_values):
        """Takes over the flags of another FlagValues."""
        for name in flag_values:
            self[name] = flag_values[name]

    def remove_flag_values(self, flag_values):
        """Drops the flags of another FlagValues."""
        for name in flag_values:
            del self._flags()[name]

    def flags_into_string(self):
        """The flags as lines of a flag file."""
        return "".join(f"{flag.serialize()}\n" for name, flag in sorted(self._flags().items())
                       if flag.name == name and flag.value is not None)  # fmt: skip

    def append_flags_into_file(self, filename):
        """Appends the flags to a flag file."""
        with open(filename, "a", encoding="utf-8") as f:
            f.write(self.flags_into_string())

    def get_flag_value(self, name, default):
        """The flag's value, DEFAULT if there is no such flag or it has none."""
        value = self._flags()[name].value if name in self._flags() else None
        return default if value is None else value

    def get_help(self, prefix="", include_special_flags=True):
        """A text that tells all flags."""
        lines = []
        for name in sorted(self._flags()):
            flag = self._flags()[name]
            if flag.name == name:
                lines.append(f"{prefix}  --{'[no]' if flag.boolean else ''}{name}: {flag.help}")
                if flag.default_as_str:
                    lines.append(f"{prefix}    (default: {flag.default_as_str})")
        return "\n".join(lines)

    def main_module_help(self):
        """A text that tells the program's flags."""
        return self.get_help()


FLAGS = FlagValues()
tf_export("flags.FLAGS").export_constant(__name__, "FLAGS")
