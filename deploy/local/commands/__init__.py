"""One file per command or pair of commands; each has `register(app: typer.Typer) -> None`."""
