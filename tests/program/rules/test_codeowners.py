"""CODEOWNERS files: the published rules of GitHub and GitLab, example by example, and what holds for any file."""

from __future__ import annotations

import re
import time
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from program.rules.codeowners import GITHUB_LIMIT, CodeOwners, OwnerRule, Skipped, parse

# GitHub's own example, in its order.
GITHUB_EXAMPLE = r"""
# This is a comment.
*       @global-owner1 @global-owner2
*.js    @js-owner #This is an inline comment.
*.go docs@example.com
*.txt @octo-org/octocats
/build/logs/ @doctocat
docs/*  docs@example.com
apps/ @octocat
/docs/ @doctocat
/scripts/ @doctocat @octocat
**/logs @octocat
/apps/ @octocat
/apps/github
"""
GITLAB_README = """
* @admin
[README Owners]
README.md @user1 @user2
internal/README.md @user4
[README other owners]
README.md @user3
"""
GITLAB_REGULAR = """
* @general-approvers
[Documentation] @docs-team
docs/
README.md
*.txt
[Database] @database-team
model/db/
config/db/database-setup.md @docs-team
"""
GITLAB_EXCLUSION = """
* @username
!pom.xml
[Ruby]
*.rb @ruby-team
!/config/**/*.rb
/config/routes.rb @ops
[Config]
/config/ @ops-team
"""

# (the docs' rule, text, path, owners of the deciding rule: "" for nobody, None where no rule matches)
GITHUB = [
    ("star-is-everything", GITHUB_EXAMPLE, "README.md", "@global-owner1 @global-owner2"),
    ("star-is-everything-deep", GITHUB_EXAMPLE, "src/a/b.c", "@global-owner1 @global-owner2"),
    ("star-takes-dot-files", "* @a", ".github/.keep", "@a"),
    ("last-match-wins", GITHUB_EXAMPLE, "src/app.js", "@js-owner"),
    ("last-match-wins-by-order-alone", "/src/app.js @a\n* @b", "src/app.js", "@b"),
    ("inline-comment", "*.js @a #no @b\n", "a.js", "@a"),
    ("inline-comment-after-no-owner", "* @a\n/x # @b\n", "x", ""),
    ("inline-comment-needs-a-space", "a#b @a", "a#b", "@a"),
    ("email", GITHUB_EXAMPLE, "cmd/main.go", "docs@example.com"),
    ("team", GITHUB_EXAMPLE, "notes.txt", "@octo-org/octocats"),
    ("rooted-directory", "/build/logs/ @doctocat", "build/logs/one.c", "@doctocat"),
    ("rooted-directory-deep", "/build/logs/ @a", "build/logs/x/y", "@a"),
    ("rooted-directory-elsewhere", "/build/logs/ @a", "src/build/logs/x", None),
    ("rooted-directory-is-no-file", "/build/logs/ @a", "build/logs", None),
    ("rooted-directory-whole-name", "/build/logs/ @a", "build/logs2/x", None),
    ("children", "docs/* @a", "docs/getting-started.md", "@a"),
    ("children-not-nested", "docs/* @a", "docs/build-app/troubleshooting.md", None),
    ("children-anchored", "docs/* @a", "src/docs/x.md", None),
    ("children-not-itself", "docs/* @a", "docs", None),
    ("children-of-the-root", "/* @a", "x", "@a"),
    ("children-of-the-root-not-nested", "/* @a", "x/y", None),
    ("children-at-any-depth", "**/docs/* @a", "src/docs/x.md", "@a"),
    ("children-at-any-depth-not-nested", "**/docs/* @a", "src/docs/x/y.md", None),
    ("children-at-any-depth-inner", "**/docs/* @a", "docs/x/docs/y.md", "@a"),
    ("directory-anywhere", "apps/ @a", "src/apps/x/y.c", "@a"),
    ("directory-anywhere-at-root", "apps/ @a", "apps/y.c", "@a"),
    ("directory-anywhere-is-no-file", "apps/ @a", "src/apps", None),
    ("directory-anywhere-whole-name", "apps/ @a", "myapps/x", None),
    ("docs-directory-over-children", GITHUB_EXAMPLE, "docs/a.md", "@doctocat"),
    ("docs-directory-nested", GITHUB_EXAMPLE, "docs/a/b.md", "@doctocat"),
    ("two-owners", GITHUB_EXAMPLE, "scripts/run.sh", "@doctocat @octocat"),
    ("owners-on-two-lines-are-the-last", "*.c @a\n*.c @b", "x.c", "@b"),
    ("owner-named-twice", "* @a @b @a", "x", "@a @b"),
    ("tabs", "*.c\t@a\t@b\r\n", "x.c", "@a @b"),
    ("indented", "  *.c @a", "x.c", "@a"),
    ("any-logs-over-an-earlier-build-logs", GITHUB_EXAMPLE, "build/logs/a.log", "@octocat"),
    ("any-logs-scripts", "**/logs @a", "scripts/logs/x", "@a"),
    ("any-logs-deep", "**/logs @a", "deeply/nested/logs/a/b", "@a"),
    ("any-logs-at-root", "**/logs @a", "logs/x", "@a"),
    ("any-logs-whole-name", "**/logs @a", "catalogs/x", None),
    ("no-owners-is-nobody", GITHUB_EXAMPLE, "apps/github/x", ""),
    ("no-owners-leaves-the-rest", GITHUB_EXAMPLE, "apps/web/x", "@octocat"),
    ("no-owners-then-owner", "/apps/ @a\n/apps/github @b", "apps/github/x", "@b"),
    ("no-match", "*.c @a", "x.h", None),
    ("empty-file", "", "x", None),
    ("case-sensitive", "/Docs/ @a", "docs/x", None),
    ("case-sensitive-extension", "*.JS @a", "x.js", None),
    ("gitignore-slash-in-the-middle-anchors", "a/b @a", "x/a/b", None),
    ("gitignore-slash-in-the-middle-at-root", "a/b @a", "a/b", "@a"),
    ("gitignore-slash-in-the-middle-inside", "a/b @a", "a/b/c", "@a"),
    ("gitignore-name-at-any-depth", "Makefile @a", "x/y/Makefile", "@a"),
    ("gitignore-name-of-a-directory", "lib @a", "x/lib/y/z", "@a"),
    ("gitignore-whole-name", "Makefile @a", "Makefile2", None),
    ("gitignore-leading-slash", "/Makefile @a", "x/Makefile", None),
    ("gitignore-star-stays-in-a-segment", "/a*z @a", "ab/yz", None),
    ("gitignore-star-directory-inside", "/a*z @a", "abz/c/d", "@a"),
    ("gitignore-star-between", "src/*/test @a", "src/x/test/t.c", "@a"),
    ("gitignore-star-between-one-only", "src/*/test @a", "src/x/y/test", None),
    ("gitignore-star-directory", "src/*/ @a", "src/x/y", "@a"),
    ("gitignore-star-directory-is-no-file", "src/*/ @a", "src/x", None),
    ("gitignore-question-mark", "v?.md @a", "docs/v1.md", "@a"),
    ("gitignore-question-mark-no-slash", "/a?b @a", "a/b", None),
    ("gitignore-double-star-inside", "/a/** @a", "a/b/c", "@a"),
    ("gitignore-double-star-inside-not-itself", "/a/** @a", "a", None),
    ("gitignore-double-star-between-none", "a/**/b @a", "a/b", "@a"),
    ("gitignore-double-star-between-some", "a/**/b @a", "a/x/y/b", "@a"),
    ("gitignore-double-star-alone", "** @a", "x/y", "@a"),
    ("gitignore-double-star-directory", "**/ @a", "x/y", "@a"),
    ("gitignore-double-star-directory-not-root", "**/ @a", "y", None),
    ("gitignore-double-star-in-a-name-is-a-star", "/a**b @a", "a/b", None),
    ("gitignore-escaped-star", r"a\*b @a", "a*b", "@a"),
    ("gitignore-escaped-star-is-no-wildcard", r"a\*b @a", "axb", None),
    ("dot-is-a-dot", "*.js @a", "xjs", None),
    ("escaped-space", r"my\ docs/ @a", "my docs/x", "@a"),
    ("unescaped-space-is-no-owner", "my docs/ @a", "my", None),
    ("malformed-line-skipped", "* @a\n*.c nobody", "x.c", "@a"),
    ("no-negation", "*.c @a\n!x.c", "x.c", "@a"),
    ("no-ranges", "* @a\n[ab].c @b", "a.c", "@a"),
    ("no-escaped-hash", "* @a\n\\#x @b", "#x", "@a"),
    ("path-with-a-leading-slash", "/docs/ @a", "/docs/x", "@a"),
    ("path-with-a-line-break", "/docs/ @a", "docs/\nx", "@a"),
    ("star-takes-the-last-place-of-what-follows", "/*.js/x @a", "a.js.js/x", "@a"),
    ("star-takes-the-last-place-at-the-end", "*.js @a", "a.js.js", "@a"),
]
GITLAB = [
    ("default-owner", "* @default-owner", "a/b.c", "@default-owner"),
    ("extension", "* @a\n*.rb @ruby-owner", "lib/x.rb", "@ruby-owner"),
    ("username-and-email", "LICENSE @legal janedoe@gitlab.com", "LICENSE", "@legal janedoe@gitlab.com"),
    ("nested-group", "README @group @group/with-nested/subgroup", "README", "@group @group/with-nested/subgroup"),
    ("role", "/config/ @@maintainer", "config/x", "@@maintainer"),
    ("escaped-hash", "\\#file_with_pound.rb @a", "#file_with_pound.rb", "@a"),
    ("escaped-spaces", r"path\ with\ spaces/*.md @a", "path with spaces/x.md", "@a"),
    ("unescaped-spaces", "folder with spaces/*.md @group", "folder", "@group"),
    ("comment-line", "# * @a", "x", None),
    ("owners-in-an-inline-comment-are-parsed", "*.c @a # and @b", "x.c", "@a @b"),
    ("docs-directory", "/docs/ @all-docs\n/docs/* @root-docs", "docs/a/b.txt", "@all-docs"),
    ("docs-children", "/docs/ @all-docs\n/docs/* @root-docs", "docs/a.txt", "@root-docs"),
    ("absolute", "/README.md @a", "README.md", "@a"),
    ("absolute-root-only", "/README.md @a", "docs/README.md", None),
    ("absolute-in-a-directory", "/docs/README.md @a", "docs/README.md", "@a"),
    ("relative-at-root", "README.md @a", "README.md", "@a"),
    ("relative-deep", "README.md @a", "app/lib/README.md", "@a"),
    ("relative-with-slash-at-root", "internal/README.md @a", "internal/README.md", "@a"),
    ("relative-with-slash-deep", "internal/README.md @a", "docs/api/internal/README.md", "@a"),
    ("relative-whole-name", "README.md @a", "MYREADME.md", None),
    ("directory-path", "/docs/ @a", "docs/x", "@a"),
    ("directory-path-subdirectory", "/docs/ @a", "docs/x/y/z", "@a"),
    ("directory-path-root-only", "/docs/ @a", "src/docs/x", None),
    ("directory-nested-anywhere", "lib/ @lib-owner", "a/b/lib/c/d", "@lib-owner"),
    ("no-slash-is-the-file-only", "docs @a", "docs/x", None),
    ("wildcard-extension", "/docs/*.md @a", "docs/x.md", "@a"),
    ("wildcard-extension-not-nested", "/docs/*.md @a", "docs/x/y.md", None),
    ("wildcard-any-filetype", "/docs/index.* @a", "docs/index.html", "@a"),
    ("wildcard-in-the-name-start", "/docs/*spec* @a", "docs/spec_helpers.rb", "@a"),
    ("wildcard-in-the-name-middle", "/docs/*spec* @a", "docs/qa_specs.rb", "@a"),
    ("wildcard-in-the-name-end", "/docs/*spec* @a", "docs/runtime.spec", "@a"),
    ("wildcard-one-level", "/docs/*/README.md @a", "docs/api/README.md", "@a"),
    ("wildcard-one-level-not-none", "/docs/*/README.md @a", "docs/README.md", None),
    ("wildcard-one-level-not-two", "/docs/*/README.md @a", "docs/api/v1/README.md", None),
    ("globstar-none", "/docs/**/index.md @a", "docs/index.md", "@a"),
    ("globstar-one", "/docs/**/index.md @a", "docs/api/index.md", "@a"),
    ("globstar-two", "/docs/**/index.md @a", "docs/api/graphql/index.md", "@a"),
    ("globstar-at-the-start", "**/*.rb @a", "app/controllers/users/stars_controller.rb", "@a"),
    ("globstar-at-the-end-is-a-star", "/docs/** @a", "docs/x/y", None),
    ("globstar-at-the-end-children", "/docs/** @a", "docs/x", "@a"),
    ("fnmatch-dot-files", "/docs/* @a", "docs/.hidden", "@a"),
    ("fnmatch-dot-directories", "/docs/ @a", "docs/.git/.x", "@a"),
    ("fnmatch-range", "/v[0-9].md @a", "v1.md", "@a"),
    ("fnmatch-range-outside", "/v[0-9].md @a", "vx.md", None),
    ("fnmatch-range-not", "/v[^0-9].md @a", "vx.md", "@a"),
    ("fnmatch-range-without-slash", "/a[+-9]b @a", "a/b", None),
    ("fnmatch-range-reversed", "/v[9-0].md @a", "v5.md", None),
    ("fnmatch-range-escaped", r"/v[\]x].md @a", "v].md", "@a"),
    ("fnmatch-question-mark", "/v?.md @a", "v1.md", "@a"),
    ("fnmatch-case-sensitive", "/Docs/ @a", "docs/x", None),
    ("last-in-the-section", "*.md @doc-team\nterms.md @legal-team", "terms.md", "@legal-team"),
    ("duplicate-entry", "a @a\na @b", "a", "@b"),
    ("sections-last-decides", GITLAB_README, "README.md", "@user3"),
    ("sections-unnamed", GITLAB_README, "x.c", "@admin"),
    ("section-default-owners", GITLAB_REGULAR, "docs/x", "@docs-team"),
    ("section-default-owners-overridden", GITLAB_REGULAR, "config/db/database-setup.md", "@docs-team"),
    ("section-defaults-two", "[D] @a @b\nmodel/db/", "model/db/x", "@a @b"),
    ("section-defaults-and-approvals", "[Documentation][2] @docs-team\ndocs/", "docs/x", "@docs-team"),
    ("section-approvals-invalid", "[Documentation][x] @a\ndocs/", "docs/x", "@a"),
    ("section-optional", "^[Database] @database-team\nmodel/db/", "model/db/x", "@database-team"),
    ("section-defaults-end-with-it", "[A] @a\nx\n[B]\ny", "y", ""),
    ("unparsable-section-is-an-entry", "[Docs]\ndocs/**/* @group\n[Section name\ndocs/ @docs_group", "docs/x", "@docs_group"),
    ("unparsable-section-matches-nothing", "[Docs]\n* @group\n[Section name", "Section", "@group"),
    ("malformed-owners-ignored", "/path/* @group user_without_at_symbol @user_with_at_symbol", "path/x", "@group @user_with_at_symbol"),
    ("malformed-owners-only", "[S] @s\nx malformed", "x", ""),
    ("zero-owners", "* @a\nx", "x", ""),
    ("exclusion", GITLAB_EXCLUSION, "a/pom.xml", ""),
    ("exclusion-leaves-the-rest", GITLAB_EXCLUSION, "a/pom2.xml", "@username"),
    ("exclusion-in-its-section-only", GITLAB_EXCLUSION, "config/routes.rb", "@ops-team"),
    ("exclusion-cannot-come-back", "* @default-owner\n!*.rb  # Excludes all\n/special/*.rb @ruby-owner", "special/x.rb", ""),
    ("exclusion-before-the-rule", "!*.rb\n* @a", "x.rb", ""),
    ("exclusion-directory", "* @a\n!**/generated/", "x/generated/y/z", ""),
    ("exclusion-dot-file", "* @a\n!.gitlab-ci.yml", ".gitlab-ci.yml", ""),
    ("escaped-exclamation-is-a-name", "\\!x @a", "!x", "@a"),
]  # fmt: skip
TABLE = [("github", *row) for row in GITHUB] + [("gitlab", *row) for row in GITLAB]


def owners(found: OwnerRule | None) -> str | None:
    return None if found is None else " ".join(found.owners)


@pytest.mark.parametrize(
    ("flavor", "text", "path", "expected"),
    [pytest.param(flavor, *case, id=f"{flavor}-{rule}") for flavor, rule, *case in TABLE],
)
def test_each_published_rule(flavor: str, text: str, path: str, expected: str | None):
    assert owners(parse(text, flavor).match(path)) == expected


def test_each_case_has_a_name_of_its_own():
    assert len({row[:2] for row in TABLE}) == len(TABLE)


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        (GITLAB_README, "README.md", [("", 2, "@admin"), ("README Owners", 4, "@user1 @user2"), ("README other owners", 7, "@user3")]),
        (GITLAB_README, "internal/README.md", [("", 2, "@admin"), ("README Owners", 5, "@user4"), ("README other owners", 7, "@user3")]),
        (GITLAB_REGULAR, "model/db/CHANGELOG.txt", [("", 2, "@general-approvers"), ("Documentation", 6, "@docs-team"), ("Database", 8, "@database-team")]),
        (GITLAB_EXCLUSION, "config/routes.rb", [("", 2, "@username"), ("Ruby", 6, ""), ("Config", 9, "@ops-team")]),
        (GITLAB_EXCLUSION, "x.c", [("", 2, "@username")]),
        ("[Docs]\n*.md @a\n[Db]\n*.md @b\n[DOCS]\nREADME.md @c", "README.md", [("Docs", 6, "@c"), ("Db", 4, "@b")]),
        ("[A] @a\nx\n[B]\ny @b\n[a] @c\nz", "z", [("A", 6, "@c")]),
        ("[A]\nx @a", "y", []),
    ],
)  # fmt: skip
def test_each_gitlab_section_decides_by_itself(text: str, path: str, expected: list[tuple[str, int, str]]):
    found = parse(text, "gitlab").matches(path)
    assert [(rule.section, rule.line, owners(rule)) for rule in found] == expected


def test_the_last_gitlab_section_with_owners_decides_and_else_nobody():
    assert parse("[A]\nx @a\n[B]\n!x\n[C]\nx", "gitlab").match("x") == OwnerRule(2, "x", ("@a",), "A")
    assert parse("[A]\nx\n[B]\n* @b\n!x", "gitlab").match("x") == OwnerRule(5, "x", (), "B", exclusion=True)


def test_a_github_file_has_one_deciding_rule():
    found = parse(GITHUB_EXAMPLE)
    assert found.matches("apps/github/x") == [OwnerRule(14, "/apps/github", ())]
    assert parse("*.c @a").matches("x.h") == []


@pytest.mark.parametrize(
    ("text", "flavor"),
    [
        (GITHUB_EXAMPLE, "github"),
        ("", "github"),
        ("# [Section]\n#!x\n* @a", "github"),
        ("app/[slug]/page.js @a", "github"),
        ("[ab]*.js @a", "github"),
        ("[Section\nx @a", "github"),
        ("* @a\r\n[Section]\r\nx @b\r\n", "gitlab"),
        ("* @a\n^[Section]", "gitlab"),
        ("[Section][2] @a", "gitlab"),
        ("\ufeff[Section] @a", "gitlab"),
        ("* @a\n!x", "gitlab"),
    ],
)
def test_the_flavor_is_recognized_by_what_only_gitlab_has(text: str, flavor: str):
    assert parse(text).flavor == flavor


def test_a_third_flavor_is_refused():
    with pytest.raises(ValueError, match="'bitbucket'"):
        parse("* @a", "bitbucket")


@pytest.mark.parametrize(
    ("flavor", "line", "what"),
    [
        ("github", "!x", "GitHub has no `!` patterns: give the path a later line without owners instead"),
        ("github", "[Docs] @a", "GitHub has neither sections nor `[ ]` ranges: expected a line for each character, or `?`"),
        ("github", "v[0-9] @a", "GitHub has neither sections nor `[ ]` ranges: expected a line for each character, or `?`"),
        ("github", "\\#x @a", "GitHub cannot escape a `#` at the start: expected a pattern such as `?name` or `*name`"),
        ("github", "x\\", "the `\\` at the end escapes nothing: expected a character after it"),
        ("github", "x\\\r", "the `\\` at the end escapes nothing: expected a character after it"),
        ("github", "/ @a", "the pattern `/` matches nothing: expected `*` for everything"),
        ("github", "* @a user", "`user` is no owner: expected @user, @organization/team or an email address"),
        ("gitlab", "[ ]", "a section has no name: expected `[Name]`"),
        ("gitlab", "! x", "an exclusion excludes nothing: expected a pattern right after `!`"),
    ],
)  # fmt: skip
def test_a_line_that_the_host_ignores_is_named_with_what_was_expected(flavor: str, line: str, what: str):
    found = parse(f"# first\n\n{line}\n*.c @b", flavor)
    assert found == CodeOwners(flavor, (OwnerRule(4, "*.c", ("@b",)),), (Skipped(3, what),))


def test_github_reads_three_megabytes_and_no_more():
    line = "* @a\n"
    most = line + "#" * (GITHUB_LIMIT - len(line))
    assert parse(most) == CodeOwners("github", (OwnerRule(1, "*", ("@a",)),), ())
    too_large = (Skipped(0, "GitHub does not read a file of more than 3 MB"),)
    assert parse(most + "#") == CodeOwners("github", (), too_large)
    assert parse(most[:-1] + "é").skipped == too_large
    assert owners(parse(most + "#", "gitlab").match("x")) == "@a"


@pytest.mark.parametrize("flavor", ["github", "gitlab"])
@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("**/**/**/a*a*a*a*b", "a" * 1000),
        ("**/**/**/a*a*a*a*b", "a/" * 500),
        ("/**/a*/**/a*/**/a*/**/a*/**/b", "a/" * 500),
        ("**/*a*a*a*a*a*a*a*a*a*b*/x", ("a" * 99 + "/") * 10),
        ("*" * 500 + "b", "a" * 1000),
        ("a?" + "*?" * 200 + "b", "a" * 1000),
        ("/*/*/*/*/**/*/*/*/*/**/*/*/*/*/b", "a/" * 500),
    ],
)
def test_no_pattern_takes_long_on_a_long_path(flavor: str, pattern: str, path: str):
    found = parse(f"{pattern} @a", flavor)
    began = time.thread_time()  # of this thread only: what else the machine does is no matter
    assert found.match(path) is None
    assert time.thread_time() - began < 0.05


# Few characters, so that patterns and paths meet.
names = st.text("ab.", min_size=1, max_size=4)
paths = st.lists(names, min_size=1, max_size=5).map("/".join)
globs = st.one_of(st.text("ab.*?", min_size=1, max_size=5), st.sampled_from(["**", "*", "a", "*a*b"]))
patterns = st.builds(
    lambda start, parts, end: start + "/".join(parts) + end,
    st.sampled_from(["", "/"]), st.lists(globs, min_size=1, max_size=5), st.sampled_from(["", "/"]),
)  # fmt: skip
flavors = st.sampled_from(["github", "gitlab"])
anything = st.one_of(
    st.text(), st.text(st.characters(categories=["Cs", "L", "Z"])), st.text(" \\/#![]^*?@-ab\n\r\t", max_size=60)
)


def naive_name(pattern: str, name: str) -> bool:
    """Whether one segment matches a name, by trying all."""
    if not pattern or not name:
        return not pattern.strip("*") and not name
    if pattern[0] == "*":
        return naive_name(pattern[1:], name) or naive_name(pattern, name[1:])
    return pattern[0] in ("?", name[0]) and naive_name(pattern[1:], name[1:])


def naive(pattern: str, path: str, flavor: str) -> bool:
    """Whether a pattern matches a path, by the hosts' words and by trying all; no ranges and no escapes."""
    segments = pattern.removesuffix("/").split("/")
    directory = pattern.endswith("/")
    inside = flavor == "github" and not directory
    if not segments[0]:
        del segments[0]
    elif flavor == "gitlab" or len(segments) == 1:
        segments.insert(0, "**")
    elif not segments[-1].strip("*"):
        inside = False
    if pattern.startswith("/") and not segments[-1].strip("*"):
        inside = False
    if flavor == "gitlab":
        segments += ["**", "*"] if directory else []
        segments[-1] = "*" if segments[-1] == "**" else segments[-1]
    elif directory:
        segments += ["*", "**"] if segments[-1] == "**" else ["**"]

    @cache
    def fits(at: int, rest: tuple[str, ...]) -> bool:
        if at == len(segments):
            return inside or not rest
        if segments[at] == "**":
            if at == len(segments) - 1:
                return bool(rest)
            return fits(at + 1, rest) or bool(rest and fits(at, rest[1:]))
        return bool(rest) and naive_name(segments[at], rest[0]) and fits(at + 1, rest[1:])

    return fits(0, tuple(path.split("/")))


@settings(max_examples=1000)
@given(patterns, paths, flavors)
def test_a_pattern_matches_what_trying_everything_finds(pattern: str, path: str, flavor: str):
    found = parse(f"{pattern} @a", flavor).match(path)
    assert (found is not None) == naive(pattern, path, flavor)


@given(st.lists(patterns, max_size=6), paths, flavors)
def test_of_many_lines_the_last_that_matches_alone_decides(lines: list[str], path: str, flavor: str):
    alone = [n for n, line in enumerate(lines, 1) if parse(f"{line} @a", flavor).match(path)]
    found = parse("\n".join(f"{line} @owner{n}" for n, line in enumerate(lines, 1)), flavor).match(path)
    if alone:
        assert found is not None
        assert (found.line, found.owners) == (alone[-1], (f"@owner{alone[-1]}",))
    else:
        assert found is None


@given(anything, anything, st.sampled_from(["", "github", "gitlab"]))
def test_no_text_and_no_path_raises(text: str, path: str, flavor: str):
    found = parse(text, flavor)
    deciding = found.matches(path)
    assert found.match(path) in (deciding or [None])
    lines = [rule.line for rule in found.rules] + [skipped.line for skipped in found.skipped]
    assert len(lines) == len(set(lines)) <= text.count("\n") + 1


@given(st.lists(st.text(min_size=1).map(lambda name: name.replace("/", "-")), min_size=1).map("/".join))
def test_a_star_matches_all_paths(path: str):
    for flavor in ("github", "gitlab"):
        assert owners(parse("* @a", flavor).match(path)) == "@a"


@given(
    anything,
    st.lists(st.text().map(lambda words: re.sub(r"\n", " ", words))),
    st.sampled_from(["", "github", "gitlab"]),
)
def test_comments_and_blank_lines_change_nothing(text: str, comments: list[str], flavor: str):
    more = "".join(f"\n  # {comment}\n\t\n" for comment in comments)
    assert parse(text + more, flavor) == parse(text, flavor)


@given(st.text("ab #\\!*?[]^", min_size=1, max_size=8))
def test_a_name_with_every_special_character_escaped_is_that_name_to_gitlab(name: str):
    escaped = re.sub(r"([ #\\!*?\[\]^])", r"\\\1", name)
    found = parse(f"{escaped} @a", "gitlab")
    assert owners(found.match(f"x/{name}")) == "@a"
    assert found.match(f"x/{name}b") is None
