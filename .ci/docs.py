"""The README is the first page of the site: its links into docs/ are turned to the pages, and thereby checked."""

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parent.parent
INTO_DOCS = re.compile(r"(\]\(|src=\"|href=\")docs/")
ELSEWHERE = re.compile(r"(?<!!)\[([^\]]*)\]\((?!https?:|#|docs/)([^)\s]+)\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add README.md as the home page."""
    readme = ROOT / "README.md"
    if readme.exists() and files.get_file_from_path("index.md") is None:
        text = ELSEWHERE.sub(_named_in_the_repository, readme.read_text(encoding="utf-8"))
        files.append(File.generated(config, "index.md", content=INTO_DOCS.sub(r"\1", text)))
    return files


def _named_in_the_repository(link: re.Match[str]) -> str:
    """Keep the words of a link to a file that is no page, once the file is known to be there."""
    words, target = link.groups()
    if not (ROOT / target.partition("#")[0]).exists():
        raise FileNotFoundError(f"README.md links to {target}, which does not exist")
    return words
