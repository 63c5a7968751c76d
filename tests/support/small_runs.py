"""A small case for each engine, the commands that compute it, and readers of what a run writes."""

import csv
import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np

CASE = """
[electrolyte]
material = "LLZO"
thickness = "60 um"

[electrolyte.properties]
conductivity = "0.5 mS/cm"
fracture_energy = "6 J/m^2"
exchange_current_density = "5.1 mA/cm^2"

[defect]
length = "10 um"
aperture = "20 nm"

[operation]
temperature = "25 degC"
stack_pressure = "1 MPa"

[protocol]
current_density = "6 mA/cm^2"
areal_capacity = "0.02 mAh/cm^2"

[mesh]
crack_size = "1 um"
far_size = "6 um"

[output]
fields = ["0.005 mAh/cm^2", "0.01 mAh/cm^2"]
plots = false
"""
OWN = CASE.partition("[mesh]")[0] + '[mesh]\nfile = "own.msh"\n'
"""The same with a mesh of one's own."""
DIFFUSE = """
[electrolyte]
material = "LLZO"
thickness = "40 um"

[electrolyte.properties]
fracture_energy = "6 J/m^2"

[defect]
length = "10 um"
aperture = "20 nm"

[operation]
temperature = "25 degC"
stack_pressure = "1 MPa"

[protocol]
current_density = "8 mA/cm^2"
areal_capacity = "0.012 mAh/cm^2"

[fracture]
engine = "phase_field"
length = "3 um"

[mesh]
band_size = "1 um"
half_width = "40 um"
reach = "2 um"
adaptive = true

[output]
fields = ["0.005 mAh/cm^2", "0.008 mAh/cm^2"]
plots = false
"""
"""A phase-field run on a mesh that follows its crack."""
RUN = ["-c", "import sys; from lifrac.problems.cli.main import main; sys.exit(main())"]
"""Arguments of the interpreter that make it `lifrac`."""
POINT_ARRAYS = {
    "potential_V": 1,
    "current_density_mA_per_cm2": 3,
    "displacement_um": 3,
    "stress_MPa": 6,
    "aperture_um": 1,
    "metal_thickness_um": 1,
    "lithium_pressure_MPa": 1,
    "damage": 1,
    "face_current_density_mA_per_cm2": 1,
    "contact": 1,
}
"""Arrays of fields.vtkhdf and their numbers of components."""


def write_case(folder: Path, text: str = CASE) -> Path:
    path = folder / "small.toml"
    path.write_text(text)
    return path


def history(folder: Path) -> dict[str, np.ndarray]:
    with (folder / "history.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    values = np.array(rows[1:], dtype=float).reshape(-1, len(rows[0]))
    return dict(zip(rows[0], values.T, strict=True))


def events(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]


def summary(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "summary.json").read_text()))


def fields(folder: Path) -> dict[str, np.ndarray]:
    """Times, points, cells, regions, and point arrays (times, points, ...) of fields.vtkhdf."""
    with h5py.File(folder / "fields.vtkhdf") as file:
        root = file["VTKHDF"]
        times = root["Steps/Values"][:]
        n = len(root["Points"])
        out = {
            "times": times,
            "points": root["Points"][:],
            "cells": root["Connectivity"][:],
            "region": root["CellData/region"][:],
        }
        for name in POINT_ARRAYS:
            data = root["PointData"][name][:]
            out[name] = data.reshape(len(times), n, -1)
    return out
