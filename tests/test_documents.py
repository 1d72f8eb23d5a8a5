"""Documents as a person reads them: short lines and paragraphs, live links, plain words, blocks
between two marks.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.render.documents import documents

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
WRITTEN = documents()  # but the pages that `benchmarks render` writes whole
MOST_COLUMNS, MOST_WORDS = 100, 110
BEGIN = r"<!-- (\w+): begin, made by ([^>]*?) -->"
RENDERER = "python -m benchmarks render"
BLOCK = re.compile(rf"{BEGIN}\n(.*?)\n<!-- \1: end -->", flags=re.DOTALL)


def ids(paths: list[Path]) -> list[str]:
    """The paths as a person types them."""
    return [str(path.relative_to(ROOT)) for path in paths]


def prose_of(text: str) -> str:
    """The text without code blocks, generated blocks, tables and images: what people wrap."""
    text = BLOCK.sub("", text)
    text = re.sub(r"^ *```.*?^ *```$", "", text, flags=re.DOTALL | re.MULTILINE)
    return "\n".join(
        "" if line.startswith(("|", "![", "<!--")) else line for line in text.splitlines()
    )


def paragraphs_of(text: str) -> list[str]:
    """Paragraphs and list items of the prose, each as one line; headings left out."""
    found: list[str] = []
    is_open = False
    for line in prose_of(text).splitlines():
        starts_anew = not is_open or re.match(r"\s*(?:[-*]|\d+\.)\s", line)
        is_open = bool(line.strip()) and not line.startswith("#")
        if not is_open:
            continue
        if starts_anew:
            found.append(line.strip())
        else:
            found[-1] += f" {line.strip()}"
    return found


def anchors_of(text: str) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    text = re.sub(r"^ *```.*?^ *```$", "", text, flags=re.DOTALL | re.MULTILINE)
    anchors: set[str] = set()
    for heading in re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", plain).strip().replace(" ", "-")
        again = next(
            (f"{anchor}-{k}" for k in range(1, 99) if f"{anchor}-{k}" not in anchors), anchor
        )
        anchors.add(again if anchor in anchors else anchor)
    return anchors


def dead_links(path: Path) -> list[str]:
    """Links to files that are not there, or to headings that a document does not have."""
    text = re.sub(
        r"^ *```.*?^ *```$", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
    )
    dead = []
    for target, _, anchor in (link.partition("#") for link in re.findall(r"\]\(([^)\s]+)\)", text)):
        if re.match(r"[a-z]+:", target):
            continue
        there = (path.parent / target).resolve() if target else path
        if not there.exists() or (
            anchor and anchor not in anchors_of(there.read_text(encoding="utf-8"))
        ):
            dead.append(f"{target}#{anchor}" if anchor else target)
    return dead


def retired_words_in(text: str, retired: str) -> list[str]:
    """Retired words of the prose and the tables; what stands in backticks or double quotes is a
    name or a quotation.
    """
    text = re.sub(r"^ *```.*?^ *```$", "", BLOCK.sub("", text), flags=re.DOTALL | re.MULTILINE)
    plain = re.sub(r"`[^`]*`|\"[^\"\n]*(?:\n[^\"\n]+)?\"|\]\([^)]*\)", "", text)
    return re.findall(rf"\b(?:{retired})\b", plain, flags=re.IGNORECASE)


@pytest.mark.parametrize("path", WRITTEN, ids=ids(WRITTEN))
def test_no_line_of_prose_is_wider_than_a_page(path):
    lines = prose_of(path.read_text(encoding="utf-8")).splitlines()
    assert [
        line
        for line in lines
        if len(line) > MOST_COLUMNS and not re.fullmatch(r"\S+", line.strip())
    ] == []


@pytest.mark.parametrize("path", WRITTEN, ids=ids(WRITTEN))
def test_no_paragraph_is_a_wall(path):
    paragraphs = paragraphs_of(path.read_text(encoding="utf-8"))
    assert [one for one in paragraphs if len(one.split()) > MOST_WORDS] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=ids(DOCUMENTS))
def test_every_link_leads_to_a_file_and_a_heading(path):
    assert dead_links(path) == []


@pytest.mark.parametrize("path", WRITTEN, ids=ids(WRITTEN))
def test_no_retired_word_stands_in_a_document(path, retired_words):
    assert retired_words_in(path.read_text(encoding="utf-8"), retired_words) == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=ids(DOCUMENTS))
def test_every_generated_block_has_both_marks_and_names_its_renderer(path):
    text = path.read_text(encoding="utf-8")
    begun = re.findall(BEGIN, text)
    assert [name for name, _ in begun] == re.findall(r"<!-- (\w+): end -->", text)
    assert [name for name, _ in begun] == [match[1] for match in BLOCK.finditer(text)]
    assert {maker for _, maker in begun} <= {RENDERER}


def test_every_generated_block_has_a_name_of_its_own_across_documents():
    names = Counter(
        match[1] for path in DOCUMENTS for match in BLOCK.finditer(path.read_text(encoding="utf-8"))
    )
    assert [name for name, times in names.items() if times > 1] == []
    assert len(names) >= 32


def test_every_decision_says_its_context_decision_alternatives_and_consequences():
    decisions = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    assert [int(path.name[:3]) for path in decisions] == list(range(1, len(decisions) + 1))
    index = (ROOT / "docs" / "decisions" / "README.md").read_text(encoding="utf-8")
    for path in decisions:
        text = path.read_text(encoding="utf-8")
        sections = re.findall(r"^## (.+)$", text, flags=re.MULTILINE)
        assert sections == ["Context", "Decision", "Alternatives", "Consequences"], path.name
        assert f"({path.name})" in index, path.name


def test_every_page_of_results_stands_in_their_index():
    pages = {path.name for path in (ROOT / "docs" / "results").glob("*.md")} - {"README.md"}
    index = (ROOT / "docs" / "results" / "README.md").read_text(encoding="utf-8")
    assert {name for name in pages if f"]({name})" not in index} == set()


def test_a_wide_line_a_wall_a_dead_link_and_a_retired_word_are_seen(tmp_path, retired_words):
    page = tmp_path / "page.md"
    page.write_text(
        "# A heading\n\n[here](#a-heading) [there](#no-heading) [gone](gone.md)\n", encoding="utf-8"
    )
    assert dead_links(page) == ["#no-heading", "gone.md"]
    sentence = 'An alert rings at the door; `told` and "the desk" are names.'
    assert retired_words_in(sentence, retired_words) == ["rings", "door"]
    assert paragraphs_of("- one\n  two\n- three\n\n| a | b |\n\nfour\nfive\n") == [
        "- one two",
        "- three",
        "four five",
    ]
    assert prose_of("a\n```\n" + "x" * 200 + "\n```\nb") == "a\n\nb"
