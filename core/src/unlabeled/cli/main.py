"""The command line: `unlabeled COMMAND`. A command's module is imported when it runs.

Results go to stdout, progress and errors to stderr; with --json stdout is one JSON document, which
holds the error if there is one. Exit codes: 0 done, 1 failed, 2 wrong usage or recipe, 3 data,
4 plugin, 5 run folder, 6 collapse, 7 drift, 70 a bug of ours or of a plugin, 130 interrupted.
"""

from __future__ import annotations

import io
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from importlib.metadata import version

from cyclopts import App, CycloptsError

from unlabeled import discovery
from unlabeled.commands import COMMANDS, is_first_process
from unlabeled.did_you_mean import did_you_mean
from unlabeled.errors import UnlabeledError, UsageError
from unlabeled.plugin import Plugin

INTERRUPTED = 130
OUR_MISTAKE = 70


def build_app() -> App:
    """All commands by name; their modules are not imported yet."""
    app = App(
        name="unlabeled",
        version=version("unlabeled"),
        help_format="plaintext",  # markdown's reader would be a third of the start
        help="Self-supervised learning for the data that vision frameworks leave out.",
        help_epilogue="Errors show a traceback with --debug.",
        result_action="return_value",
        suppress_keyboard_interrupt=False,
    )
    for name, (target, summary) in COMMANDS.items():
        app.command(f"unlabeled.cli.{target}", name=name, help=summary, help_format="markdown")
    for record in discovery.discover():
        if record.healthy and record.plugin and record.plugin.commands:
            app.command(_of_plugin(record.plugin))
    return app


def _of_plugin(plugin: Plugin) -> App:
    """The commands of a plugin below its name; nothing of it is imported but the manifest."""
    app = App(
        name=plugin.modality,
        help=plugin.summary,
        help_epilogue="Every command prints JSON with --json.",
        result_action="return_value",
    )
    for name, component in plugin.commands.items():
        app.command(component.target, name=name, help=component.summary)
    return app


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit."""
    sys.exit(run(list(sys.argv[1:] if arguments is None else arguments)))


def run(arguments: list[str]) -> int:
    """Run one command; returns the exit code, after printing at most one clear message.

    With --json stdout holds one document, the result or the error.
    """
    debug, json = "--debug" in arguments, "--json" in arguments
    arguments = [argument for argument in arguments if argument != "--debug"]
    _survive_narrow_encodings()
    try:
        if not json:
            return _call(arguments)
        from unlabeled.cli.printing import one_document

        with one_document():
            return _call(arguments)
    except BrokenPipeError:
        # The reader of the pipe is gone (`unlabeled recipes | head`); keep the last flush quiet.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the last door
        message, code = _explained(error)
        return _fail(error, message, code, debug=debug, json=json)


def _call(arguments: list[str]) -> int:
    if recipe := _asks_for_recipe(arguments):
        return _recipe_help(recipe)
    own = _is_of_plugin(arguments)
    # Core prints what a plugin's command returns, so that all print alike.
    given = [word for word in arguments if word != "--json"] if own else arguments
    result = build_app()(given, exit_on_error=False, print_error=False)
    if own and isinstance(result, Mapping):
        from unlabeled.cli.printing import print_result

        print_result(result, json="--json" in arguments)
    return result if isinstance(result, int) else 0


def _is_of_plugin(arguments: list[str]) -> bool:
    """Whether the arguments name a plugin's command.

    Raises PluginError if the plugin cannot be used, UsageError if it has no such command.
    """
    if not arguments or arguments[0] not in {found.modality for found in discovery.discover()}:
        return False
    plugin, name = discovery.usable(arguments[0]).plugin, "".join(arguments[1:2])
    if plugin is None or not name or name.startswith("-"):
        return True
    if name not in plugin.commands:
        near = did_you_mean(name, list(plugin.commands))
        raise UsageError(f"{arguments[0]} has no command {name!r}.{near}")
    discovery.resolve(plugin.commands[name].target)
    return True


def _explained(error: BaseException) -> tuple[str, int]:
    """The message and the exit code of an error."""
    if isinstance(error, UnlabeledError):
        return str(error), error.exit_code
    if isinstance(error, CycloptsError):
        return f"{error}\n  unlabeled --help lists the commands.", UsageError.exit_code
    if isinstance(error, KeyboardInterrupt):
        return "interrupted", INTERRUPTED
    if isinstance(error, OSError) and error.errno:  # a full disk, a missing permission or folder
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{os.strerror(error.errno)}", UnlabeledError.exit_code
    if _is_out_of_memory(error):
        first = str(error).partition("\n")[0]
        return (
            f"out of memory. A smaller --batch-size needs less. {first}".rstrip(),
            UnlabeledError.exit_code,
        )
    return (
        f"{type(error).__name__}: {error}\n  This is a bug of unlabeled or of a plugin; "
        "--debug shows where."
    ), OUR_MISTAKE


def _is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out: Python's error, or torch's on a GPU or on the CPU."""
    words = ("out of memory", "can't allocate memory")
    from_torch = isinstance(error, RuntimeError) and any(each in str(error) for each in words)
    return isinstance(error, MemoryError) or from_torch


def _survive_narrow_encodings() -> None:
    """Escape characters that the terminal's encoding lacks, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _asks_for_recipe(arguments: list[str]) -> str:
    """The recipe in `pretrain RECIPE ... --help`, whose settings are then listed."""
    asks = arguments[:1] == ["pretrain"] and {"--help", "-h"} & set(arguments)
    return arguments[1] if asks and not arguments[1].startswith("-") else ""


def _recipe_help(recipe: str) -> int:
    from unlabeled.cli.pretrain import recipe_help

    recipe_help(recipe)
    return 0


def _fail(error: BaseException, message: str, code: int, *, debug: bool, json: bool) -> int:
    """Print a message once: all processes of a run fail together."""
    if debug:
        traceback.print_exception(error)
    if is_first_process() or code == OUR_MISTAKE:
        print(f"unlabeled: {message}", file=sys.stderr)  # noqa: T201
    if json:
        from unlabeled.cli.printing import print_json

        kind = type(error).__name__
        print_json({"error": {"kind": kind, "message": message, "exit_code": code}})
    return code
