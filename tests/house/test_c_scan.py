"""The reader of C sources, on the forms that a naive one gets wrong."""

import c_scan
import pytest


def functions(text):
    return [(f.name, f.length, f.parameters) for f in c_scan.Scanner(text).functions]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("int f(void) { return 1; }", [("f", 1, 0)]),
        ("int f() {\n}\n", [("f", 2, 0)]),
        ("static struct x *f(int a,\n  char *b)\n{\n}\n", [("f", 4, 2)]),
        ("int f(void (*g)(int, int), int n) {\n}\n", [("f", 2, 2)]),
        (
            "int f(void) { char c = '{'; return \"}}{\"[0] + c; }\nint g(int a) { return a; }",
            [("f", 1, 0), ("g", 1, 1)],
        ),
        ("/* int f(void) { */\nint g(void) {\n  // }\n}\n", [("g", 3, 0)]),
        ("struct x { int (*run)(int a, int b); };", []),
        ("struct __attribute__((packed)) x { int a; };", []),
        ("static const tn_kernel_def kernels[] = {{.run = f(2)}, {0}};\nint g(void) { }", [("g", 1, 0)]),
        ('TN_OP(Add, .inputs = (const char *[]){"x"}, .shape = g);\nint f(void) { }', [("f", 1, 0)]),
        ('extern "C" {\nint f(int a) {\n}\n}\n', [("f", 2, 1)]),
        ("namespace tn {\nint f(int a) { }\n}\n", [("f", 1, 1)]),
        ("__attribute__((constructor)) static void f(void) {\n}\n", [("f", 2, 0)]),
        ("#define F(x) \\\n  do { \\\n  } while (0)\nint f(void) { }", [("f", 1, 0)]),
        ("#if A\nint f(int a) {\n#else\nint f(int a, int b) {\n#endif\n}\nint g(void) { }", [("f", 5, 1), ("g", 1, 0)]),
        ("enum e { A = (1 << 2), B };\nint f(void) { if (1) { } else { } }", [("f", 1, 0)]),
    ],
)
def test_functions(text, expected):
    assert functions(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/* What. */\nint f(void);\n", []),
        ("int f(void);\n", ["f"]),
        ("/* What. */\n\nint f(void);\n", ["f"]),
        ("/* Both. */\nint f(void);\nint g(void);\n", []),
        ("/* What. */\nint f(void);\n\nint g(void);\n", ["g"]),
        ("int f(void); /* what */\n", []),
        ("// What.\ntypedef struct x x;\n", []),
        (
            '#ifdef __cplusplus\nextern "C" {\n#endif\n/* What. */\nint f(void);\nstruct x {\n  int a;\n};\n'
            "\nint g(void);\n",
            ["g"],
        ),
        ("/* What. */\nstruct x {\n  int a; /* one */\n\n  int b;\n};\n\nint g(void);\n", ["g"]),
    ],
)
def test_documented(text, expected):
    bare = [s for s in c_scan.Scanner(text).statements if not s.documented]
    assert [c_scan.signature(s.tokens)[0] for s in bare] == expected


def test_includes_and_macros():
    text = '#include <tenon/tensor.h>\n# include "base/str.h" /* why */\n// #include "no.h"\n#define A(x) \\\n  (x)\n'
    assert list(c_scan.includes(text)) == [(1, "tenon/tensor.h", True), (2, "base/str.h", False)]
    assert list(c_scan.macros(text)) == [("A", 4, 2)]
