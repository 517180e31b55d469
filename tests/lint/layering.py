#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Fails if a source file includes across a border, or a folder links across one, that ARCHITECTURE.md does not allow."""
import re

import tree

SUPPORT = {"common/support"}
MODEL = SUPPORT | {"common/elf", "common/target"}
CORE = MODEL | {"common/diff", "common/extract", "common/safety"}

MAY_USE = {  # component -> the other components that it may use
    "common/support": set(),
    "common/process": SUPPORT,
    "common/trust": SUPPORT,
    "common/host": SUPPORT,
    "common/elf": SUPPORT,
    "common/target": SUPPORT | {"common/elf"},
    "common/prove": MODEL,
    "common/diff": MODEL,
    "common/extract": MODEL | {"common/diff"},
    "common/safety": MODEL | {"common/diff", "common/extract"},
    "common/link": MODEL | {"common/prove", "common/diff", "common/extract"},
    "buildenv": MODEL | {"common/process", "common/prove"},
    "buildenv/pairs": MODEL | {"common/process", "common/prove", "buildenv"},
    "buildenv/linux": MODEL | {"common/process", "common/prove", "buildenv", "buildenv/pairs", "linux/payload"},
    "buildenv/lab": SUPPORT | {"common/process", "common/elf", "buildenv"},
    "hypercall": SUPPORT,
    "xen/profile": MODEL,
    "linux/profile": MODEL,
    "linux/payload": MODEL,
    "linux/host": MODEL | {"common/host", "linux/payload"},
    "linux/module": CORE | {"common/prove", "common/link", "common/trust", "linux/profile", "linux/payload"},
    "linux/check": MODEL | {"linux/payload", "linux/module"},
    "xen/payload": CORE,
    "xen/relocate": MODEL | {"xen/payload"},
    "xen/check": CORE | {"xen/profile", "xen/payload"},
    "xen/link": CORE | {"common/prove", "common/link", "xen/profile", "xen/payload", "xen/check"},
    "xen/host": MODEL | {"common/host", "common/trust", "hypercall", "xen/payload", "xen/relocate", "xen/check"},
}
EVERYTHING = set(MAY_USE)
MAY_USE["programs/shared"] = SUPPORT
MAY_USE["programs/host"] = SUPPORT | {"programs/shared", "common/host"}
MAY_USE["programs/hotpatch"] = {"programs/shared"} | EVERYTHING - {"common/host", "hypercall", "xen/host", "linux/host"}
MAY_USE["programs/hotpatch-syntax"] = set()
MAY_USE["programs/linux-hotpatch"] = MODEL | {"programs/shared", "programs/host", "common/host", "linux/payload", "linux/host"}
MAY_USE["programs/xen-hotpatch"] = MODEL | {"programs/shared", "programs/host", "common/host", "common/trust", "hypercall",
                                            "xen/payload", "xen/relocate", "xen/check", "xen/host"}

ONLY_IN = {  # header prefix -> the only files or folders that may include it
    "llvm/": ("common/elf/object_reader.cc", "common/elf/dwarf.cc", "common/elf/dwarf.h", "common/elf/dwarf_check.cc",
              "common/elf/type_layout.cc", "common/target/decode_x86.cc", "programs/hotpatch-syntax/"),
    "llvm-c/": (),
    "lzma.h": ("buildenv/deb_archive.cc",),
    "libelf.h": ("common/elf/object_writer.cc",),
    "gelf.h": ("common/elf/object_writer.cc",),
    "elfutils/": (),
    "xenctrl.h": (),
    "xencall.h": ("hypercall/open_xen.cc",),
    "xentoollog.h": ("hypercall/open_xen.cc",),
    "CLI/": ("programs/",),
    "openssl/": ("common/trust/", "common/support/digest.cc"),
    "clang/": ("programs/hotpatch-syntax/",),
}
NO_JSON_IN = ("common/elf/", "common/target/", "common/diff/")

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.M)
COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.S)
TARGET_NAME = re.compile(r"\b(?:xen|linux|klp|kpatch|livepatch)\w*", re.I)
COMPONENT_CALL = re.compile(r"hotpatch_component\(\s*(\w+)\s(.*?)\)", re.S)
KEYWORD = re.compile(r"^(HEADERS|SOURCES|DEPS|PRIVATE_DEPS|PUBLIC_PACKAGES)$")


def component_of(path):
    """The innermost component that holds path, or None."""
    inside = [name for name in MAY_USE if path.startswith(name + "/")]
    return max(inside, key=len, default=None)


def check_includes(own, path, text):
    bad = []
    for include in INCLUDE.findall(text):
        to = component_of(include)
        if to and to != own and to not in MAY_USE[own]:
            bad.append(f"{path}: {own} may not include {include}")
        for prefix, places in ONLY_IN.items():
            if include.startswith(prefix) and not any(path == place or path.startswith(place) for place in places):
                bad.append(f"{path}: {include} is allowed only in {', '.join(places) or 'no file'}")
        if include.startswith("nlohmann/") and path.startswith(NO_JSON_IN):
            bad.append(f"{path}: JSON does not belong into {own}; the callers write it")
    if own.startswith("common/"):
        code = COMMENT.sub("", INCLUDE.sub("", text))
        bad += [f"{path}: target name '{name}' in target-neutral code" for name in sorted(set(TARGET_NAME.findall(code)))]
    return bad


def declared_links(root, files):
    """CMake component name -> (folder, names of the components that it links)."""
    links = {}
    for path in files:
        if path.name != "CMakeLists.txt":
            continue
        folder = path.parent.as_posix()
        for name, body in COMPONENT_CALL.findall(tree.text_of(root, path) or ""):
            deps, collecting = [], False
            for word in body.split():
                if KEYWORD.match(word):
                    collecting = word == "DEPS"
                elif collecting:
                    deps.append(word)
            links[name] = (folder, deps)
    return links


def check_links(root, files):
    bad = []
    links = declared_links(root, files)
    for name, (folder, deps) in sorted(links.items()):
        if folder not in MAY_USE:
            bad.append(f"{folder}/CMakeLists.txt: component {name} has no place in tests/lint/layering.py")
            continue
        for dep in deps:
            to = links.get(dep, (None,))[0]
            if to is None:
                bad.append(f"{folder}/CMakeLists.txt: {name} links {dep}, which is no component")
            elif to not in MAY_USE[folder]:
                bad.append(f"{folder}/CMakeLists.txt: {folder} may not link {to}")
    return bad


def check(root):
    files = tree.project_files(root)
    bad = check_links(root, files)
    for path in files:
        own = component_of(path.as_posix())
        if own and path.suffix in (".h", ".cc"):
            bad += check_includes(own, path.as_posix(), tree.text_of(root, path) or "")
    return bad


if __name__ == "__main__":
    tree.run("layering", check)
