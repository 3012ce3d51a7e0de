"""Questions of the command line, also where nobody sits at a terminal to answer them."""

import sys

import click


def require_yes(question: str) -> None:
    """Return once whoever runs the command has said yes.

    Raises Abort where they say no, ClickException where there is no terminal.
    """
    try:
        is_so = click.confirm(question)
    except click.Abort:
        if sys.stdin.isatty():
            raise
        click.echo(err=True)  # the question has no end of its line
        raise click.ClickException(
            "Nothing was done: there is no terminal to answer this. If it is so, add --yes."
        ) from None
    if not is_so:
        raise click.Abort
