"""The differences of two files, value by value."""

from __future__ import annotations

from bot.core.manifests.leaves import differences, leaves

OLD = b"a: 1\nlist: [x, y]\ngone: {deep: true}\nempty: {}\nways: &w {k: v}\nused: *w\n"
NEW = b"# moved down\na: 2\nlist: [x, z, more]\nempty: []\nways: &w {k: v}\nused: *w\nadded: |\n  two\n  lines\n"


def test_changed_added_and_removed_values_are_told_with_line_and_pointer() -> None:
    assert [(c.line, c.path, c.old, c.new) for c in differences("f", OLD, NEW)] == [
        (2, "/a", "1", "2"),
        (3, "/list/1", "y", "z"),
        (3, "/list/2", "", "more"),
        (4, "/empty", "{}", "[]"),
        (7, "/added", "", "two\nlines"),
        (3, "/gone/deep", "true", ""),
    ]


def test_equal_files_differ_in_nothing_whatever_their_comments_say() -> None:
    assert list(differences("f", OLD, b"# other\n" + OLD)) == []


def test_a_file_that_cannot_be_read_counts_as_empty() -> None:
    assert leaves(b"a: [") == {}
    assert leaves(b"") == {}
    assert [c.path for c in differences("f", b"a: [", b"a: 1\n")] == ["/a"]


def test_a_file_nested_into_itself_comes_to_an_end() -> None:
    assert leaves(b"a: &a\n  b: *a\n")["/a/b"].text == "*a"
