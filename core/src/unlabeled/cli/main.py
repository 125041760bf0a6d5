"""The command line: `unlabeled COMMAND`. Commands load when they are asked for.

Results go to stdout, progress and errors to stderr. Exit codes: 0 done, 1 failed, 2 wrong usage
or recipe, 3 data, 4 plugin, 5 run folder, 6 collapse, 70 a mistake of ours, 130 interrupted.
"""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Sequence
from importlib.metadata import version

from cyclopts import App, CycloptsError

from unlabeled.errors import UnlabeledError

INTERRUPTED = 130
OUR_MISTAKE = 70

THE_MACHINE = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.EFBIG)
"""A full disk, a missing permission: nobody's mistake."""

COMMANDS = {
    "plugins": ("catalogue:plugins", "What is installed, and whether it is healthy."),
    "recipes": ("catalogue:recipes", "What can be run, one line each, with its source."),
    "describe": ("catalogue:describe", "What a plugin, recipe or component is and can be set to."),
    "inspect": ("inspect:inspect", "What is in a folder: counts, sizes, groups, broken files."),
    "pretrain": ("pretrain:pretrain", "Train a recipe on a folder, resume or continue a run."),
    "adapt": ("use:adapt", "Fit a run's batch-norm statistics to the data it is used on."),
    "embed": ("use:embed", "Write the embeddings of a folder's items to Parquet."),
    "apply": ("use:apply", "Restore a folder's items by the run of a restoration."),
    "evaluate": ("use:evaluate", "Probe a run beside random encoders and raw features."),
    "similar": ("use:similar", "More like this: the nearest rows of a table of embeddings."),
    "report": ("use:report", "Write the run's report, one HTML page."),
    "export": ("use:export", "Write the run's encoder for another program."),
    "check": ("check:check", "Run the conformance kit on a plugin."),
    "new-plugin": ("new_plugin:new_plugin", "Write a small working plugin to start from."),
}


def build_app() -> App:
    """All commands by name; their modules are not imported yet."""
    app = App(
        name="unlabeled",
        version=version("unlabeled"),
        help="Self-supervised learning for the data that vision frameworks leave out.",
        help_epilogue="Errors show a traceback with --debug.",
        result_action="return_value",
        suppress_keyboard_interrupt=False,
    )
    for name, (target, summary) in COMMANDS.items():
        app.command(f"unlabeled.cli.{target}", name=name, help=summary)
    return app


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit."""
    sys.exit(run(list(sys.argv[1:] if arguments is None else arguments)))


def run(arguments: list[str]) -> int:
    """Run one command; returns the exit code, after printing at most one clear message."""
    debug = "--debug" in arguments
    arguments = [argument for argument in arguments if argument != "--debug"]
    try:
        if recipe := _asks_for_recipe(arguments):
            return _recipe_help(recipe)
        result = build_app()(arguments, exit_on_error=False, print_error=False)
        return result if isinstance(result, int) else 0
    except UnlabeledError as error:
        return _fail(error, str(error), error.exit_code, debug)
    except CycloptsError as error:
        return _fail(error, f"{error}\n  unlabeled --help lists the commands.", 2, debug)
    except KeyboardInterrupt as error:
        return _fail(error, "interrupted", INTERRUPTED, debug)
    except BrokenPipeError:
        # Nobody reads on (`unlabeled recipes | head`); keep the interpreter's last flush quiet.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if error.errno not in THE_MACHINE:
            return _our_mistake(error, debug)
        place = f"{error.filename}: " if error.filename else ""
        return _fail(error, f"{place}{os.strerror(error.errno)}", UnlabeledError.exit_code, debug)
    except Exception as error:  # noqa: BLE001 - the last door
        return _our_mistake(error, debug)


def _our_mistake(error: Exception, debug: bool) -> int:
    message = f"{type(error).__name__}: {error}\n  This is a mistake of ours or of a plugin; "
    return _fail(error, message + "--debug shows where.", OUR_MISTAKE, debug)


def _asks_for_recipe(arguments: list[str]) -> str:
    """The recipe in `pretrain RECIPE ... --help`, whose settings are then listed."""
    asks = arguments[:1] == ["pretrain"] and {"--help", "-h"} & set(arguments)
    return arguments[1] if asks and not arguments[1].startswith("-") else ""


def _recipe_help(recipe: str) -> int:
    from unlabeled.cli.pretrain import recipe_help

    recipe_help(recipe)
    return 0


def _fail(error: BaseException, message: str, code: int, debug: bool) -> int:
    if debug:
        traceback.print_exception(error)
    if os.environ.get("RANK", os.environ.get("LOCAL_RANK", "0")) == "0":
        # The processes of one run fail together and with one message; one of them says it.
        print(f"unlabeled: {message}", file=sys.stderr)  # noqa: T201
    return code
