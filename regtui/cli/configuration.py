"""`regtui config`: the settings in force."""

from __future__ import annotations

import click

from regtui.cli.flags import this_run, with_flags
from regtui.cli.output import Table, print_json
from regtui.config import as_rows, example


@click.command()
@click.option("--example", "wants_example", is_flag=True, help="Print a commented config.toml instead.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@with_flags
def config(wants_example: bool, as_json: bool) -> None:
    """Print the settings in force, and where each came from."""
    if wants_example:
        click.echo(example(), nl=False)
        return
    settings = this_run().settings
    rows = as_rows(settings)
    if as_json:
        found = {name: {"value": value, "from": origin} for name, value, origin in rows}
        print_json({"config_file": str(settings.config_file), "settings": found})
        return
    table = Table("SETTING", "VALUE", "FROM")
    for name, value, origin in rows:
        table.row(name, _as_toml(value), origin)
    table.row("config file", str(settings.config_file), "" if settings.config_file.exists() else "not there")
    table.close()


def _as_toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(map(_as_toml, value))}]"
    return f'"{value}"' if isinstance(value, str) else str(value)
