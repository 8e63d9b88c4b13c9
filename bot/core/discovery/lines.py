"""Offsets in a file become lines and columns, however long its lines are."""

from __future__ import annotations

from bisect import bisect_right

_BOM = b"\xef\xbb\xbf"


class Lines:
    """Where the lines of a file begin; both counts are from 1."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._starts: list[int] = []
        # The last column that was asked for: most questions come in the order of the text.
        self._line = self._offset = self._column = 0

    def line(self, offset: int) -> int:
        """The line that the byte is on."""
        if not self._starts:
            self._starts = [0]
            while (end := self._content.find(b"\n", self._starts[-1])) >= 0:
                self._starts.append(end + 1)
        return bisect_right(self._starts, offset)

    def column(self, offset: int) -> int:
        """How many characters into its line the byte is."""
        line = self.line(offset)
        if line != self._line or offset < self._offset:
            self._line, self._offset, self._column = line, self._starts[line - 1], 1
            if self._offset == 0 and self._content.startswith(_BOM):
                self._offset = min(len(_BOM), offset)
        between = self._content[self._offset : offset]
        self._column += len(between.decode("utf-8", "replace"))
        self._offset = offset
        return self._column
