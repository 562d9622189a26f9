"""The user guide: every code block runs and prints what the page says; the pages build to HTML without a warning."""

import contextlib
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import blocks
from storage import servers

PAGES = [*sorted((blocks.ROOT / "docs" / "guide").glob("*.md")), blocks.ROOT / "docs" / "python.md"]
RUNNERS = {"c": blocks.run_program, "cpp": blocks.run_program, "console": blocks.run_console}
SHOWN = {"text", "sh", "yaml", "toml", "json", "cmake", "make"}  # not programs


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(blocks.ROOT)))
def test_page(page, tmp_path, monkeypatch):
    with contextlib.ExitStack() as stack:
        if page.name == "storage.md":  # whose programs find a small S3 server
            for name, value in stack.enter_context(servers.s3()).environment.items():
                monkeypatch.setenv(name, value)
        run_page(page, tmp_path)


def run_page(page, tmp_path):
    """Runs the blocks of a page."""
    found = blocks.blocks(page)
    unknown = {block.language for block in found} - {"python", *RUNNERS, *SHOWN}
    assert not unknown, f"{page.name}: blocks in {unknown} are not run"
    python = [block for block in found if block.language == "python"]
    if python:
        blocks.run_python(page, python, tmp_path)
    for number, block in enumerate(found):
        if block.language in RUNNERS:
            folder = tmp_path if block.language == "console" else tmp_path / str(number)
            folder.mkdir(exist_ok=True)
            RUNNERS[block.language](page, block, folder)


def test_a_wrong_output_is_noticed(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```python\nprint(1 + 1)\n```\n\n```text\n3\n```\n")
    with pytest.raises(AssertionError, match="should print"):
        blocks.run_python(page, blocks.blocks(page), tmp_path)


@pytest.mark.parametrize(
    ("expected", "printed", "same"),
    [("a\n...\nd\n", "a\nb\nc\nd\n", True), ("loss ...\n", "loss 0.5\n", True), ("a\n", "a\nb\n", False)],
)
def test_patterns(expected, printed, same):
    assert bool(blocks.pattern(expected).fullmatch(printed)) == same


def test_html(tmp_path):
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", blocks.ROOT / "docs", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "index.html").exists() and (tmp_path / "guide" / "cpp.html").exists()
