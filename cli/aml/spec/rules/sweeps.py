"""The rules of sweeps: of the search space, of what may be drawn how, and of limits."""

from __future__ import annotations

from collections.abc import Iterator

from aml.errors import Problem
from aml.spec.document import Document
from aml.spec.rules import bindings, commands, environments, paths, ports
from aml.spec.rules.values import number_of
from aml.spec.wording import canonical, did_you_mean

_SAMPLED = {
    "grid": ("choice",),
    "bayesian": ("choice", "uniform", "quniform"),
}
"""Sampling algorithm -> the distributions that it takes; random takes all."""

_DISTRIBUTIONS = (
    *("choice", "randint", "uniform", "quniform", "loguniform", "qloguniform"),
    *("normal", "qnormal", "lognormal", "qlognormal"),
)
_SLACKS = ("slack_factor", "slack_amount")
_SCOPE = ("inputs", "outputs", "search_space")


def trial_bindings(document: Document) -> Iterator[Problem]:
    if document.mapping("trial"):
        yield from bindings.in_texts(document.part("trial"), bindings.Scope(document, "sweep", _SCOPE))


def unused(document: Document) -> Iterator[Problem]:
    """What the trials don't refer to; they may still find it by its variable."""
    if not document.mapping("trial"):
        return
    trial = document.part("trial")
    yield from bindings.unused_in(document, trial)
    used = {key.split(".")[1] for key in bindings.used_keys(trial) if key.startswith("search_space.")}
    space = [name for name in document.mapping("search_space") if isinstance(name, str)]
    if space and used.isdisjoint(space):
        message = "The command of the trial uses no parameter of the search space: all trials are the same."
        hint = f"Refer to it as ${{{{search_space.{space[0]}}}}}."
        yield document.about_key("unused", message, ("search_space",), hint, "warning")
        return
    for name in space:
        if name not in used:
            hint = f"Refer to it as ${{{{search_space.{name}}}}}."
            message = f"The parameter `{name}` is not used by the command of the trial."
            yield document.about_key("unused", message, ("search_space", name), hint, "warning")


def trial(document: Document) -> Iterator[Problem]:
    """What holds for the command of any job."""
    if document.mapping("trial"):
        part = document.part("trial")
        for rule in (environments.environment, paths.code, paths.environment):
            yield from rule(part)


def sampling(document: Document) -> Iterator[Problem]:
    """Distributions that the sampling algorithm does not take."""
    given = document.value("sampling_algorithm")
    at = ("sampling_algorithm", "type") if isinstance(given, dict) else ("sampling_algorithm",)
    value = document.value(*at)
    algorithm = canonical(value, _SAMPLED) if isinstance(value, str) else None
    if algorithm is None:
        return
    for name, about in document.mapping("search_space").items():
        kind = _distribution(about)
        if kind is not None and kind not in _SAMPLED[algorithm]:
            message = f"{algorithm} sampling does not take {kind}, which `search_space.{name}` is."
            hint = f"It takes {', '.join(_SAMPLED[algorithm])}. random takes all."
            yield document.problem("sampling", message, at, hint=hint)


def search_space(document: Document) -> Iterator[Problem]:
    """Bounds, steps and numbers of each parameter, nested ones too."""
    for name in document.mapping("search_space"):
        yield from _parameter(document.part("search_space", name))


def _parameter(parameter: Document) -> Iterator[Problem]:
    if _distribution(parameter.data) is None:
        return
    least, most = (number_of(parameter.value(key)) for key in ("min_value", "max_value"))
    if least is not None and most is not None and least >= most:
        place = parameter.place(("min_value",))
        if least > most:
            message = f"`min_value` is {least:g}, more than `max_value`, which is {most:g}."
            yield parameter.problem("out-of-range", message, (), place=place)
        else:
            message = f"`min_value` and `max_value` are both {least:g}: all values are the same."
            yield parameter.problem("out-of-range", message, (), severity="warning", place=place)
    step = number_of(parameter.value("q"))
    if step is not None and step <= 0:
        yield parameter.problem("out-of-range", f"`q` is {step:g}; it must be more than 0.", ("q",))
    yield from _choices(parameter)


def _choices(parameter: Document) -> Iterator[Problem]:
    values = parameter.value("values")
    for index, value in enumerate(values) if isinstance(values, list) else ():
        if isinstance(value, dict):
            for name in value:
                yield from _parameter(parameter.part("values", index, name))
        elif isinstance(value, str) and "e" in value.lower() and number_of(value) is not None:
            message = f"YAML reads {value} as text, not as a number."
            hint = f"Write {_with_point(value)} for the number, or put it in quotes."
            node = parameter.node(("values", index))
            if node is not None and node.start.column + len(value) == node.end.column:  # no quotes around it
                yield parameter.problem("number-as-text", message, ("values", index), hint=hint, severity="warning")


def _with_point(value: str) -> str:
    mantissa, _, exponent = value.lower().partition("e")
    mantissa = mantissa if "." in mantissa else f"{mantissa}.0"
    return f"{mantissa}e{exponent}" if exponent[0] in "+-" else f"{mantissa}e+{exponent}"


def limits(document: Document) -> Iterator[Problem]:
    """No more trials at once than there are; a trial ends before the sweep."""
    at_once, total = (number_of(document.value("limits", f"max_{key}_trials")) for key in ("concurrent", "total"))
    if at_once is not None and total is not None and at_once > total > 0:
        message = f"`max_concurrent_trials` is {at_once:g}, more than `max_total_trials`, which is {total:g}."
        yield document.problem("out-of-range", message, ("limits", "max_concurrent_trials"))
    one, whole = (number_of(document.value("limits", key)) for key in ("trial_timeout", "timeout"))
    if one is not None and whole is not None and one > whole > 0:
        message = f"`trial_timeout` is {one:g}, more than `timeout`, which is {whole:g}: it never comes to that."
        yield document.problem("out-of-range", message, ("limits", "trial_timeout"), severity="warning")


def policy(document: Document) -> Iterator[Problem]:
    """A bandit policy has one slack."""
    given = document.mapping("early_termination")
    if str(given.get("type")).lower() != "bandit":
        return
    at = ("early_termination",)
    if "slack_factor" in given and "slack_amount" in given:
        message = "`slack_factor` and `slack_amount` exclude each other."
        hint = "Keep one: a ratio to the best trial, or a distance from it."
        yield document.about_key("exclusive-keys", message, (*at, "slack_amount"), hint)
    elif not any(key in _SLACKS or did_you_mean(str(key), _SLACKS) for key in given):
        message = "`early_termination` needs the key `slack_factor`, or `slack_amount`."
        hint = "A ratio to the best trial, or a distance from it."
        yield document.problem("missing-key", message, (*at, "slack_factor"), hint=hint)


def _distribution(about: object) -> str | None:
    """The type of a parameter, in Azure ML's spelling; None where it has none."""
    kind = about.get("type") if isinstance(about, dict) else None
    return canonical(kind, _DISTRIBUTIONS) if isinstance(kind, str) else None


SWEEP = (search_space, sampling, limits, policy)
"""What holds for a sweep that is a job and for one that is a step."""

RULES = {
    "sweep": (
        trial_bindings,
        unused,
        trial,
        bindings.output_paths,
        ports.names,
        ports.modes,
        paths.inputs,
        commands.services,
        *SWEEP,
    ),
}
