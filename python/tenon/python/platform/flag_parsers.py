"""How flags are read and written: one parser and serializer for each kind."""

import csv
import io

from tenon.python.util.tf_export import tf_export

_TRUE, _FALSE = ("true", "t", "1"), ("false", "f", "0")


@tf_export("flags.Error")
class Error(Exception):
    """A fault in flags."""


@tf_export("flags.CantOpenFlagFileError")
class CantOpenFlagFileError(Error):
    """A flag file can't be read."""


@tf_export("flags.DuplicateFlagError")
class DuplicateFlagError(Error):
    """A flag is defined twice."""


@tf_export("flags.IllegalFlagValueError")
class IllegalFlagValueError(Error):
    """A flag has a value that it can't have."""


@tf_export("flags.ValidationError")
class ValidationError(Error):
    """A check of flags failed."""


@tf_export("flags.FlagNameConflictsWithMethodError")
class FlagNameConflictsWithMethodError(Error):
    """A flag has the name of a method of FlagValues."""


@tf_export("flags.UnparsedFlagAccessError")
class UnparsedFlagAccessError(Error):
    """A flag is read before the command line."""


@tf_export("flags.UnrecognizedFlagError")
class UnrecognizedFlagError(Error):
    """The command line has a flag that nobody defined."""

    def __init__(self, flagname, flagvalue="", suggestions=()):
        self.flagname = flagname
        self.flagvalue = flagvalue
        hint = f". Did you mean: {', '.join(suggestions)} ?" if suggestions else ""
        super().__init__(f"Unknown command line flag '{flagname}'{hint}")


@tf_export("flags.ArgumentParser")
class ArgumentParser:
    """Reads a flag's value from text."""

    syntactic_help = ""

    def parse(self, argument):
        """The value of ARGUMENT. ValueError if it has none."""
        if not isinstance(argument, str):
            raise TypeError(f"flag value must be a string, found {argument!r}")
        return argument

    def flag_type(self):
        """The name of the kind."""
        return "string"


@tf_export("flags.ArgumentSerializer")
class ArgumentSerializer:
    """Writes a flag's value as text."""

    def serialize(self, value):
        """VALUE as text."""
        return str(value)


class NumericParser(ArgumentParser):
    """A number within bounds."""

    number = float
    kind = number_name = "number"
    number_article = "a"

    def __init__(self, lower_bound=None, upper_bound=None):
        self.lower_bound = lower_bound
        self.upper_bound = upper_bound
        low, high = lower_bound, upper_bound
        if low is not None and high is not None:
            self.syntactic_help = f"{self.kind} in the range [{low}, {high}]"
        elif low is not None:
            self.syntactic_help = f"{self.kind} >= {low}"
        elif high is not None:
            self.syntactic_help = f"{self.kind} <= {high}"
        else:
            self.syntactic_help = self.kind

    def is_outside_bounds(self, val):
        """True if VAL is out of bounds."""
        low, high = self.lower_bound, self.upper_bound
        return low is not None and val < low or high is not None and val > high

    def parse(self, argument):
        """The number. ValueError if it is none, or out of bounds."""
        value = self.convert(argument)
        if self.is_outside_bounds(value):
            raise ValueError(f"{value} is not {self.syntactic_help}")
        return value

    def convert(self, argument):
        """The number, whatever the bounds."""
        if isinstance(argument, bool) or not isinstance(argument, (int, float, str)):
            raise TypeError(f"Expect argument to be a string, int, or float, found {type(argument)}")
        return self.number(argument)

    def flag_type(self):
        """The name of the kind."""
        return self.number.__name__


@tf_export("flags.FloatParser")
class FloatParser(NumericParser):
    """A float within bounds."""

    number, kind, number_name, number_article = float, "number", "number", "a"

    def __init__(self, lower_bound=None, upper_bound=None):
        super().__init__(lower_bound, upper_bound)


@tf_export("flags.IntegerParser")
class IntegerParser(NumericParser):
    """An int within bounds; also in hexadecimal and octal."""

    number, kind, number_name, number_article = int, "integer", "integer", "an"

    def __init__(self, lower_bound=None, upper_bound=None):
        super().__init__(lower_bound, upper_bound)

    def convert(self, argument):
        """The int, whatever the bounds."""
        if isinstance(argument, int) and not isinstance(argument, bool):
            return argument
        if isinstance(argument, str):
            return int(argument, {"0x": 16, "0o": 8}.get(argument[:2], 10))
        raise TypeError(f"Expect argument to be a string or int, found {type(argument)}")


@tf_export("flags.BooleanParser")
class BooleanParser(ArgumentParser):
    """true, t, 1, false, f or 0."""

    def parse(self, argument):
        """The bool. ValueError."""
        if isinstance(argument, str):
            if argument.lower() in _TRUE:
                return True
            if argument.lower() in _FALSE:
                return False
            raise ValueError("Non-boolean argument to boolean flag", argument)
        if isinstance(argument, int) and argument in (0, 1):
            return bool(argument)
        raise TypeError("Non-boolean argument to boolean flag", argument)

    def flag_type(self):
        """The name of the kind."""
        return "bool"


@tf_export("flags.EnumParser")
class EnumParser(ArgumentParser):
    """One of some strings."""

    def __init__(self, enum_values, case_sensitive=True):
        if not enum_values:
            raise ValueError(f"enum_values cannot be empty, found {enum_values!r}")
        if isinstance(enum_values, str):
            raise ValueError(f"enum_values cannot be a str, found {enum_values}")
        self.enum_values = list(enum_values)
        self.case_sensitive = case_sensitive

    def parse(self, argument):
        """The string as it was listed. ValueError."""
        for value in self.enum_values:
            if value == argument or not self.case_sensitive and value.upper() == str(argument).upper():
                return value
        raise ValueError(f"value should be one of <{'|'.join(self.enum_values)}>")

    def flag_type(self):
        """The name of the kind."""
        return "string enum"


@tf_export("flags.EnumClassParser")
class EnumClassParser(ArgumentParser):
    """A member of a Python enum, by its name."""

    def __init__(self, enum_class, case_sensitive=True):
        self.enum_class = enum_class
        self.case_sensitive = case_sensitive
        self.names = {(n if case_sensitive else n.lower()): m for n, m in enum_class.__members__.items()}
        if not self.names:
            raise ValueError(f'enum_class cannot be empty, but "{enum_class}" is empty.')

    @property
    def member_names(self):
        """The names of the members."""
        return tuple(self.names)

    def parse(self, argument):
        """The member. ValueError."""
        if isinstance(argument, self.enum_class):
            return argument
        key = argument if self.case_sensitive else str(argument).lower()
        if key not in self.names:
            raise ValueError(f"value should be one of <{'|'.join(self.names)}>")
        return self.names[key]

    def flag_type(self):
        """The name of the kind."""
        return "enum class"


@tf_export("flags.EnumClassSerializer")
class EnumClassSerializer(ArgumentSerializer):
    """The member's name."""

    def __init__(self, lowercase):
        self._lowercase = lowercase

    def serialize(self, value):
        """The name."""
        return value.name.lower() if self._lowercase else value.name


@tf_export("flags.ListSerializer")
class ListSerializer(ArgumentSerializer):
    """The items with a separator between them."""

    def __init__(self, list_sep):
        self.list_sep = list_sep

    def serialize(self, value):
        """The text."""
        return self.list_sep.join(str(item) for item in value)


@tf_export("flags.EnumClassListSerializer")
class EnumClassListSerializer(ListSerializer):
    """The names of members with a separator between them."""

    def __init__(self, list_sep, **kwargs):
        super().__init__(list_sep)
        self._element = EnumClassSerializer(kwargs.get("lowercase", True))

    def serialize(self, value):
        """The text."""
        items = value if isinstance(value, list) else [value]
        return self.list_sep.join(self._element.serialize(item) for item in items)


@tf_export("flags.CsvListSerializer")
class CsvListSerializer(ListSerializer):
    """The items as a line of CSV."""

    def __init__(self, list_sep):
        super().__init__(list_sep)

    def serialize(self, value):
        """The line."""
        text = io.StringIO()
        csv.writer(text, delimiter=self.list_sep).writerow([str(item) for item in value])
        return text.getvalue().strip()


@tf_export("flags.BaseListParser")
class BaseListParser(ArgumentParser):
    """Strings with something between them."""

    def __init__(self, token=None, name=None):
        self._token = token
        self._name = name
        self.syntactic_help = f"a {name} separated list"

    def parse(self, argument):
        """The list."""
        if isinstance(argument, list):
            return argument
        return [part.strip() for part in argument.split(self._token)] if argument else []

    def flag_type(self):
        """The name of the kind."""
        return f"{self._name} separated list of strings"


@tf_export("flags.ListParser")
class ListParser(BaseListParser):
    """Strings with commas between them."""

    def __init__(self):
        super().__init__(",", "comma")

    def parse(self, argument):
        """The list."""
        if isinstance(argument, list) or not argument:
            return argument or []
        try:
            return [item.strip() for item in next(csv.reader([argument], strict=True))]
        except csv.Error as error:
            raise ValueError(f"Unable to parse the value {argument!r} as a comma separated list: {error}") from None


@tf_export("flags.WhitespaceSeparatedListParser")
class WhitespaceSeparatedListParser(BaseListParser):
    """Strings with white space (and commas, with COMMA_COMPAT) between them."""

    def __init__(self, comma_compat=False):
        self._comma_compat = comma_compat
        super().__init__(None, "whitespace or comma" if comma_compat else "whitespace")

    def parse(self, argument):
        """The list."""
        if isinstance(argument, list) or not argument:
            return argument or []
        return (argument.replace(",", " ") if self._comma_compat else argument).split()
