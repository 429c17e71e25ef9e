"""The flags of a run, made from the dataclasses of its configuration, and the layers they amount to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from mistcli.cli.tables import default_text
from mistcli.cli.types import ColumnType, CriticType, EstimatorType, LoggerType, ReaderType
from mistcli.config.schema import CleaningConfig, GeneralConfig, InferenceConfig, TrainingConfig
from mistcli.config.sources import PROJECT_FILE, Layer, load_yaml
from mistcli.errors import ConfigError
from mistcli.plugin.options import OptionField, assignment, fields, range_text

__all__ = ["SectionedCommand", "SectionedOption", "data_flags", "layers", "option", "run_flags"]

SECTIONS: Mapping[str, type] = {
    "cleaning": CleaningConfig,
    "training": TrainingConfig,
    "inference": InferenceConfig,
}
FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])


class SectionedOption(click.Option):
    """An option that help shows under a heading of its own.

    Arguments:
        section: The heading.
    """

    def __init__(self, *args: Any, section: str = "Other", **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.section = section


class SectionedCommand(click.Command):
    """A command whose help shows its options by section."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options by section, in the order in which they appear; what has no section is last."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in sorted(self.get_params(ctx), key=lambda param: not hasattr(param, "section")):
            record = param.get_help_record(ctx) if isinstance(param, click.Option) else None
            if record is not None:
                sections.setdefault(getattr(param, "section", "Other"), []).append(record)
        for section, records in sections.items():
            with formatter.section(section):
                formatter.write_dl(records)


def option(section: str, *declarations: str, **attributes: Any) -> Callable[[FunctionT], FunctionT]:
    """Return a decorator that adds an option under the heading `section`."""
    return click.option(*declarations, cls=SectionedOption, section=section, **attributes)


def run_flags(function: FunctionT) -> FunctionT:
    """Add all flags that say what a run does."""
    for decorator in reversed(list(_decorators())):
        function = decorator(function)
    return function


def data_flags(function: FunctionT) -> FunctionT:
    """Add the flags that select and clean columns, and those of any run: seed, units, and the file of settings."""
    decorators = [*_data(), *_of_fields("Output", GeneralConfig), _config_file()]
    for decorator in reversed(decorators):
        function = decorator(function)
    return function


def layers(params: Mapping[str, Any]) -> list[Layer]:
    """Return the settings of the flags, of `--config FILE` and of `./mist.yaml`, the strongest first."""
    found = [_flags(params)]
    if params["config_file"] is not None:
        found.append(load_yaml(params["config_file"]))
    if PROJECT_FILE.is_file():
        found.append(load_yaml(PROJECT_FILE))
    return found


def _data() -> Iterator[Callable[[FunctionT], FunctionT]]:
    yield click.argument("path", metavar="[FILE]", required=False, type=click.Path())
    data = "Data"
    columns = ColumnType()
    yield option(data, "--x", type=columns, metavar="COLUMNS", help="x: f1, 'gene_*', a:b, '[0:3]' or '!id'.")
    yield option(data, "--y", type=columns, metavar="COLUMNS", help="y, in the same grammar.")
    yield option(data, "--given", type=columns, metavar="COLUMNS", help="What the information is conditional on.")
    yield from _of_fields(data, InferenceConfig, only=("block", "group"))
    yield option(data, "--reader", type=ReaderType(), help="The reader, where the file does not say.")
    yield from _of_fields(data, CleaningConfig)


def _decorators() -> Iterator[Callable[[FunctionT], FunctionT]]:
    estimator, output = "Estimator", "Output"
    yield from _data()
    yield option(estimator, "--estimator", "-e", type=EstimatorType(), help="The estimator.  [default: auto]")
    yield option(estimator, "--critic", type=CriticType(), help="The critic of an estimator that takes one.")
    yield option(
        estimator,
        "--option",
        "-o",
        "options",
        multiple=True,
        metavar="KEY=VALUE",
        help="An option of the estimator or its critic; `mist show NAME` lists them.",
    )
    yield from _of_fields("Training", TrainingConfig)
    yield from _of_fields(output, InferenceConfig, only=("level", "permutations"))
    yield from _of_fields(output, GeneralConfig)
    yield option(
        output,
        "--logger",
        type=LoggerType(),
        multiple=True,
        metavar="NAME:KEY=VALUE",
        help="A logger, with its options; may be given several times.",
    )
    yield _config_file()


def _config_file() -> Callable[[FunctionT], FunctionT]:
    return option(
        "Configuration",
        "--config",
        "config_file",
        type=click.Path(path_type=Path),
        help="A YAML file of settings; ./mist.yaml counts too, and flags before both.",
    )


def _of_fields(
    section: str, cls: type, *, only: Sequence[str] | None = None
) -> Iterator[Callable[[FunctionT], FunctionT]]:
    for item in fields(cls):
        if only is not None and item.name not in only:
            continue
        yield option(
            section,
            f"--{item.name.replace('_', '-')}",
            item.name,
            type=click.Choice([str(choice) for choice in item.info.choices]) if item.info.choices else str,
            metavar=None if item.info.choices else item.type_name.removesuffix(" | None").upper(),
            help=f"{item.info.help}{_facts(item)}",
        )


def _facts(item: OptionField) -> str:
    default = "" if item.default in ("", None) else f"default: {default_text(item.default)}"
    allowed = "" if item.info.choices else range_text(item.info)
    facts = "; ".join(filter(None, (default, allowed)))
    return f"  [{facts}]" if facts else ""


def _flags(params: Mapping[str, Any]) -> Layer:
    given = {key: value for key, value in params.items() if value not in (None, ())}
    values: dict[str, Any] = {
        section: {item.name: given[item.name] for item in fields(cls) if item.name in given}
        for section, cls in SECTIONS.items()
    }
    values["data"] = {key: given[key] for key in ("path", "reader", "x", "y", "given") if key in given}
    values |= {key: given[key] for key in ("estimator", "critic", "seed", "units") if key in given}
    if "logger" in given:
        values["loggers"] = list(given["logger"])
    return Layer("flag", values, _options(given.get("options", ())))


def _options(pairs: Sequence[str]) -> dict[str, str]:
    options: dict[str, str] = {}
    for key, value in map(assignment, pairs):
        if options.setdefault(key, value) != value:
            raise ConfigError(f"option {key!r} is given twice: {options[key]!r} and {value!r}; give one.")
    return options
