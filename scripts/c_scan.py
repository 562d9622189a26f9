"""A small reader of C sources for the linter: finds functions, their length and parameters, and declarations.

It knows comments, strings, preprocessor lines and nested brackets, and nothing of types: enough to measure.
"""

import re
from dataclasses import dataclass

TOKEN = re.compile(
    r"""(?P<comment>/\*.*?\*/|//[^\n]*)
      | (?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
      | (?P<directive>^[ \t]*\#(?:\\\n|/\*.*?\*/|[^\n])*)
      | (?P<word>\w+)
      | (?P<space>\s+)
      | (?P<mark>.)""",
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
# Words that a bracket may follow before the bracket of the parameters.
NOT_NAMES = {"__attribute__", "_Alignas", "alignas", "__declspec", "__asm__", "asm", "typeof", "__typeof__", "noexcept"}
OPEN, CLOSE = "([{", ")]}"


@dataclass
class Token:
    kind: str
    text: str
    line: int


@dataclass
class Function:
    name: str
    line: int
    length: int
    parameters: int


@dataclass
class Statement:
    """A statement at file level, up to its `;` or its body."""

    tokens: list
    documented: bool

    @property
    def line(self):
        return self.tokens[0].line

    @property
    def text(self):
        return " ".join(token.text for token in self.tokens)


def tokens(text):
    """All tokens but white space, each with the line it begins on."""
    line = 1
    for match in TOKEN.finditer(text):
        kind = match.lastgroup
        if kind != "space":
            yield Token(kind, match.group(), line)
        line += match.group().count("\n")


def active(stream):
    """Drops what follows #else and #elif, so that a bracket opened once in each branch counts once."""
    stack = []
    for token in stream:
        if token.kind == "directive":
            word = re.match(r"\s*#\s*(\w*)", token.text).group(1)
            if word in ("if", "ifdef", "ifndef"):
                stack.append(False)
            elif word in ("else", "elif") and stack:
                stack[-1] = True
            elif word == "endif" and stack:
                stack.pop()
        if token.kind == "directive" or not any(stack):
            yield token


def is_linkage(statement):
    """True for `extern "C" {` and `namespace x {`: what is inside counts as file level."""
    words = [token.text for token in statement]
    return words[:1] == ["namespace"] or (len(words) == 2 and words[0] == "extern" and words[1].startswith('"'))


def signature(statement):
    """(name, number of parameters) of the first bracket that can be a parameter list, or None."""
    depth, name, count, previous = 0, None, 0, None
    for token in statement:
        if token.kind != "string" and token.text in OPEN:
            if depth == 0 and token.text == "(" and previous and previous.kind == "word" and name is None:
                if previous.text not in NOT_NAMES:
                    name, inside = previous.text, []
            depth += 1
        elif token.kind != "string" and token.text in CLOSE:
            depth -= 1
            if depth == 0 and name is not None:
                count = 0 if inside in ([], ["void"]) else 1 + inside.count(",")
                return name, count
        elif depth == 1 and name is not None:
            inside.append(token.text)
        elif name is None and token.text == "=":
            return None
        previous = token
    return None


def is_body(statement):
    """True if a `{` after these tokens opens a function's body."""
    if not statement or statement[-1].text in ("=", ","):
        return False
    if statement[0].text in ("struct", "union", "enum", "class", "typedef") and statement[-1].text != ")":
        return False
    return signature(statement) is not None and any(token.text == ")" for token in statement)


class Scanner:
    """Walks the tokens once; `functions` and `statements` hold what it found."""

    def __init__(self, text):
        self.functions = []
        self.statements = []
        self.statement = []
        self.closers = []  # what ends each open bracket: "linkage", "body" or "inner"
        self.body = None
        self.comment_line = None  # the last line of a comment or of a documented declaration
        self.documented = False
        for token in active(tokens(text)):
            self.feed(token)

    def feed(self, token):
        if token.kind == "comment":
            if "body" not in self.closers:
                end = token.line + token.text.count("\n")
                self.comment_line = end
                self.note_trailing(token.line)
        elif token.kind != "directive":
            self.code(token)

    def note_trailing(self, line):
        """A comment on the line where a declaration ended documents it too."""
        if self.statements and self.statements[-1].tokens[-1].line == line:
            self.statements[-1].documented = True

    def code(self, token):
        mark = token.text if token.kind == "mark" else ""
        if self.body is None and not self.statement and mark not in ("}", ";"):
            self.documented = self.comment_line is not None and self.comment_line >= token.line - 1
        if mark == "{":
            self.open_brace(token)
        elif mark == "}" and self.closers:
            self.close_brace(token)
        elif self.body is None:
            self.statement.append(token)
            if mark == ";" and not self.nested():
                self.finish(token.line)

    def nested(self):
        return "inner" in self.closers

    def open_brace(self, token):
        if self.body is None and not self.nested():
            if is_linkage(self.statement):
                self.closers.append("linkage")
                self.statement = []
                return
            if is_body(self.statement):
                self.closers.append("body")
                self.body = (self.statement, signature(self.statement))
                return
        self.closers.append("inner")
        if self.body is None:
            self.statement.append(token)

    def close_brace(self, token):
        kind = self.closers.pop()
        if kind == "body":
            statement, (name, count) = self.body
            first = statement[0].line
            self.functions.append(Function(name, first, token.line - first + 1, count))
            self.body = None
            self.finish(token.line)
        elif kind == "inner" and self.body is None:
            self.statement.append(token)

    def finish(self, line):
        if len(self.statement) > 1:
            self.statements.append(Statement(self.statement, self.documented))
            if self.documented:
                self.comment_line = line
        self.statement = []


def macros(text):
    """(name, line, lines) of every #define."""
    for token in tokens(text):
        match = re.match(r"\s*#\s*define\s+(\w+)", token.text) if token.kind == "directive" else None
        if match:
            yield match.group(1), token.line, token.text.count("\n") + 1


def includes(text):
    """(line, path, is_system) of every #include."""
    for token in tokens(text):
        match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)', token.text) if token.kind == "directive" else None
        if match:
            yield token.line, match.group(2), match.group(1) == "<"


def comments(text):
    """(line, text) of every comment."""
    return [(token.line, token.text) for token in tokens(text) if token.kind == "comment"]
