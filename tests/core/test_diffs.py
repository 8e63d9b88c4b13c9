"""Objects are compared one by one; of secrets a reviewer sees the keys, and whether the values differ."""

from __future__ import annotations

import pytest

from bot.core import diffs
from bot.core.diffs import object_diffs
from bot.core.errors import Refused

CONFIG = (
    "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: shop\n  namespace: dev\ndata:\n  colour: red\n  size: '1'\n"
)
SECRET = (
    "apiVersion: v1\nkind: Secret\nmetadata:\n  name: keys\ndata:\n  same: c2FtZQ==\n  other: b2xk\n  gone: Z29uZQ==\n"
)


def test_what_is_the_same_is_not_shown() -> None:
    assert object_diffs(f"{CONFIG}---\n{SECRET}", f"{SECRET}---\n{CONFIG}") == ()


def test_each_object_that_differs_is_shown_with_its_lines() -> None:
    other = CONFIG.replace("shop", "other")
    found = object_diffs(CONFIG + "---\n" + other, CONFIG.replace("red", "blue") + "---\n" + SECRET)
    assert [(o.name, o.state) for o in found] == [
        ("ConfigMap dev/other", "gone"),
        ("ConfigMap dev/shop", "changed"),
        ("Secret keys", "new"),
    ]
    assert found[1].lines == (
        "@@ -4,5 +4,5 @@",
        "   name: shop",
        "   namespace: dev",
        " data:",
        "-  colour: red",
        "+  colour: blue",
        "   size: '1'",
    )
    assert all(line.startswith(("-", "@@")) for line in found[0].lines)


def test_a_secrets_values_are_masked_on_both_sides() -> None:
    new = SECRET.replace("b2xk", "bmV3").replace("gone: Z29uZQ==", "added: YWRkZWQ=")
    (found,) = object_diffs(SECRET, new)
    assert found.lines == (
        "@@ -4,5 +4,5 @@",
        "   name: keys",
        " data:",
        "   same: '***'",
        "-  other: '*** (before)'",
        "-  gone: '***'",
        "+  other: '*** (after)'",
        "+  added: '***'",
    )


HIDDEN = "aGlkZGVu"


@pytest.mark.parametrize(
    "secret",
    [
        f"kind: Secret\nmetadata: {{name: s}}\ndata: {{key: {HIDDEN}}}\n",
        f"kind: Secret\nmetadata: {{name: s}}\nstringData: {{key: {HIDDEN}}}\n",
        f"kind: Secret\nmetadata: {{name: s}}\nstringData: {{key: {{deep: [{HIDDEN}]}}}}\n",
        f"kind: Secret\nmetadata: {{name: s}}\ndata: {HIDDEN}\n",
        f"kind: Secret\nmetadata: {{name: s}}\nData: {{key: {HIDDEN}}}\n",
        f"kind: Secret\nmetadata: {{name: s}}\n<<: {{data: {{key: {HIDDEN}}}}}\n",
        f"kind: Secret\nmetadata: {{name: s}}\ndata: {{key: a}}\ndata: {{key: {HIDDEN}}}\n",
        f"kind: Secret\nkind: ConfigMap\nmetadata: {{name: s}}\ndata: {{key: {HIDDEN}}}\n",
        f"kind: List\nitems:\n- kind: Secret\n  metadata: {{name: s}}\n  data: {{key: {HIDDEN}}}\n",
        f"kind: SecretList\nitems:\n- kind: Secret\n  metadata: {{name: s}}\n  data: {{key: {HIDDEN}}}\n",
        "kind: Secret\nmetadata:\n  name: s\n  annotations:\n"
        f'    kubectl.kubernetes.io/last-applied-configuration: \'{{"data": "{HIDDEN}"}}\'\n',
    ],
)
def test_no_value_of_a_secret_is_ever_shown(secret: str) -> None:
    for old, new in ((secret, ""), ("", secret), (secret, f"apiVersion: v1\n{secret}")):
        for found in object_diffs(old, new):
            assert HIDDEN not in "\n".join(found.lines), found


def test_a_generated_name_is_compared_with_the_one_that_it_replaces() -> None:
    old = CONFIG.replace("shop", "shop-5m22ghb78b")
    new = CONFIG.replace("shop", "shop-87fdmbk6fg").replace("red", "blue")
    (found,) = object_diffs(old, new)
    assert (found.name, found.state) == ("ConfigMap dev/shop-5m22ghb78b", "changed")
    assert {"-  name: shop-5m22ghb78b", "+  name: shop-87fdmbk6fg", "+  colour: blue"} <= set(found.lines)


def test_generated_names_that_could_be_of_several_are_not_paired() -> None:
    old = CONFIG.replace("shop", "shop-5m22ghb78b")
    new = [CONFIG.replace("shop", f"shop-{suffix}") for suffix in ("87fdmbk6fg", "77fdmbk6fg")]
    assert [o.state for o in object_diffs(old, "---\n".join(new))] == ["gone", "new", "new"]


def test_objects_of_one_name_are_told_apart() -> None:
    assert [o.name for o in object_diffs(CONFIG, f"{CONFIG}---\n{CONFIG}")] == ["ConfigMap dev/shop"]


def test_characters_that_hide_or_reorder_text_are_shown_by_number() -> None:
    (found,) = object_diffs(CONFIG, CONFIG.replace("red", '"red \\u202e\\u200b\\e[31m"'))
    changed = next(line for line in found.lines if line.startswith("+"))
    assert changed.isprintable()
    assert "202e" in changed.lower()


def test_a_huge_object_is_counted_and_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diffs, "MOST_LINES", 5)
    (found,) = object_diffs(CONFIG, CONFIG.replace("red", "blue"))
    assert found.lines == ("# 8 lines → 8 lines: too many to compare",)


@pytest.mark.parametrize("text", ["a: [", "\0", "[" * 5000, "a: *nowhere", "{" * 200 + "}" * 200])
def test_what_is_not_yaml_is_refused(text: str) -> None:
    with pytest.raises(Refused, match=r"not YAML|nested"):
        object_diffs("", text)


def test_aliases_are_not_expanded() -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(12)
    )
    (found,) = object_diffs("", f"kind: ConfigMap\n{bomb}")
    assert len(found.lines) < 500
