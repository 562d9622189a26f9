"""What the build finds and generates."""

import subprocess
import sys
from pathlib import Path

import gen_registry
import pytest

ROOT = Path(__file__).resolve().parents[2]


def write(root, name, text=""):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_sources(tmp_path):
    names = {
        "src/base/a.c": "lib", "src/ops/add.c": "op", "src/ops/conv/conv2d.c": "op", "src/data/ops/range.c": "op",
        "src/kernel/simd/tape.simd.c": "simd", "src/kernel/simd/pick.c": "lib", "src/cli/main.c": "cli",
        "include/tenon/tensor.h": "header", "proto/tensorflow/graph.proto": "proto",
        "python/tenon/_core/module.c": "python", "tests/base/str_test.c": "test", "tests/support/check.c": "support",
        "examples/add.c": "example", "fuzz/png_fuzz.c": "fuzz", "bench/call.c": "bench",
    }  # fmt: skip
    for name in [*names, "src/base/a.h", "src/base/.#a.c", "tests/oracle/test_add.py"]:
        write(tmp_path, name)
    record = tmp_path / "sources.txt"
    command = [sys.executable, str(ROOT / "scripts" / "sources"), "--root", str(tmp_path), "--record", str(record)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == sorted(f"{group} {name}" for name, group in names.items())
    assert record.read_text() == done.stdout


def test_registry_is_sorted_as_strcmp_sorts(tmp_path):
    file = write(
        tmp_path, "a.c", "TN_OP(Abs, .doc = 0);\nTN_OP(_Send);\n  TN_OP(NotAtTheStart);\nTN_OP(AddV2);\nTN_OP(AddN);\n"
    )
    output = tmp_path / "registry.gen.c"
    gen_registry.main([str(output), str(file)])
    text = output.read_text()
    assert [line.strip(" &,") for line in text.splitlines() if line.startswith("    &")] == [
        "tn_op_Abs", "tn_op_AddN", "tn_op_AddV2", "tn_op__Send",
    ]  # fmt: skip
    assert "tn_op_table_size = 4;" in text


def test_registry_keeps_an_unchanged_file(tmp_path):
    file, output = write(tmp_path, "a.c", "TN_OP(Abs);\n"), tmp_path / "registry.gen.c"
    gen_registry.main([str(output), str(file)])
    before = output.stat().st_mtime_ns
    gen_registry.main([str(output), str(file)])
    assert output.stat().st_mtime_ns == before


def test_registry_rejects_a_second_definition(tmp_path):
    files = [str(write(tmp_path, name, "TN_OP(Abs);\n")) for name in ("a.c", "b.c")]
    with pytest.raises(SystemExit, match=r"Abs is defined in .*a\.c and again in .*b\.c"):
        gen_registry.main([str(tmp_path / "registry.gen.c"), *files])
