# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads a page as a browser would, strictly: every tag closed where it was opened, nothing fetched, nothing run."""
import html.parser

VOID = {"meta", "col", "br"}
FETCHING = {"script", "link", "img", "iframe", "object", "embed"}


class Page(html.parser.HTMLParser):
    """`problems`, and the listings: by function, the lines of its original and of its patched code."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.problems = []
        self.listings = {}
        self.marked = {}  # by function: the number of rows that differ
        self.tags_seen = set()
        self.text = ""    # all that is shown, cells set apart by newlines
        self.graphs = []  # what is written in each drawing
        self._open = []
        self._function = None
        self._heading = None
        self._cells = []
        self.feed(text)
        self.close()
        self.problems += [f"<{tag}> is never closed" for tag in self._open]
        if not text.startswith("<!DOCTYPE html>"):
            self.problems.append("does not say that it is HTML")

    def handle_starttag(self, tag, attrs):
        self.tags_seen.add(tag)
        if tag in FETCHING or any(name.startswith("on") or name in ("src", "href") for name, _ in attrs):
            self.problems.append(f"<{tag} {attrs}> is not wanted on this page")
        if tag in VOID:
            return
        self._open.append(tag)
        if tag == "h2":
            self._heading = ""
        elif tag == "tr":
            self._cells = []
        elif tag == "svg":
            self.graphs.append([])
        elif tag == "text" and self.graphs:
            self.graphs[-1].append("")
        elif tag == "td":
            self.text += "\n"
            self._cells.append(["", dict(attrs).get("class")])

    def handle_endtag(self, tag):
        if not self._open or self._open[-1] != tag:
            self.problems.append(f"</{tag}> where <{self._open[-1] if self._open else None}> is open (line {self.getpos()[0]})")
            return
        self._open.pop()
        if tag == "h2" and "section" in self._open:
            self._function = self._heading
            self.listings[self._function] = ([], [])
            self.marked[self._function] = 0
        elif tag == "section":
            self._function = None
        elif tag == "tr" and self._function is not None and self._cells:
            self._add_row([text for text, _ in self._cells], [name for _, name in self._cells])

    def missing_findings(self, findings):
        """Which of the document's findings are not shown whole."""
        return [f"does not show the {part} of {finding['rule']}: {finding[part]}" for finding in findings
                for part in ("rule", "severity", "symbol", "source", "text", "remedy") if finding.get(part, "") not in self.text]

    def _add_row(self, texts, classes):
        """Place and code of the original, a mark, place and code of the patched; the latter two alone where there is no original."""
        original, patched = self.listings[self._function]
        if len(texts) not in (2, 5):
            self.problems.append(f"a row of {len(texts)} cells")
        if len(texts) == 5:
            original.append(texts[1])
        patched.append(texts[-1])
        self.marked[self._function] += "was" in classes or "is" in classes

    def handle_data(self, data):
        if "title" in self._open:
            return
        if "style" not in self._open:
            self.text += data
        if "text" in self._open:
            self.graphs[-1][-1] += data
        if "h2" in self._open:
            self._heading += data
        if "td" in self._open:
            self._cells[-1][0] += data
