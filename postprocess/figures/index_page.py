"""The page `plots/index.html` of a study or sweep: its pictures, every point of which opens the folder of a run.

One file that needs nothing else: pictures are SVG inside the page, links are relative, no script.
"""

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import matplotlib
import pandas as pd
from matplotlib.figure import Figure

from .style import WIDTH

FILES = ("case.toml", "summary.json", "history.csv")
"""Files in the folder of a run that the tables link."""
STYLE = """
body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:74rem;padding:0 1rem;color:#222}
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}
figure{margin:1.5rem 0}figure svg{height:auto}figcaption{color:#555;font-size:.9rem;max-width:50rem}
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:.85rem;font-variant-numeric:tabular-nums}
th,td{padding:.2rem .6rem;text-align:right;white-space:nowrap;border-bottom:1px solid #e4e4e4}
th{border-bottom:1px solid #888;vertical-align:bottom;white-space:normal;font-weight:600}
td.text,th.text{text-align:left}tr:hover td{background:#f3f6f9}a{color:#0059a0}svg a:hover{opacity:.55}
"""


@dataclass(frozen=True)
class Picture:
    """A figure of the page."""

    name: str
    """Name of its PNG and PDF beside the page."""
    figure: Figure
    caption: str


@dataclass(frozen=True)
class Table:
    """A table of the page."""

    title: str
    file: str
    """The same as CSV, in the folder above."""
    rows: pd.DataFrame
    columns: Mapping[str, str]
    """Columns shown, and their headings."""
    links: Sequence[str] = FILES
    """Files of each row's run that are linked, where its column `url` is stated."""


def page(
    title: str, about: str, pictures: Sequence[Picture], tables: Sequence[Table], tooltips: Mapping[str, str]
) -> str:
    """Return the page as HTML.

    Parameters
    ----------
    title, about
        Heading, and a sentence below it.
    pictures, tables
    tooltips
        What is shown when the pointer rests on a point, by the address it links.
    """
    parts = [f"<h1>{escape(title)}</h1>", f"<p>{escape(about)}</p>"]
    parts += [_figure(picture, tooltips) for picture in pictures]
    parts += [_table(table) for table in tables]
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{escape(title)}</title>\n'
        f'<meta name="viewport" content="width=device-width">\n<style>{STYLE}</style>\n</head>\n<body>\n'
        + "\n".join(parts)
        + "\n</body>\n</html>\n"
    )


def inline_svg(figure: Figure, name: str, tooltips: Mapping[str, str]) -> str:
    """Return a figure as SVG that can stand inside a page beside others."""
    file = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": name, "svg.id": name}):
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = file.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)

    def tell(match: re.Match[str]) -> str:
        said = tooltips.get(match[1])
        return match[0] if said is None else f"{match[0]}<title>{escape(said)}</title>"

    return re.sub(r'<a xlink:href="([^"]*)"[^>]*>', tell, text)


def _figure(picture: Picture, tooltips: Mapping[str, str]) -> str:
    name = escape(picture.name)
    share = min(100.0, 100.0 * picture.figure.get_figwidth() / WIDTH)
    svg = inline_svg(picture.figure, picture.name, tooltips).replace("<svg ", f'<svg style="width:{share:.0f}%" ', 1)
    return (
        f"<figure>\n{svg}\n<figcaption>{escape(picture.caption)} "
        f'<a href="{name}.png">PNG</a> <a href="{name}.pdf">PDF</a></figcaption>\n</figure>'
    )


def _table(table: Table) -> str:
    shown = {name: heading for name, heading in table.columns.items() if _worth_showing(table.rows, name)}
    text = {name for name in shown if not pd.api.types.is_numeric_dtype(table.rows[name])}
    head = "".join(_cell("th", escape(heading), name in text) for name, heading in shown.items())
    head += '<th class="text">run</th>' if "url" in table.rows else ""
    lines = []
    for row in table.rows.to_dict("records"):
        cells = "".join(_cell("td", _value(row[name]), name in text) for name in shown)
        lines.append(f"<tr>{cells}{_links(row, table.links) if 'url' in row else ''}</tr>")
    return (
        f'<h2>{escape(table.title)}</h2>\n<p><a href="../{escape(table.file)}">{escape(table.file)}</a></p>\n'
        f'<div class="wide"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n'
        + "\n".join(lines)
        + "\n</tbody></table></div>"
    )


def _worth_showing(rows: pd.DataFrame, name: str) -> bool:
    return name in rows and bool(rows[name].notna().any())


def _cell(kind: str, content: str, text: bool) -> str:
    return f'<{kind} class="text">{content}</{kind}>' if text else f"<{kind}>{content}</{kind}>"


def _value(value: object) -> str:
    if value is None or (isinstance(value, float) and value != value):
        return ""
    return f"{value:.4g}" if isinstance(value, float) else escape(str(value))


def _links(row: Mapping[Any, Any], files: Sequence[str]) -> str:
    url = row["url"]
    if not isinstance(url, str):
        return '<td class="text"></td>'
    name = Path(url).name
    inside = " ".join(f'<a href="{escape(url + file)}">{escape(Path(file).stem)}</a>' for file in files)
    return f'<td class="text"><a href="{escape(url)}">{escape(name)}</a> {inside}</td>'
