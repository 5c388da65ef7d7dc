"""Values of options by their plain types, without pydantic.

typer converts every value, also those not given, with pydantic, whose import costs as much CPU time as typer's own.
What is not a plain type is left to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import typer
from typer._coercion import RuntimeParam
from typer._param_types import coerce_cli_choice
from typer.core import TyperArgument, TyperOption
from typer.models import ParameterInfo

if TYPE_CHECKING:
    from typer._click import Context, Parameter

Convert = Callable[[Any], Any]


@dataclass(frozen=True)
class PlainParam(RuntimeParam):
    convert: Convert

    def _coerce_value(self, value: Any, param: Any, ctx: Context) -> Any:
        try:
            return [self.convert(item) for item in value] if isinstance(value, (list, tuple)) else self.convert(value)
        except ValueError as error:
            raise typer.BadParameter(str(error), ctx=ctx, param=param) from error


def convert_plainly(params: Iterable[Parameter]) -> None:
    """Give each parameter of a plain type, or a list of it, our own conversion, unless it has one."""
    for param in params:
        if not isinstance(param, (TyperOption, TyperArgument)) or param._runtime_param is not None:  # noqa: SLF001
            continue
        descriptor = param.type_descriptor
        annotation = get_args(descriptor.annotation)[0] if descriptor.is_list else descriptor.annotation
        convert = _converter(annotation, descriptor.parameter_info, descriptor.choices)
        if convert is not None:
            plain = PlainParam(descriptor.parameter_info, descriptor.annotation, convert)
            param._runtime_param = plain  # noqa: SLF001


def _converter(annotation: Any, info: ParameterInfo, choices: tuple[Any, ...] | None) -> Convert | None:
    if info.parser is not None or info.clamp:
        return None
    if choices is not None:
        return partial(coerce_cli_choice, choices=choices, case_sensitive=info.case_sensitive)
    if annotation in (int, float):
        return partial(_number, annotation, info)
    if annotation is Path and not (info.exists or info.resolve_path or info.allow_dash or info.writable):
        return Path
    return annotation if annotation in (str, bool) else None


def _number(kind: type[int | float], info: ParameterInfo, value: Any) -> int | float:
    try:
        number = kind(value)
    except ValueError:
        raise ValueError(f"{value!r} is not {'an integer' if kind is int else 'a number'}.") from None
    if info.min is not None and not number >= info.min:
        raise ValueError(f"{value} is less than {info.min}.")
    if info.max is not None and not number <= info.max:
        raise ValueError(f"{value} is more than {info.max}.")
    return number
