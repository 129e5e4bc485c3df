"""The names of files are the program's own: what a page says becomes none of them."""

import re
from dataclasses import replace
from pathlib import Path

from demo.facts import ChartFacts, CreditFacts, load_facts
from demo.site import DemoSite
from tests.e2e.program import rows, run

EVIL = "../../escaped/%2e%2e/C:\\evil|`touch evil`;.csv"
RUN = r"[0-9TZ]+-[0-9a-f]+"
NAMES = re.compile(
    r"(titles|people|credits|chart)\.csv|run-report\.json|\.lock"
    rf"|\.runs/{RUN}/(run\.json|asked\.txt|failures\.json|lock)"
    r"|http_cache/([0-9a-f]{16,}\.msgpack|counts\.json|\.lock)"
    r"|profile/(stages\.json|samples\.svg)"
)


def files_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_no_file_is_named_by_a_page(tmp_path: Path) -> None:
    person = CreditFacts(name=EVIL, imdb_id="nm0000001", characters=(EVIL,))
    facts = load_facts()
    title = replace(
        facts.titles[0],
        title=EVIL,
        original_title=f"{EVIL}/..",
        certificate=EVIL,
        genres=(EVIL,),
        directors=(person,),
        cast=(person,),
    )
    working, temporary = tmp_path / "a" / "b" / "c", tmp_path / "a" / "tmp"
    for folder in (working, temporary):
        folder.mkdir(parents=True)
    with DemoSite(ChartFacts(facts.captured, (title,))) as site:
        result = run(
            working,
            "--profile",
            base_url=site.url,
            repositories="csv",
            http_cache="file",
            tmpdir=temporary,
        )
    assert result.status == 0, result.err
    assert rows(working / "output", "titles.csv")[0]["title"] == EVIL
    made = files_in(working / "output")
    assert {name for name in made if not NAMES.fullmatch(name)} == set()
    kinds = {name.partition("/")[0] for name in made}
    assert kinds >= {"titles.csv", "http_cache", ".runs", "profile", "run-report.json"}
    assert files_in(tmp_path) == {f"a/b/c/output/{name}" for name in made}
