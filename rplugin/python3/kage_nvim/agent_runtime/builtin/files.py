"""Reading and writing files of the worktree from inside the sandbox, byte for byte."""

from __future__ import annotations

import msgspec

from kage_nvim.model import Profile

MOST = 4 * 1024 * 1024
"""Bytes of a file that ``edit`` and ``write`` handle."""
SHOWN = 400_000
"""Bytes of a file that one ``read`` fetches."""
SECONDS = 30.0

_KIND = """
[ -e "$1" ] || exit 42
[ -d "$1" ] && { [ "$2" = names ] && ls -1Ap -- "$1"; exit 43; }
[ -f "$1" ] || exit 44
[ -r "$1" ] || exit 45
"""
_WINDOW = _KIND + f'awk "END {{ print NR }}" < "$1" && sed -n "$3,$4p;$4q" < "$1" | head -c {SHOWN}'
_READ = _KIND + 'exec head -c "$3" < "$1"'
_WRITE = """
[ -d "$1" ] && exit 43
mkdir -p -- "$(dirname -- "$1")" && part=$(mktemp) && cat > "$part" && cat "$part" > "$1"
done=$?
rm -f -- "$part"
exit $done
"""
_PROBLEMS = {
    42: "there is no file {path}",
    43: "{path} is a folder",
    44: "{path} is no regular file",
    45: "{path} may not be read",
}


class FileError(Exception):
    """A file could not be read or written; the message names it and says why."""


class Excerpt(msgspec.Struct):
    """Lines of a file and how many it has, or the names in a folder."""

    lines: list[str] = []
    total: int = 0
    names: list[str] | None = None


class Content(msgspec.Struct):
    """A whole file as text, and how to make its bytes again."""

    text: str
    encoding: str

    def encoded(self, text: str) -> bytes:
        """The bytes of a changed text, in the file's own encoding.

        Raises:
            FileError: a character has none there.
        """
        try:
            return text.encode(self.encoding)
        except UnicodeEncodeError as error:
            wrong = text[error.start : error.end]
            raise FileError(f"the file is in {self.encoding}, which cannot hold {wrong!r}") from None


def decoded(data: bytes) -> Content:
    """UTF-8 if it is, else Latin-1, which holds any bytes and gives the same ones back."""
    for encoding in ("utf-8", "latin-1"):
        try:
            return Content(data.decode(encoding), encoding)
        except UnicodeDecodeError:
            continue
    raise AssertionError("latin-1 decodes everything")


class Files:
    """The files that one profile's sandbox shows; paths are relative to the worktree or lead into it."""

    def __init__(self, profile: Profile, repository: str) -> None:
        self._profile = profile
        self._roots = [profile.worktree.rstrip("/"), repository.rstrip("/")]

    def inside(self, path: str) -> str:
        """The path as a command in the worktree takes it; the user's own repository means the worktree.

        Raises:
            FileError: no command can take such a path.
        """
        if "\0" in path or not path:
            raise FileError(f"{path!r} is no path")
        for root in self._roots:
            if path == root or path.startswith(root + "/"):
                path = path[len(root) :].lstrip("/") or "."
        return f"./{path}" if path.startswith("-") else path

    async def window(self, path: str, first: int, last: int) -> Excerpt:
        """Lines ``first`` to ``last`` of a text file (1-based), or the names in a folder.

        Raises:
            FileError: there is no such file, or it is not text.
        """
        code, data = await self._run(_WINDOW, path, "names", str(first), str(last))
        if code == 43:
            return Excerpt(names=decoded(data).text.splitlines())
        self._check(code, data, path)
        count, _, body = data.partition(b"\n")
        if len(body) >= SHOWN and b"\n" in body:
            body = body[: body.rindex(b"\n") + 1]
        if b"\0" in body:
            raise FileError(f"{path} is not text")
        lines = decoded(body).text.split("\n")
        return Excerpt(lines if lines[-1] else lines[:-1], int(count))

    async def read(self, path: str) -> Content:
        """The whole of a text file.

        Raises:
            FileError: there is none, it is not text, or it is larger than ``MOST``.
        """
        code, data = await self._run(_READ, path, "", str(MOST + 1))
        self._check(code, data, path)
        if len(data) > MOST:
            raise FileError(f"{path} is larger than {MOST // 1024 // 1024} MB; use shell for it")
        if b"\0" in data:
            raise FileError(f"{path} is not text")
        return decoded(data)

    async def like_before(self, path: str, text: str) -> tuple[bytes, bool]:
        """The bytes of a new text with the encoding and line ends that the file had; whether it existed."""
        try:
            before = await self.read(path)
        except FileError:
            code, _ = await self._run(_READ, path, "", "0")
            return text.encode(), code == 0
        if "\r\n" in before.text and "\r\n" not in text:
            text = text.replace("\n", "\r\n")
        try:
            return before.encoded(text), True
        except FileError:
            return text.encode(), True

    async def write(self, path: str, data: bytes) -> None:
        """Write a whole file; its mode stays, a new one's folders are made.

        The data is collected beside first, so that an interrupt leaves the old content or the new.

        Raises:
            FileError: it cannot be written.
        """
        code, output = await self._run(_WRITE, path, stdin=data)
        self._check(code, output, path)

    async def _run(self, script: str, path: str, *arguments: str, stdin: bytes = b"") -> tuple[int, bytes]:
        from kage_nvim import sandbox

        output = bytearray()
        done = await sandbox.run(
            self._profile,
            ["sh", "-c", script, "sh", self.inside(path), *arguments],
            stdin=stdin,
            timeout=SECONDS,
            on_output=output.extend,
        )
        return done.returncode, bytes(output)

    def _check(self, code: int, output: bytes, path: str) -> None:
        if code in _PROBLEMS:
            raise FileError(_PROBLEMS[code].format(path=path))
        if code:
            said = output.decode("utf-8", "replace").strip()
            raise FileError(f"{path}: {said or f'failed with exit {code}'}")
