"""The pages as a site: README.md is its home, and links work there as they do in the repository.

A link to another page leads to that page, so that `mkdocs --strict` checks it and its anchor. A link to a file that is
no page, such as an example, keeps its words; a link to nothing is left for `--strict` to report.
"""

import os
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
README = ROOT / "README.md"
HOME = "index.md"
#: The README's links are absolute, because package indexes show it too.
ABSOLUTE = re.compile(
    r"https://(?:github|raw\.githubusercontent)\.com/countermand/countermand/(?:(?:blob|tree)/)?main/"
)
LINK = re.compile(r"(?P<image>!?)\[(?P<words>[^\]]*)\]\((?P<target>[^)\s#:]+)(?P<anchor>#[^)\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add README.md as the home page, unless the pages have one of their own."""
    if README.exists() and files.get_file_from_path(HOME) is None:
        home = ABSOLUTE.sub("", README.read_text(encoding="utf-8")).replace('="docs/', '="')
        files.append(File.generated(config, HOME, content=home))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn the links that leave docs/, or come into it from the README."""
    is_readme = page.file.generated_by is not None
    folder = Path(page.file.src_uri).parent
    here = ROOT if is_readme else DOCS / folder

    def turned(link: re.Match[str]) -> str:
        target = (here / link["target"]).resolve()
        if not target.exists():
            return link[0]
        if target == README:
            uri = HOME
        elif target.is_relative_to(DOCS):
            uri = target.relative_to(DOCS).as_posix()
        else:
            return link["words"]
        return f"{link['image']}[{link['words']}]({os.path.relpath(uri, folder)}{link['anchor'] or ''})"

    return LINK.sub(turned, markdown)
