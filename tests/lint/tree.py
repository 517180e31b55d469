# SPDX-License-Identifier: GPL-2.0-or-later
"""What the lints share: the project's own files, and how a lint reports."""
import pathlib
import subprocess
import sys


def project_files(root):
    """Every file of the project, tracked or about to be, as sorted paths relative to root."""
    listing = subprocess.run(
        ["git", "-c", "safe.directory=*", "-C", str(root), "ls-files", "-z", "-co", "--exclude-standard"],
        capture_output=True, check=False)
    if listing.returncode == 0:
        names = {name for name in listing.stdout.decode().split("\0") if name}
    else:  # not a checkout: an unpacked archive
        names = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    names = {name for name in names if not name.startswith(("build/", "build-")) and (root / name).is_file()}
    return sorted(pathlib.PurePosixPath(name) for name in names)


def text_of(root, path):
    """The file's text, or None if it is not text."""
    try:
        return (root / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def run(name, check):
    """Runs check(root) -> list of messages on the tree named on the command line; fails if there are any."""
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} TREE")
    bad = check(pathlib.Path(sys.argv[1]).resolve())
    print("\n".join(bad) if bad else f"{name}: ok")
    sys.exit(1 if bad else 0)
