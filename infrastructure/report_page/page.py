"""The page of the report, whole in one text: style, script, plots and tables."""

from datetime import datetime
from importlib import resources

from jinja2 import Environment
from plotly.offline import get_plotlyjs

from application.title_statistics import TitleStatistics
from infrastructure.report_page.sections import sections_of
from infrastructure.report_page.tables import KINDS

_FOLDER = resources.files(__package__)


def page_of(found: TitleStatistics, *, made_at: datetime, origin: str) -> str:
    """Give the report as HTML; ``origin`` says where the titles are from.

    Whatever comes from titles is escaped, and the page forbids the browser to load anything.
    """
    # autoescape: titles and names are text of others.
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(_FOLDER.joinpath("page.html").read_text("utf-8"))
    sections = list(sections_of(found))
    figures = {
        section.name: _for_script(section.figure.to_json())
        for section in sections
        if section.figure is not None
    }
    kinds = sorted(found.kinds.items(), key=lambda pair: -pair[1])
    return template.render(
        sections=sections,
        figures=figures,
        titles=found.titles,
        kinds=[(count, KINDS[kind]) for kind, count in kinds],
        made_at=made_at,
        origin=origin,
        style=_FOLDER.joinpath("page.css").read_text("utf-8"),
        script=_FOLDER.joinpath("page.js").read_text("utf-8"),
        plotly=get_plotlyjs().replace("</script", "<\\/script"),
    )


def _for_script(json: str) -> str:
    """JSON so that it cannot end the script that it stands in, nor begin a comment of HTML."""
    for character in "<>&\u2028\u2029":
        json = json.replace(character, f"\\u{ord(character):04x}")
    return json
