# SPDX-License-Identifier: GPL-2.0-or-later
"""What differs between two compilations, found without an object file: from the compiler's assembler text.

The text says everything by name that an object says by offset: no relocations, no sections' symbols, no encodings. Each function's lines
(with those of its out-of-line parts, and the records that its inline assembly puts into other sections) are normalised: local labels are
numbered by their order, names that the compiler numbered are replaced by what they name, and what has no name is replaced by its content.
Two functions are the same if their texts are. Functions are told by the name in the source: clones and parts belong to it.
"""
import dataclasses
import hashlib
import re

LABEL = re.compile(r"^([\w.$]+):")
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[A-Za-z_.][\w.$]*')
NUMBERED = re.compile(r"\.\d+(?=\.|$)")
# What does not say anything of the code: layout, kinds and scopes of symbols, debugging and unwind tables.
DROPPED = re.compile(r"^\.(file|ident|globl|type|size|p2align|align|balign|hidden|weak|addrsig\w*|loc|cfi_\w+|intel_syntax|att_syntax"
                     r"|section|text|data|bss|previous|local)\b")
LINE_FIELD = re.compile(r"\+ ?-?\d+$")  # what the generator adds to a bug frame's displacements
COMMENT = re.compile(r"\s+#.*$")
# The compilers' own names of parts and variants of a function.
VARIANT = re.compile(r"\.(cold|part|constprop|isra|llvm|specialized|lto_priv)\b.*$")


@dataclasses.dataclass
class Unit:
    functions: dict  # symbol -> lines
    data: dict       # symbol or local label -> lines
    constant: set    # those of data in sections that are not written to


def is_code(section):
    return section.startswith(".text") or section == ".fixup"


def read(text):
    unit = Unit({}, {}, set())
    section, home, current = ".text", None, {}  # home: the section around an inline assembly, whose lines stay where they stand
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith("#APP"):
            home = section
        elif line.startswith("#NO_APP"):
            section, home = home, None
        if '"' not in line:
            line = COMMENT.sub("", line)
        if not line or line.startswith("#"):
            continue
        for statement in split_statements(line):
            label = LABEL.match(statement)
            switched = re.match(r"^\.(?:push)?section\s+([^,\s]+)|^(\.text|\.data|\.bss)\b|^\.popsection", statement)
            if switched:
                section = switched.group(1) or switched.group(2) or home or section
                if home:  # one compiler writes down .popsection, the other where it leads
                    append(current, home, f".section {section if section != home else ''}")
            elif home:
                if section.startswith(".bug_frames"):
                    statement = LINE_FIELD.sub("", statement)
                if not statement.startswith(".loc "):
                    append(current, home, statement)
            elif section.startswith(".debug"):
                continue
            elif label and is_code(section) and not label.group(1).startswith(".L") and not label.group(1).isdigit():
                current[section] = unit.functions.setdefault(label.group(1), [])
            elif label and not is_code(section):
                current[section] = unit.data.setdefault(label.group(1), [])
                if section.startswith((".rodata", ".data.rel.ro")):
                    unit.constant.add(label.group(1))
                rest = statement[label.end():].strip()
                if rest:
                    current[section].append(rest)
            elif statement.startswith((".comm", ".lcomm")):
                name, size = statement.split(None, 1)[1].split(",")[:2]
                unit.data[name.strip()] = [f".comm {size}"]
            elif re.match(r"^\.set\s", statement):
                name, value = statement.split(None, 1)[1].split(",", 1)
                unit.data[name.strip()] = [f".set {value.strip()}"]
                unit.constant.add(name.strip())
            elif not DROPPED.match(statement):
                append(current, section, statement)
    return unit


def split_statements(line):
    if '"' in line or ";" not in line:
        return [line]
    return [part.strip() for part in line.split(";") if part.strip()]


def append(current, section, statement):
    if section in current:
        current[section].append(statement)


class Canon:
    """`strict`: which of several variants of a function is meant is told by what the variant does; else it is not told at all. So what
    strictly differs may be the same with another variant changed, and what does not is the same for certain."""

    def __init__(self, unit, strict):
        self.unit = unit
        self.strict = strict
        self.digests = {}

    def name(self, symbol, labels, depth):
        """What a symbol means, in words that mean the same in another compilation."""
        unit = self.unit
        if symbol in labels:
            return labels[symbol]
        if symbol in unit.functions:
            if not VARIANT.search(symbol):
                return symbol
            return NUMBERED.sub("", symbol) + (f"#{self.digest(symbol, depth)}" if self.strict else "")
        if symbol in unit.data:
            numbered = symbol.startswith(".L") or NUMBERED.search(symbol) or "." in symbol
            if not numbered and symbol not in unit.constant:
                return symbol
            inside = {**labels, symbol: "here"}  # a jump table counts from its own start
            content = " ".join(self.line(line, inside, depth + 1) for line in unit.data[symbol]) if depth < 6 else "..."
            return f"{'' if symbol.startswith('.L') else NUMBERED.sub('', symbol)}{{{content}}}"
        return symbol

    def line(self, line, labels, depth):
        def replace(match):
            token = match.group(0)
            return token if token.startswith('"') else self.name(token, labels, depth)
        return " ".join(TOKEN.sub(replace, line).split())

    def digest(self, symbol, depth):
        """Of a variant: told by what it does, without what its own references are told by."""
        if symbol not in self.digests:
            self.digests[symbol] = "recursion"
            self.digests[symbol] = hashlib.sha256(self.function(symbol, depth + 1).encode()).hexdigest()[:12] if depth < 3 else ""
        return self.digests[symbol]

    def function(self, symbol, depth=0):
        parts = [symbol] + [name for name in (f"{symbol}.cold",) if name in self.unit.functions]
        defined = [label.group(1) for part in parts for line in self.unit.functions[part] if (label := LABEL.match(line))]
        text = "\n".join(line for part in parts for line in self.unit.functions[part])
        used = set(TOKEN.findall(re.sub(LABEL.pattern, "", text, flags=re.M)))
        pending = list(used)
        while pending:  # labels that are used by what it uses: jump tables
            more = {token for line in self.unit.data.get(pending.pop(), []) for token in TOKEN.findall(line)} - used
            used |= more
            pending.extend(more)
        labels = {}
        for label in defined:
            if label.startswith(".L"):
                labels.setdefault(label, f"L{sum(1 for known in labels.values() if known)}" if label in used else "")
        labels.update({part: f"self{part[len(symbol):]}" for part in parts})
        lines = []
        for part in parts:
            for line in self.unit.functions[part]:
                label = LABEL.match(line)
                if label and labels.get(label.group(1), "x") == "":
                    line = line[label.end():].strip()  # nobody goes there
                if line:
                    lines.append(self.line(line, labels, depth))
        return "\n".join(lines)


def source_name(symbol):
    return symbol.split(".")[0]


def functions(text, strict):
    """Source name -> sorted normalised texts of the function and of its variants."""
    unit = read(text)
    canon = Canon(unit, strict)
    product = {}
    for symbol in unit.functions:
        if symbol.endswith(".cold"):
            continue  # it is with its function
        product.setdefault(source_name(symbol), []).append(canon.function(symbol))
    return {name: sorted(texts) for name, texts in product.items()}


def difference(original, patched):
    """(certain, possible): sets of the source names of functions that differ, are new or are gone."""
    product = []
    for strict in (False, True):
        before, after = functions(original, strict), functions(patched, strict)
        product.append({name for name in before.keys() | after.keys() if before.get(name) != after.get(name)})
    return product
