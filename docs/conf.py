"""How the documentation becomes HTML: `make docs`."""

project = "Tenon"
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "Tenon"
myst_heading_anchors = 3
# Files outside docs/ (examples, sources) are linked as they lie in the repository, not as pages.
suppress_warnings = ["myst.xref_missing"]
exclude_patterns = ["_build"]
