"""A line of a comment is a command, a mistake that says what to type, or nothing; quoted text is always nothing."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.commands import VERBS, Command, Mistake, Verb, duration, naming, parse, until, usage
from bot.core.errors import BotError

SHA = "0123456789abcdef"
NOW = datetime(2027, 1, 1, 12, tzinfo=UTC)
FILLED = {
    "<environment>": "dev",
    "<application>": "shop",
    "<commit>": SHA,
    "<reason>": "it is broken",
    "<name>": "shop",
    "<version>": "1.2.3",
    "<revision>": "v1",
    "<YYYY-MM-DDThh:mmZ>": "2027-01-31T18:00Z",
}


def only(body: str) -> Command | Mistake:
    """The one thing that a comment holds."""
    (found,) = parse(body, "gitops-bot")
    return found


def command(body: str) -> Command:
    """The one command that a comment holds."""
    found = only(body)
    assert isinstance(found, Command), found
    return found


def mistake(body: str) -> Mistake:
    """The one mistake that a comment holds."""
    found = only(body)
    assert isinstance(found, Mistake), found
    return found


def verbs(body: str) -> list[str]:
    """The verbs of a comment's commands."""
    return [found.verb for found in parse(body, "gitops-bot") if isinstance(found, Command)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("/help", {"verb": "help"}),
        ("/help promote", {"verb": "help", "argument": "promote"}),
        ("/help /Promote", {"verb": "help", "argument": "promote"}),
        ("/status", {"verb": "status"}),
        ("/status dev", {"verb": "status", "environment": "dev"}),
        ("/diff prod", {"verb": "diff", "environment": "prod"}),
        ("/diff prod --from=dev", {"verb": "diff", "environment": "prod", "flags": {"from": "dev"}}),
        ("/promote eu-1.prod_2", {"verb": "promote", "environment": "eu-1.prod_2"}),
        (
            "/promote prod --app=shop,web --version=1.2.3+4 --dry-run",
            {
                "verb": "promote",
                "environment": "prod",
                "flags": {"app": "shop,web", "version": "1.2.3+4", "dry-run": True},
            },
        ),
        (f"/promote prod --sha={SHA}", {"verb": "promote", "environment": "prod", "flags": {"sha": SHA}}),
        ('/promote prod --app="shop"', {"verb": "promote", "environment": "prod", "flags": {"app": "shop"}}),
        ("/rollback prod bad", {"verb": "rollback", "environment": "prod", "reason": "bad"}),
        (
            "/rollback prod --app=shop --to=v1.2.2 it  leaks -- badly",
            {
                "verb": "rollback",
                "environment": "prod",
                "flags": {"app": "shop", "to": "v1.2.2"},
                "reason": "it  leaks -- badly",
            },
        ),
        (f"/approve {SHA.upper()}", {"verb": "approve", "argument": SHA}),
        ("/hold", {"verb": "hold"}),
        ("/hold until `x` is *fixed*", {"verb": "hold", "reason": "until `x` is *fixed*"}),
        ("/unhold", {"verb": "unhold"}),
        ("/unhold fixed", {"verb": "unhold", "reason": "fixed"}),
        ("/lock dev testing", {"verb": "lock", "environment": "dev", "reason": "testing"}),
        (
            "/lock dev --for=4h testing",
            {"verb": "lock", "environment": "dev", "flags": {"for": "4h"}, "reason": "testing"},
        ),
        ("/unlock dev", {"verb": "unlock", "environment": "dev"}),
        ("/unlock dev gone home", {"verb": "unlock", "environment": "dev", "reason": "gone home"}),
        ("/freeze --for=2d sale", {"verb": "freeze", "flags": {"for": "2d"}, "reason": "sale"}),
        (
            '/freeze prod --until="2027-01-31 18:00" sale',
            {"verb": "freeze", "environment": "prod", "flags": {"until": "2027-01-31 18:00"}, "reason": "sale"},
        ),
        ("/unfreeze sale is over", {"verb": "unfreeze", "reason": "sale is over"}),
        ("/retry", {"verb": "retry"}),
        ("/rebuild", {"verb": "rebuild"}),
        ("/rebuild shop", {"verb": "rebuild", "argument": "shop"}),
        ("/refresh", {"verb": "refresh"}),
        ("/cancel", {"verb": "cancel"}),
        ("/PROMOTE dev", {"verb": "promote", "environment": "dev"}),
        ("   /promote \t dev \t ", {"verb": "promote", "environment": "dev"}),
        ("@gitops-bot promote dev", {"verb": "promote", "environment": "dev"}),
        ("  @GitOps-Bot   Promote dev", {"verb": "promote", "environment": "dev"}),
    ],
)
def test_a_command_is_read_with_all_that_it_says(line: str, expected: dict[str, Any]) -> None:
    plain: dict[str, Any] = {
        "environment": None,
        "flags": {},
        "reason": "",
        "argument": "",
        "line": 1,
        "text": line.strip(),
    }
    assert command(line)._asdict() == plain | expected


def test_every_verb_has_its_rule_and_its_usage_can_be_typed() -> None:
    assert list(VERBS) == list(get_args(Verb))
    for verb in VERBS:
        line = re.sub(r"<[^>]*>", lambda found: FILLED[found[0]], usage(verb))
        assert verbs(re.sub(r"[\[\]]", "", line).replace("[verb]", "help").replace("--for=4h|", "")) in ([verb], []), (
            line
        )
        required = re.sub(r" ?\[[^]]*\]", "", line).replace("--for=4h|", "")
        assert verbs(required) == [verb], required


def test_an_application_named_twice_is_one() -> None:
    assert command("/promote dev --app=shop,web,shop").applications == ("shop", "web")
    assert command("/promote dev").applications == ()


@pytest.mark.parametrize(
    ("line", "code", "suggestion"),
    [
        ("/promte dev", "unknown_command", "/promote dev"),
        ("/lokc dev", "unknown_command", "/lock dev <reason>"),
        ("/promote: dev", "unknown_command", "/promote dev"),
        ("/help promt", "unknown_command", "/help promote"),
        ("/help me", "unknown_command", "/help"),
        ("@gitops-bot", "unknown_command", "@gitops-bot help"),
        ("@gitops-bot thanks!", "unknown_command", "@gitops-bot help"),
        ("@gitops-bot /promote dev", "unknown_command", "@gitops-bot promote dev"),
        ("/promote", "missing_environment", "/promote <environment>"),
        ("/promote --dry-run prod", "missing_environment", "/promote prod --dry-run"),
        ("@gitops-bot lock", "missing_environment", "@gitops-bot lock <environment> <reason>"),
        ("/promote Prod", "bad_value", "/promote prod"),
        ("/promote -prod", "bad_value", "/promote <environment>"),
        ("/promote ../prod", "bad_value", "/promote <environment>"),
        ("/promote [prod](x)", "bad_value", "/promote <environment>"),
        ("/promote prod --dryrun", "unknown_flag", "/promote prod --dry-run"),
        ("/promote prod --dry-rum --ap=shop", "unknown_flag", "/promote prod --app=shop --dry-run"),
        ("/promote prod --force", "unknown_flag", "/help promote"),
        ("/promote prod --", "unknown_flag", "/help promote"),
        ("/retry --now", "unknown_flag", "/help retry"),
        ("/promote prod please", "unexpected_text", "/promote prod"),
        ("/promote prod dry-run", "unexpected_text", "/help promote"),
        ("/promote prod -dry-run", "unexpected_text", "/help promote"),
        ("/promote prod \u2014dry-run", "misplaced_flag", "/promote prod --dry-run"),
        ("/retry now", "unexpected_text", "/retry"),
        ("/promote prod --app=a --app=b", "repeated_flag", "/promote prod --app=a"),
        ("/promote prod --app", "bad_value", "/promote prod --app=<name>,<name>"),
        ("/promote prod --app=a,,b", "bad_value", "/promote prod --app=<name>,<name>"),
        ("/promote prod --dry-run=false", "bad_value", "/promote prod --dry-run"),
        ("/promote prod --version=latest@sha256", "bad_value", "/promote prod --version=<version>"),
        ("/promote prod --sha=0123", "bad_value", "/promote prod --sha=<commit>"),
        ("/diff prod --from=DEV", "bad_value", "/diff prod --from=<name>"),
        ("/rollback prod", "missing_reason", "/rollback prod <reason>"),
        ("/rollback prod <reason>", "missing_reason", "/rollback prod <reason>"),
        ("/rollback prod --to=a/b bad", "bad_value", "/rollback prod --to=<version> bad"),
        ("/rollback prod --to=-rf bad", "bad_value", "/rollback prod --to=<version> bad"),
        ("/approve", "missing_commit", "/approve <commit>"),
        ("/approve 0123456789a", "bad_value", "/approve <commit>"),
        ("/approve the-last-commit", "bad_value", "/approve <commit>"),
        ("/lock prod", "missing_reason", "/lock prod <reason>"),
        ("/lock prod --for=4h", "missing_reason", "/lock prod --for=4h <reason>"),
        ("/lock prod --for=soon x", "bad_value", "/lock prod --for=4h x"),
        ("/lock prod --for=31d x", "bad_value", "/lock prod --for=4h x"),
        ('/lock prod --for="4h x', "bad_value", "/lock prod --for=4h <reason>"),
        ("/lock prod we test --for=2h", "misplaced_flag", "/lock prod --for=2h we test"),
        ("/lock prod we --for=2h test", "misplaced_flag", "/lock prod --for=2h we test"),
        ("/lock prod \u2014for=2h we test", "misplaced_flag", "/lock prod --for=2h we test"),
        ("/freeze prod sale", "missing_flag", "/freeze prod --for=4h sale"),
        ("/freeze --for=4h --until=2027-01-31 sale", "conflicting_flags", "/freeze --for=4h sale"),
        ("/freeze --until=tomorrow sale", "bad_value", "/freeze --until=<YYYY-MM-DDThh:mmZ> sale"),
        ("/freeze --until=2027-02-30 sale", "bad_value", "/freeze --until=<YYYY-MM-DDThh:mmZ> sale"),
        ('/freeze --until="2027-01-31 18:00"', "missing_reason", '/freeze --until="2027-01-31 18:00" <reason>'),
        ("/unfreeze", "missing_reason", "/unfreeze <reason>"),
        ("/rebuild Shop", "bad_value", "/rebuild shop"),
        ("/rebuild ?", "bad_value", "/rebuild <application>"),
        (f"/hold {'x' * 995}", "too_long", "/help hold"),
        (f"/hodl {'x' * 995}", "too_long", "/help hold"),
        (f"@gitops-bot {'x' * 995}", "too_long", "@gitops-bot help"),
        ("/promote Prod now --dry-run", "bad_value", "/promote prod --dry-run"),
        ("/lock / / --for=4h", "bad_value", "/lock <environment> --for=4h /"),
        ("/promote Prod now --dryrun", "bad_value", "/help promote"),
        ("/lock Prod we test --for=4h --fro=2h", "bad_value", "/lock prod --for=4h we test"),
        ('/lock Prod we test --for=4h --x="2h', "bad_value", "/help lock"),
    ],
)
def test_a_mistake_says_what_to_type_instead(line: str, code: str, suggestion: str) -> None:
    found = mistake(line)
    assert (found.reason_code, found.suggestion, found.text) == (code, suggestion, line)
    assert_can_be_typed(found)


def assert_can_be_typed(found: Mistake) -> None:
    """What a mistake suggests is a command, once its gaps are filled; its message is one line that hides nothing."""
    line = re.sub(r"<[^>]*>", lambda gap: FILLED.get(gap[0], gap[0]), found.suggestion)
    (read,) = parse(line, "gitops-bot") or (None,)
    assert isinstance(read, Command), (found, read)
    assert "\n" not in found.message
    assert not re.search(r"[^ -~…]", found.message), found


@pytest.mark.parametrize(
    "body",
    [
        "",
        "Looks good to me.",
        "/",
        "//promote dev",
        "/ promote dev",
        "/etc/passwd",
        "/usr/bin/promote dev",
        "/assign @alice",
        "/label bug",
        "please /promote dev",
        "@gitops-bot: promote dev",
        "@gitops-bot-2 promote dev",
        "@alice promote dev",
        "hello @gitops-bot promote dev",
        "**/promote dev**",
        "\\/promote dev",
        "&#47;promote dev",
        "    /promote dev",
        "\t/promote dev",
        "see\n    /promote dev",
        "`/promote dev`",
        "```\n/promote dev\n```",
        "```\n/promote dev",
        "~~~~ sh\n/promote dev\n~~~\n/promote dev\n~~~~",
        "  ```\n  /promote dev\n  ```",
        "a `code\n/promote dev\nspan` z",
        "a ``code ` \n/promote dev\nspan`` z",
        "> /promote dev",
        "> said\n/promote dev",
        ">> said\n>\n> /promote dev",
        "- one\n/promote dev",
        "- /promote dev",
        "- one\n\n  /promote dev",
        "1. /promote dev",
        "# /promote dev",
        "[a\n/promote dev\nlink](https://example.org)",
        "[link](https://example.org\n'\n/promote dev\n')",
        "![an\n/promote dev\nimage](https://example.org/i.png)",
        "[ref]: https://example.org '\n/promote dev\n'",
        "<!-- hidden\n/promote dev\n-->",
        "<!-- hidden\n\n/promote dev",
        "text <!-- hidden\n/promote dev\n--> text",
        'text <a title="\n/promote dev\n">text</a>',
        "<div>\n/promote dev\n</div>",
        "<details>\n<summary>Log</summary>\n\n/promote dev\n\n</details>",
        "<BLOCKQUOTE >\n\n/promote dev\n\n<blockquote>\n\n</blockquote>\n\n/promote dev",
        "text <del>\n/promote dev\n</del>",
        "<pre>\n\n/promote dev\n\n</pre>",
        "<script>\n\n/promote dev\n\n</script>",
        "~~wrong\n/promote dev\nwrong~~",
        "| a | b |\n|---|---|\n/promote dev | c",
    ],
)
def test_what_is_quoted_hidden_or_not_at_a_lines_start_says_nothing(body: str) -> None:
    assert parse(body, "gitops-bot") == ()


@pytest.mark.parametrize(
    "body",
    [
        "Ready.\n/promote dev\nThanks!",
        "Ready.\r\n/promote dev\r\nThanks!",
        "> Is it ready?\n\n/promote dev",
        "- one\n\n/promote dev",
        "```\n/promote prod\n```\n/promote dev",
        "an `unclosed tick\n/promote dev",
        "`a\nb`\n/promote dev",
        "two  \n/promote dev",
        "back\\\n/promote dev",
        "*emphasis\n/promote dev\nemphasis*",
        "/promote dev\n--\nAlice",
        "<details>\n\n/promote prod\n\n</details>\n\n/promote dev",
        "Replace <name> by yours.\n\n/promote dev",
        "<!-- <details> -->\n\n/promote dev",
        "[text](https://example.org\n'\n/promote prod')\n/promote dev",
        "\ufeff\n/promote dev",
        "\u00a0\n/promote dev",
        "\0\n/promote dev",
    ],
)
def test_a_line_of_open_text_is_a_command_whatever_stands_around_it(body: str) -> None:
    found = command(body)
    lines = re.split(r"\r\n|\n", body)
    assert (found.verb, found.environment, lines[found.line - 1]) == ("promote", "dev", "/promote dev")


@pytest.mark.parametrize(
    "line",
    [
        "\u2044promote dev",  # fraction slash
        "\u2215promote dev",  # division slash
        "\uff0fpromote dev",  # full-width solidus
        "\u200b/promote dev",  # zero-width space
        "\u200f/promote dev",  # right-to-left mark
        "\u202e/promote dev",  # right-to-left override
        "\ufeff/promote dev",  # byte order mark
        "\u00a0/promote dev",  # no-break space
        "\u3000/promote dev",  # ideographic space
        "\x0b/promote dev",
        "\x0c/promote dev",
        "\0/promote dev",
        "text\x0b/promote dev",
        "text\x0c/promote dev",
        "text\x85/promote dev",
        "text\u2028/promote dev",
        "text\u2029/promote dev",
        "\uff20gitops-bot promote dev",  # full-width @
        "@gitops\u2010bot promote dev",  # hyphen
        "@gitop\u017f-bot promote dev",  # long s
        "/\uff50\uff52\uff4f\uff4d\uff4f\uff54\uff45 dev",  # full-width letters
    ],
)
def test_characters_that_only_look_right_make_no_command(line: str) -> None:
    assert parse(line, "gitops-bot") == ()


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("/prom\u043ete dev", "unknown_command"),  # Cyrillic o
        ("/pro\u200bmote dev", "unknown_command"),
        ("/loc\u212a dev x", "unknown_command"),  # Kelvin sign
        ("/promote\u00a0dev x", ""),
        ("/promote d\u0435v", "bad_value"),  # Cyrillic e
        ("/promote dev\u200b", "bad_value"),
        ("/promote de\u0301v", "bad_value"),
        ("/promote \u202edev", "bad_value"),
        ("/lock dev --for=\u0664h x", "bad_value"),  # Arabic four
        ("/promote dev --\u0430pp=a", "unknown_flag"),  # Cyrillic a
        ("/promote dev --app=a\u00a0--dry-run", "bad_value"),
        ("/lock dev --for=\u201c4h\u201d x", "bad_value"),
        ("/approve \uff10123456789ab", "bad_value"),
    ],
)
def test_characters_that_only_look_right_are_shown_as_what_they_are(line: str, code: str) -> None:
    found = parse(line, "gitops-bot")
    assert [f.reason_code for f in found if isinstance(f, Mistake)] == [code] * bool(code)
    assert len(found) == bool(code)
    for mistaken in found:
        assert isinstance(mistaken, Mistake)
        assert mistaken.message.isascii()
        assert re.search(r"\\[ux]", mistaken.message)


def test_a_message_pings_nobody_and_ends_no_code() -> None:
    found = mistake("@gitops-bot `@alice `<!-- x -->")
    assert found.message == "`'@alice` is none of my commands"
    assert mistake(f"@gitops-bot {'x' * 100}").message == f"`{'x' * 60}…` is none of my commands"


def test_commands_come_in_the_order_of_their_lines() -> None:
    body = "Two things:\n/lock dev testing\nand\n\n/promote\n\n/hold"
    found = parse(body, "gitops-bot")
    assert [(type(f), f.text) for f in found] == [
        (Command, "/lock dev testing"),
        (Mistake, "/promote"),
        (Command, "/hold"),
    ]
    assert [f.line for f in found if isinstance(f, Command)] == [2, 7]


def test_of_more_than_five_commands_none_is_run() -> None:
    assert len(parse("/hold\n" * 5, "gitops-bot")) == 5
    assert mistake("/hold\n" * 6).reason_code == "too_many_commands"
    assert mistake("/hold\n" * 5 + "/hodl\n").reason_code == "too_many_commands"
    assert len(parse("/hold\n" * 5 + "/etc/hosts\n" * 10 + "> /hold\n" * 10, "gitops-bot")) == 5


def test_of_a_very_long_comment_only_that_it_is_too_long_is_said_if_it_may_hold_a_command() -> None:
    filler = "All work and no play.\n" * 50_000
    assert parse(filler, "gitops-bot") == ()
    assert parse(f"{filler}/etc/passwd\n", "gitops-bot") == ()
    for line in ("/promote dev", "@gitops-bot hi"):
        found = mistake(f"{filler}{line}\n{filler}")
        assert (found.reason_code, found.text, found.suggestion) == ("too_long", line, line)


def test_the_bot_of_an_app_is_called_without_the_mark_of_its_name() -> None:
    (found,) = parse("@shop-bot help", "shop-bot[bot]")
    assert isinstance(found, Command)
    assert parse("@gitops-bot help", "shop-bot[bot]") == ()


@pytest.mark.parametrize("name", ["gitops-bot", "Shop.Bot", "SHOP.bot", "shop-bot"])
def test_the_bot_answers_to_each_of_its_names_in_any_case(name: str) -> None:
    names = ("gitops-bot", "shop.bot", "shop-bot[bot]")
    (found,) = parse(f"@{name} hold", *names)
    assert isinstance(found, Command)
    (wrong,) = parse(f"@{name} thanks", *names)
    assert isinstance(wrong, Mistake)
    assert (wrong.reason_code, wrong.suggestion) == ("unknown_command", f"@{name} help")


@pytest.mark.parametrize("name", ["shopxbot", "shop.bo", "shop.bot.x", "shop.bot[bot]", "", "ops", "shop.bot|x"])
def test_the_bot_answers_to_no_other_name(name: str) -> None:
    assert parse(f"@{name} hold", "gitops-bot", "shop.bot") == ()


def test_an_environment_before_the_reason_is_known_by_its_name() -> None:
    names = ("dev", "prod")
    named = naming(command("/unfreeze prod sale is over"), names)
    assert (named.environment, named.reason) == ("prod", "sale is over")
    for line in ("/unfreeze sale is over", "/unfreeze prod", "/unfreeze prod: over", "/hold prod is down"):
        assert naming(command(line), names) == command(line)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("1m", timedelta(minutes=1)),
        ("30m", timedelta(minutes=30)),
        ("4h", timedelta(hours=4)),
        ("2d", timedelta(days=2)),
        ("30d", timedelta(days=30)),
        ("720h", timedelta(days=30)),
    ],
)
def test_a_time_span_is_a_number_and_a_unit(text: str, span: timedelta) -> None:
    assert duration(text) == span


NO_SPANS = ["", "4", "h", "0h", "-4h", "+4h", "4 h", "4H", "4s", "1.5h", "4h30m", "31d", "721h", "9999999m", "4h\n"]


@pytest.mark.parametrize("text", [*NO_SPANS, "\u0664h"])
def test_what_is_no_time_span_up_to_thirty_days_is_refused(text: str) -> None:
    with pytest.raises(BotError) as caught:
        duration(text)
    assert caught.value.reason_code == "bad_value"
    assert caught.value.fix


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2027-01-31", datetime(2027, 1, 31, tzinfo=UTC)),
        ("2027-01-31T18:00", datetime(2027, 1, 31, 18, tzinfo=UTC)),
        ("2027-01-31 18:00", datetime(2027, 1, 31, 18, tzinfo=UTC)),
        ("2027-01-31T18:00Z", datetime(2027, 1, 31, 18, tzinfo=UTC)),
        ("2027-01-31t18:00:30z", datetime(2027, 1, 31, 18, 0, 30, tzinfo=UTC)),
        ("2027-01-31T18:00+02:00", datetime(2027, 1, 31, 16, tzinfo=UTC)),
        ("2027-01-01T14:01+02:00", datetime(2027, 1, 1, 12, 1, tzinfo=UTC)),
    ],
)
def test_a_moment_is_in_utc_unless_it_names_a_zone(text: str, moment: datetime) -> None:
    found = until(text, NOW)
    assert (found, found.utcoffset()) == (moment, timedelta(0))


NO_TIMES = ["", "now", "18:00", "2027", "2027-1-31", "2027-02-30", "2027-01-31T25:00", "2027-W05-1", "20270131"]
NO_MOMENTS = ["0001-01-01T00:00+23:59", "9999-12-31T23:59-23:59", "2027-01-31T18:00 CET"]
OVER = ["2026-12-31", "2027-01-01", "2027-01-01T12:00Z"]


@pytest.mark.parametrize("text", [*NO_TIMES, *NO_MOMENTS, *OVER])
def test_what_is_no_moment_to_come_is_refused(text: str) -> None:
    with pytest.raises(BotError) as caught:
        until(text, NOW)
    assert caught.value.reason_code == "bad_value"
    assert caught.value.fix


WORDS = ["promote", "lock", "freeze", "hold", "help", "approve", "dev", "Prod", "why", SHA]
FLAGS = ["--for=4h", "--app=a", "--dry-run", "--until=", '="', '"', "--", "\u2014"]
MARKS = ["`", "```\n", "> ", "- ", "<!--", "-->", "<details>", "[", "](x)", "*", "~~", "|", "\\"]
BREAKS = [" ", "  ", "\t", "\n", "\n\n", "\r\n", "\0", "\ud800", "\u200b", "\u00a0", "\x0c"]
PIECES = ["/", "@gitops-bot ", *WORDS, *FLAGS, *MARKS, *BREAKS]
soup = st.lists(st.sampled_from(PIECES) | st.characters(), max_size=40).map("".join)
lines = st.tuples(
    st.sampled_from(["/", "@gitops-bot "]), st.sampled_from(list(VERBS)), st.lists(st.sampled_from(PIECES), max_size=8)
).map(lambda parts: f"{parts[0]}{parts[1]} {' '.join(parts[2])}".replace("\n", " ").replace("\r", " "))


@given(soup | lines)
def test_every_comment_can_be_read_and_every_mistake_can_be_mended(body: str) -> None:
    for found in parse(body, "gitops-bot"):
        if isinstance(found, Mistake) and found.reason_code != "too_many_commands":
            assert_can_be_typed(found)


@given(soup)
def test_nothing_in_a_fence_a_quote_or_a_remark_is_ever_said(body: str) -> None:
    lines = body.replace("\r", "\n").split("\n")
    assert parse(f"~~~~\n{body.replace('~', '')}\n~~~~", "gitops-bot") == ()
    assert parse("\n".join(f"> {line}" for line in lines), "gitops-bot") == ()
    assert parse("\n".join(f"    {line}" for line in lines), "gitops-bot") == ()
    assert parse(f"<!--\n{body.replace('>', '')}\n-->", "gitops-bot") == ()


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=200))
def test_a_reason_is_kept_as_it_was_written(reason: str) -> None:
    (found,) = parse(f"/lock dev --for=4h x {reason} x", "gitops-bot")
    if isinstance(found, Command):
        assert found.reason == f"x {reason} x"
    else:
        assert found.reason_code == "misplaced_flag"


@given(lines)
def test_the_same_line_says_the_same_to_either_name_and_in_any_case(line: str) -> None:
    swapped = f"@gitops-bot {line[1:]}" if line.startswith("/") else f"/{line[12:]}"
    one, other = parse(line, "gitops-bot"), parse(swapped, "gitops-bot")
    assert [type(f) for f in one] == [type(f) for f in other]
    for a, b in zip(one, other, strict=True):
        if isinstance(a, Command) and isinstance(b, Command):
            assert a._replace(text="") == b._replace(text="")


def test_the_end_of_a_hold_as_other_bots_have_it_is_none_for_the_reason_cancel() -> None:
    told = mistake("/hold  Cancel ")
    assert (told.reason_code, told.suggestion) == ("unknown_command", "/unhold")
    assert mistake("@gitops-bot hold cancel").suggestion == "@gitops-bot unhold"
    assert isinstance(parse("/hold cancel the release first", "gitops-bot")[0], Command)
