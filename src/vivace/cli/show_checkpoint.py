"""`vivace inspect FOLDER`: what a checkpoint holds."""

from __future__ import annotations

import os
import time
from typing import Any

import click

from vivace.cli.options import print_json
from vivace.cli.summary import print_pairs

_ENDS = {None: "", "max_iter": ", not converged", "converged": ", converged"}


def show_checkpoint(folder: str, as_json: bool) -> None:
    """Print where the fit is that a checkpoint belongs to, and how to go on with it."""
    from vivace.io.checkpoint_folder import MANIFEST, read_manifest

    found = read_manifest(folder)
    state, fit = found["state"], found["state"]["fit"]
    identity: dict[str, Any] = state["identity"]
    manifest = os.path.join(folder, MANIFEST)
    size = sum(os.path.getsize(os.path.join(folder, name)) for name in found["files"])
    size += os.path.getsize(manifest)
    trace, run = [float(bound) for bound in fit["trace"]], state["run"]
    ended = "converged" if run["converged"] else None
    if ended is None and fit["n_iter"] >= run["max_iter"]:
        ended = "max_iter"
    record = {
        "folder": folder,
        "estimator": identity["model"]["class"],
        "n_iter": int(fit["n_iter"]),
        "step": int(fit["step"]),
        "elbo": trace[-1] if trace else None,
        "elbo_trace": trace,
        "seconds": float(run.get("spent", run["elapsed"])),
        "max_iter": int(run["max_iter"]),
        "ended": ended,
        "written": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(os.path.getmtime(manifest))),
        "megabytes": size / 1e6,
        "parameters": identity["parameters"],
        "data": identity.get("data", {}),
        "software": identity["software"],
    }
    if as_json:
        print_json(record)
        return
    facts = record["data"]
    print_pairs(
        {
            "folder": f"{folder}, {size / 1e6:,.1f} MB, checkpoint of a fit",
            "model": record["estimator"],
            "state": f"after iteration {record['n_iter']} of at most {record['max_iter']}, step "
            f"{record['step']}, {record['seconds']:,.0f} s of work" + _ENDS[ended],
            "bound": "none yet" if not trace else f"{trace[-1]:,.4f}",
            "written": record["written"],
            "data": ", ".join(
                f"{name} {value}" for name, value in facts.items() if value is not None
            ),
            "software": ", ".join(f"{name} {value}" for name, value in record["software"].items()),
        }
    )
    click.echo()
    click.echo("parameters")
    print_pairs({f"  {name}": value for name, value in record["parameters"].items()})
    click.echo()
    more = "" if ended is None else " and more --passes"
    click.echo(f"The command that wrote it goes on with it when it is given --resume{more}.")
