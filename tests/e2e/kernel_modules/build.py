#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Builds the modules of this directory for a base of Linux by the kernel's own build: build.py BASE OUTPUT.

The base is only read. OUTPUT/NAME.ko appears for each of MODULES; a run that finds them newer than their sources does nothing."""
import fcntl
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
PATCHES = {  # module -> what it is made with
    "small": "",
    "other": "-DWITH_VERSION",
    "whole": "-DWITH_VERSION -DWITH_REPLACE",
    "crash": "-DWITH_CRASH",
    "warn": "-DWITH_WARNING",
    "foreign": "-DNO_BUILD_ID",
    "sleepy": "-DWITH_TARGET",
    "tail": "-DWITH_TARGET -DWITH_TAIL_CALL",
}


def make(base, manifest, output, goals):
    kernel = manifest["kernel"]
    (output / "Kbuild").write_text("".join(goals))
    subprocess.run(
        ["make", "-s", "-C", str(base / manifest["build_directory"]), f"M={output}", "KBUILD_MODPOST_WARN=1",
         f"KBUILD_EXTRA_SYMBOLS={base / 'image' / 'Module.symvers'}", *kernel["make_arguments"], "modules"],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        env=dict(manifest["environment"]))


def build_id(module):
    text = subprocess.run(["readelf", "-n", module], check=True, capture_output=True, text=True).stdout
    return text.split("Build ID:")[1].split()[0]


def sign(output, name):
    """The module with a signature by a key that no kernel knows, as scripts/sign-file of the kernel appends it."""
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, text=True, cwd=output)
    openssl("req", "-new", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "9", "-subj", "/CN=nobody", "-keyout", "key.pem",
            "-out", "cert.pem")
    openssl("cms", "-sign", "-binary", "-noattr", "-nocerts", "-md", "sha256", "-signer", "cert.pem", "-inkey", "key.pem",
            "-outform", "DER", "-in", name, "-out", "signature")
    signature = (output / "signature").read_bytes()
    pkcs7 = 2  # include/linux/module_signature.h
    trailer = struct.pack(">BBBBB3xI", 0, 0, pkcs7, 0, 0, len(signature))
    return (output / name).read_bytes() + signature + trailer + b"~Module signature appended~\n"


def is_done(output, names):
    newest = max(path.stat().st_mtime for path in HERE.iterdir())
    return all((output / f"{name}.ko").exists() and (output / f"{name}.ko").stat().st_mtime > newest for name in names)


def main():
    base, output = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]).resolve()
    output.mkdir(parents=True, exist_ok=True)
    with open(output / ".lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if is_done(output, ["sleeper", "signed", *PATCHES]):
            return
        manifest = json.loads((base / "manifest.json").read_text())
        shutil.copy(HERE / "target.c", output / "sleeper.c")
        make(base, manifest, output, ["obj-m += sleeper.o\n"])
        target_id = build_id(output / "sleeper.ko")
        goals = []
        for name, defines in PATCHES.items():
            shutil.copy(HERE / "patch.c", output / f"{name}.c")
            flags = defines
            if "NO_BUILD_ID" not in defines:
                flags += f' -DKERNEL_BUILD_ID=\\"{manifest["build_id"]}\\"'
            if "WITH_TARGET" in defines:
                flags += f' -DTARGET_BUILD_ID=\\"{target_id}\\"'
            goals.append(f"obj-m += {name}.o\nCFLAGS_{name}.o := {flags}\n")
        kept = (output / "sleeper.ko").read_bytes()
        make(base, manifest, output, goals)
        (output / "sleeper.ko").write_bytes(kept)
        (output / "signed.ko").write_bytes(sign(output, "small.ko"))


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"{error}\n{error.stderr}")
