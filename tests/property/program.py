# SPDX-License-Identifier: GPL-2.0-or-later
"""Random C programs of the kind that a hypervisor or kernel consists of, and single changes to them.

A program is a list of functions, each a list of statements; a statement is a kind and its parameters, so that a change is a change of
one parameter and not of text. Everything follows from the seed.

What the programs hold: static and global functions that are inlined, cloned, split or not; static locals of one name in several
functions; tables of constants, static and shared; strings; dense switches; cold paths; calls through pointers; recursion; and inline
assembly that fills special sections as Xen does: alternatives, exception tables with fixups, bug frames.
"""
import copy
import dataclasses
import random

PRELUDE = """\
typedef unsigned long u64;
struct ops { long (*run)(long); long (*stop)(long, long); };
#pragma GCC visibility push(hidden)
extern long ext0(long), ext1(long), ext2(long, long);
extern void note(const char *, long), fill(long *), install(const struct ops *);
extern long hooked(long (*)(long));
extern void fatal(const char *) __attribute__((noreturn, cold));
extern long shared[64];
#define ALTERNATIVE(feature, byte) \\
  asm volatile("661: .byte 0x0f,0x1f,0x00\\n662:\\n.pushsection .altinstructions, \\"a\\"\\n.long 661b - .\\n.long 663f - .\\n" \\
               ".word %c0\\n.byte 662b-661b, 664f-663f, 0, 0\\n.popsection\\n" \\
               ".pushsection .altinstr_replacement, \\"ax\\"\\n663: .byte 0x0f,0x01,%c1\\n664:\\n.popsection" ::"i"(feature), "i"(byte))
#define GUARDED(value, error, pointer, code) \\
  asm volatile("1: mov %2, %1\\n2:\\n.pushsection .fixup, \\"ax\\"\\n3: mov %3, %0\\njmp 2b\\n.popsection\\n" \\
               ".pushsection .ex_table, \\"a\\"\\n.balign 4\\n.long 1b - .\\n.long 3b - .\\n.popsection" \\
               : "+r"(error), "=r"(value) : "m"(*(pointer)), "i"(code))
#define LINE_LOW(line) (((line) & 127) << 24)
#define LINE_HIGH(line) (((line) >> 7) << 24)
#define BUG(kind, text) \\
  asm volatile("1: ud2\\n.pushsection .bug_frames." #kind ", \\"a\\"\\n.p2align 2\\n2:\\n" \\
               ".long 1b - 2b + %c1\\n.long %c0 - 2b + %c2\\n.popsection" \\
               ::"i"(text), "i"(LINE_HIGH(__LINE__)), "i"(LINE_LOW(__LINE__)))
"""

STATIC_NAMES = ["count", "state", "once"]
OPERATORS = ["+", "-", "^", "|", "*"]
COMPARISONS = ["<", ">", "==", "!="]


@dataclasses.dataclass
class Function:
    name: str
    linkage: str      # "static", "static noinline", "static inline", "" for a global one
    statements: list  # of (kind, parameters)


@dataclasses.dataclass
class Program:
    tables: dict      # name -> list of numbers: static const, used by several functions
    variables: dict   # name -> initial value: static, writable
    functions: list
    shift: int = 0        # lines put at the top
    synchronise: bool = False  # a #line directive takes the shift back
    padding: str = ""     # what is put there: comments, declarations of no use
    types: dict = dataclasses.field(default_factory=dict)       # of variables, where they are not long
    attributes: dict = dataclasses.field(default_factory=dict)  # of variables and functions
    member: str = ""      # put at the end of struct ops


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.serial = 100

    def number(self):
        """Every number of a program is another one, so that no two functions are alike by accident."""
        self.serial += self.random.randrange(3, 40)
        return self.serial

    def statement(self, program, index, depth=0):
        r = self.random
        callees = [f.name for f in program.functions[:index]] or ["ext0"]
        kinds = ["arithmetic"] * 4 + ["branch"] * 3 + ["loop", "switch", "cases", "string", "string", "table", "variable", "static",
                 "static", "local_table", "call", "call", "call", "cold", "pointer", "ops", "alternative", "guarded", "bug", "shared",
                 "buffer", "recursion"]
        kind = r.choice(kinds if depth == 0 else kinds[:7])
        p = {"n": self.number(), "m": self.number(), "op": r.choice(OPERATORS), "cmp": r.choice(COMPARISONS),
             "callee": r.choice(callees), "name": r.choice(STATIC_NAMES), "table": r.choice(list(program.tables)),
             "variable": r.choice(list(program.variables)), "bit": r.randrange(32 * 20), "byte": r.randrange(256),
             "kind": r.randrange(3), "text": f"message {self.serial} of %ld", "width": r.randrange(4, 9)}
        if kind in ("branch", "loop"):
            p["body"] = [self.statement(program, index, depth + 1) for _ in range(r.randrange(1, 3))]
        return (kind, p)

    def function(self, program, index, linkage=None):
        r = self.random
        linkage = r.choice(["static", "static noinline", "static noinline", "", "", "static inline"]) if linkage is None else linkage
        size = r.randrange(1, 4) if linkage == "static inline" else r.randrange(2, 9)
        return Function(f"f{index}_{self.number()}", linkage, [self.statement(program, index) for _ in range(size)])

    def program(self):
        r = self.random
        program = Program({f"table{i}": [self.number() for _ in range(8)] for i in range(2)},
                          {f"variable{i}": self.number() for i in range(2)}, [])
        for index in range(r.randrange(8, 15)):
            program.functions.append(self.function(program, index))
        # What nobody calls would be dropped; a few callers with constant arguments invite clones.
        entry = Function("top", "", [("call_constant" if r.randrange(3) == 0 else "call", {**self.statement(program, 0)[1],
                                                                                             "callee": f.name})
                                       for f in program.functions])
        program.functions.append(entry)
        return program


def render_statement(kind, p, indent="  "):
    body = "".join(render_statement(*inner, indent + "  ") for inner in p.get("body", []))
    text = {
        "arithmetic": "a = (a {op} {n}) ^ (b + {m});",
        "branch": "if (a {cmp} {n}) {{\n{body}{indent}}} else {{\n{indent}  b += ext0({m});\n{indent}}}",
        "loop": "for (long i = 0; i < (a & 15); ++i) {{\n{indent}  b += i * {n};\n{body}{indent}}}",
        "switch": "switch (a) {{\n" + "".join(f"{indent}  case {i}: b = ext{i % 2}(b + {p['n'] + i * 3}); break;\n"
                                              for i in range(p["width"])) + "{indent}}}",
        "cases": "switch (b) {{\n" + "".join(f"{indent}  case {i}: a = {p['n'] * (i + 3) % 1000}; break;\n"
                                             for i in range(p["width"])) + "{indent}  default: a = {m};\n{indent}}}",
        "string": 'note("{text}", a {op} {n});',
        "table": "b += {table}[a & 7] {op} {n};",
        "variable": "{variable} += b {op} {n};",
        "static": "{{ static long {name} = {n}; {name} {op}= a; b ^= {name}; }}",
        "local_table": "{{ static const short local[8] = {{{n}, 2, 3, {m}, 5, 6, 7, 8}}; b += local[a & 7]; }}",
        "call": "b += {callee}(a {op} {n});",
        "call_constant": "b += {callee}({n});",
        "cold": 'if (__builtin_expect(a == {n}, 0)) {{ note("{text}", b); fatal("cold {m}"); }}',
        "pointer": "b ^= hooked({callee});",
        "ops": "{{ static const struct ops operations = {{{callee}, ext2}}; install(&operations); }}",
        "alternative": "ALTERNATIVE({bit}, {byte});",
        "guarded": "{{ long error = 0, value; GUARDED(value, error, &shared[{kind}], -{n}); b += error ? error : value; }}",
        "bug": 'if (a == {n}) {{ BUG({kind}, "{text}"); b += ext1({m}); }}',
        "shared": "shared[a & 63] {op}= {n};",
        "buffer": "{{ long buffer[6] = {{{n}}}; fill(buffer); b += buffer[2]; }}",
        "recursion": "if (b > {n}) return self(a - 1) + {m};",
    }[kind]
    return indent + text.format(**{k: v for k, v in p.items() if k != "body"}, body=body, indent=indent) + "\n"


def render(program):
    out = [PRELUDE.replace("stop)(long, long);", f"stop)(long, long);{program.member}")]
    if program.shift or program.padding:
        first = PRELUDE.count("\n") + 1
        out.append(program.padding + "\n" * program.shift)
        if program.synchronise:
            out.append(f"#line {first}\n")
    for name, values in program.tables.items():
        out.append(f"static const long {name}[8] = {{{', '.join(map(str, values))}}};\n")
    for name, value in program.variables.items():
        attribute = program.attributes.get(name, "")
        out.append(f"static {program.types.get(name, 'long')} {name} {attribute} = {value};\n")
    for f in program.functions:
        linkage = program.attributes.get(f.name, "") + f.linkage.replace("noinline", "__attribute__((noinline))")
        body = "".join(render_statement(*statement) for statement in f.statements).replace("self(", f.name + "(")
        out.append(f"{linkage} long {f.name}(long a) {{\n  long b = a;\n{body}  return a - b;\n}}\n")
    return "".join(out)


def flatten(statements):
    for kind, p in statements:
        yield kind, p
        yield from flatten(p.get("body", []))


# A mutation takes a generator and a program which it changes, and returns what it did: (the function that it changed or None, what).
# None: it does not apply to this program.

def pick(g, program, *kinds):
    found = [(f, kind, p) for f in program.functions for kind, p in flatten(f.statements) if not kinds or kind in kinds]
    return g.random.choice(found) if found else None


def parameter(name, *kinds, value=None):
    def mutate(g, program):
        found = pick(g, program, *kinds)
        if not found:
            return None
        f, kind, p = found
        p[name] = value(g, p, program, f) if value else g.number()
        return f.name, f"{name} of {kind}"
    return mutate


def other(choices):
    def choose(g, p, name):
        return g.random.choice([c for c in choices if c != p[name]])
    return choose


def earlier_callee(g, p, program, f):
    names = [x.name for x in program.functions[:program.functions.index(f)]]
    return g.random.choice([n for n in [*names, "ext0", "ext1"] if n != p["callee"]])


def insert(g, program):
    index = g.random.randrange(len(program.functions))
    f = program.functions[index]
    f.statements.insert(g.random.randrange(len(f.statements) + 1), g.statement(program, index))
    return f.name, "a statement added"


def remove(g, program):
    f = g.random.choice(program.functions[:-1])
    if len(f.statements) < 2:
        return None
    kind, _ = f.statements.pop(g.random.randrange(len(f.statements)))
    return f.name, f"{kind} removed"


def add_function(g, program):
    index = g.random.randrange(len(program.functions))
    new = g.function(program, index, "static noinline")
    program.functions.insert(index, new)
    user = g.random.choice(program.functions[index + 1:])
    user.statements.insert(0, ("call", {**g.statement(program, 0)[1], "callee": new.name}))
    return user.name, "a new function, and a call"


def add_static(g, program):
    f = program.functions[g.random.randrange(len(program.functions) // 2)]
    f.statements.insert(0, ("static", {**g.statement(program, 0)[1], "name": g.random.choice(STATIC_NAMES)}))
    return f.name, "a new static: the compiler numbers those behind it anew"


def table_value(g, program):
    program.tables[g.random.choice(list(program.tables))][g.random.randrange(8)] = g.number()
    return None, "a table's value"


def nothing(_g, _program):
    return None, "nothing"


def lines_synchronised(g, program):
    program.shift, program.synchronise = g.random.randrange(1, 300), True
    program.padding = "/* a comment */\nextern int unused_declaration(int);\n"
    return None, "lines shifted, and synchronised"


def lines_shifted(g, program):
    program.shift = g.random.randrange(1, 300)
    return None, "lines shifted"


def scope(g, program):
    f = g.random.choice(program.functions[:-1])
    if f.linkage not in ("static noinline", ""):
        return None
    f.linkage = "" if f.linkage else "static noinline"
    return f.name, "scope"


MUTATIONS = {
    "constant": parameter("n", "arithmetic", "branch", "loop", "call", "table", "variable", "shared", "buffer", "recursion", "cold",
                          "string"),
    "operator": parameter("op", "arithmetic", "string", "table", "variable", "call", "shared",
                          value=lambda g, p, *_: other(OPERATORS)(g, p, "op")),
    "condition": parameter("cmp", "branch", value=lambda g, p, *_: other(COMPARISONS)(g, p, "cmp")),
    "string": parameter("text", "string", "cold", "bug", value=lambda g, *_: f"another text {g.number()}"),
    "callee": parameter("callee", "call", "pointer", "ops", value=earlier_callee),
    "case": parameter("n", "switch", "cases"),
    "cases": parameter("width", "switch", "cases", value=lambda g, p, *_: p["width"] + 1),
    "feature": parameter("bit", "alternative", value=lambda g, p, *_: p["bit"] ^ 1),
    "replacement": parameter("byte", "alternative", value=lambda g, p, *_: p["byte"] ^ 1),
    "fixup": parameter("n", "guarded"),
    "bug_kind": parameter("kind", "bug", value=lambda g, p, *_: (p["kind"] + 1) % 3),
    "which_table": parameter("table", "table", value=lambda g, p, program, f: other(list(program.tables))(g, p, "table")),
    "which_variable": parameter("variable", "variable", value=lambda g, p, program, f: other(list(program.variables))(g, p, "variable")),
    "local_table": parameter("m", "local_table"),
    "insert": insert,
    "remove": remove,
    "add_function": add_function,
    "add_static": add_static,
    "table_value": table_value,
    "scope": scope,
    "nothing": nothing,
    "lines_synchronised": lines_synchronised,
    "lines_shifted": lines_shifted,
}


# Changes that a patch cannot make to a running system. Each returns, beside what the others do, the name of what it changed.

def initialiser(g, program):
    name = g.random.choice(list(program.variables))
    program.variables[name] = g.number()
    return None, "the initial value of a variable", name


def variable_type(g, program):
    name = g.random.choice(list(program.variables))
    program.types[name] = "int"
    return None, "the size of a variable", name


def alignment(g, program):
    name = g.random.choice(list(program.variables))
    program.attributes[name] = "__attribute__((aligned(64)))"
    return None, "the alignment of a variable", name


def weak(g, program):
    found = [f for f in program.functions if not f.linkage]
    f = g.random.choice(found)
    program.attributes[f.name] = "__attribute__((weak)) "
    return f.name, "a symbol turns weak", f.name


def static_initialiser(g, program):
    found = pick(g, program, "static")
    if not found:
        return None
    f, _, p = found
    p["n"] = g.number()
    return f.name, "the initial value of a static", p["name"]


def layout(_g, program):
    if not any(kind == "ops" for f in program.functions for kind, _ in flatten(f.statements)):
        return None
    program.member = " long (*added)(long);"
    return None, "a member in a structure", "operations"


# Name -> the change, and the rules of which one has to refuse it if the compiler's output shows it.
REFUSALS = {
    "initialiser": (initialiser, {"HP005-data-initialiser"}),
    "static_initialiser": (static_initialiser, {"HP005-data-initialiser"}),
    "variable_type": (variable_type, {"HP004-data-size"}),
    "alignment": (alignment, {"HP012-alignment"}),
    "weak": (weak, {"HP013-binding"}),
    "layout": (layout, {"HP001-layout"}),
}


def make_case(seed, mutation):
    """(original source, patched source, changed function or None, what was done), and of a change that has to be refused the name of
    what it changed; or None where the mutation does not apply."""
    original = Generator(seed).program()
    patched = copy.deepcopy(original)
    generator = Generator(seed * 7919 + 1)
    generator.serial = 100000  # numbers that the original has not
    change = REFUSALS[mutation][0] if mutation in REFUSALS else MUTATIONS.get(mutation, nothing)
    done = change(generator, patched)
    return None if done is None else (render(original), render(patched), *done)
