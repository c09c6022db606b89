"""`vivace inspect` and `vivace config`: what a model file holds, what this installation is."""

from __future__ import annotations

import os
from typing import Any

import click

from vivace.cli.frames import is_table_model
from vivace.cli.options import debug_option, examples, json_option, print_json, trusted_option

_MAX_NAMES = 12


@click.command(epilog=examples("vivace inspect model.vivace", "vivace inspect model.vivace --json"))
@click.argument("model", type=click.Path())
@trusted_option
@json_option
@debug_option
def inspect(model: str, trusted: tuple[str, ...], as_json: bool) -> None:
    """Show what a model file holds, or the folder of a checkpoint."""
    if os.path.isdir(model):
        from vivace.cli.show_checkpoint import show_checkpoint

        show_checkpoint(model, as_json)
        return
    from vivace.cli.summary import fit_record, print_pairs, print_summary, print_table
    from vivace.cli.summary_mixture import MAX_LINES, print_table_summary, table_record
    from vivace.cli.summary_topics import is_topic_model, print_topics_summary, topics_record
    from vivace.io import load_model, read_record

    record = read_record(model)
    estimator = load_model(model, trusted)
    topics = is_topic_model(estimator)
    if topics:
        found = topics_record(estimator, record.notes)
    elif is_table_model(estimator):
        found = table_record(
            estimator, record.notes.get("n_rows"), most=None if as_json else MAX_LINES
        )
    else:
        found = fit_record(estimator, record.notes.get("n_rows"))
    arrays = [
        {"name": name, "type": str(array.dtype), "shape": str(array.shape)}
        for name, array in record.arrays.items()
    ]
    if as_json:
        print_json(
            {
                "file": model,
                "format_version": record.format_version,
                "versions": record.versions,
                **found,
                "notes": record.notes,
                "meta": record.meta,
                "arrays": arrays,
            }
        )
        return
    size = os.path.getsize(model)
    if topics:
        print_topics_summary(found)
    elif is_table_model(estimator):
        print_table_summary(found)
    else:
        print_summary(found)
    click.echo()
    versions = ", ".join(f"{name} {value}" for name, value in record.versions.items())
    print_pairs(
        {
            "file": f"{model}, {size:,} bytes, format {record.format_version}",
            "fitted to": _fitted_to(record.notes),
            **_about(record),
            "written by": versions,
            "instruction set": str(record.meta.get("instruction_set", "unknown")),
            **_tokenizer(estimator),
            **_changed(estimator),
        }
    )
    click.echo()
    print_table(["array", "type", "shape"], [list(array.values()) for array in arrays])


@click.command(epilog=examples("vivace config"))
@json_option
@debug_option
def config(as_json: bool) -> None:
    """Show version, instruction set, threads and library versions."""
    if as_json:
        from vivace._config import config as found

        print_json({name.replace(" ", "_"): value for name, value in found().items()})
    else:
        import vivace

        vivace.show_config()


def _about(record: Any) -> dict[str, str]:
    """Rows, fingerprint, names of columns, times and course of the fit, as far as they are kept."""
    data, timings = record.meta.get("data", {}), record.meta.get("timings", {})
    names = record.meta.get("feature_names")
    trace = record.arrays.get("trace")
    found = {}
    numbers = [f"{v:,.6g} {k.removeprefix('n_')}" for k, v in data.items() if k != "fingerprint"]
    if numbers:
        found["data"] = ", ".join(numbers)
    if "fingerprint" in data:
        found["fingerprint"] = str(data["fingerprint"])
    elif "partial_fit" in timings:
        found["fingerprint"] = "none (partial_fit keeps nothing of the batches that it is given)"
    if names:
        more = f", ... ({len(names)})" if len(names) > _MAX_NAMES else ""
        found["columns"] = ", ".join(str(name)[:40] for name in names[:_MAX_NAMES]) + more
    if timings:
        found["times"] = ", ".join(f"{name} {value:.3g} s" for name, value in timings.items())
    if trace is not None and len(trace):
        found["trace"] = f"{len(trace)} values, from {trace[0]:.10g} to {trace[-1]:.10g}"
    return found


def _fitted_to(notes: dict[str, Any]) -> str:
    """Data and time of the fit, where `vivace fit` made the file."""
    seconds = notes.get("seconds")
    fit = seconds.get("fit") if isinstance(seconds, dict) else None
    took = f", in {fit:.2f} s" if isinstance(fit, float) else ""
    return f"{notes.get('data', 'unknown')}{took}"


def _tokenizer(estimator: Any) -> dict[str, str]:
    """How text becomes words, where the model knows it."""
    tokenizer = getattr(estimator, "tokenizer_", None)
    if tokenizer is None:
        return {}
    settings = tokenizer.settings()
    settings["stop_words"] = f"{len(settings['stop_words'])} words"
    return {"text": ", ".join(f"{name}={value}" for name, value in settings.items())}


def _changed(estimator: Any) -> dict[str, str]:
    """Parameters that are not at their defaults."""
    defaults = type(estimator)().get_params(deep=False)
    changed = []
    for name, value in estimator.get_params(deep=False).items():
        text = repr(value)
        if text != repr(defaults[name]):
            changed.append(f"{name}={text if len(text) < 60 else type(value).__name__}")
    return {"parameters": ", ".join(changed) or "all at their defaults"}
