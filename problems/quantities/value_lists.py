"""Lists of quantities in study files."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from . import units as u


@dataclass(frozen=True)
class GridOf:
    """A list of quantities, ascending and without repetition unless stated. Used as pydantic annotation."""

    dimension: u.Dimension
    ascending: bool = True

    @property
    def words(self) -> str:
        """The value that a user writes, in words for the reference."""
        kind = "ascending list" if self.ascending else "list"
        return f"{kind} ({self.dimension.name}), `[{self._example}]`"

    @property
    def _example(self) -> str:
        return f'"{self.dimension.example}"' if self.dimension.unit else self.dimension.example

    def __call__(self, value: object) -> tuple[u.Quantity, ...]:
        """Return a stated list as quantities.

        Raises
        ------
        QuantityError
            If it is no list, is empty, holds a value that is none, or states one twice.
        """
        remedy = f"Write for example [{self._example}]" + (", ascending" if self.ascending else "")
        if not isinstance(value, list | tuple):
            raise u.QuantityError(f"a list of {self.dimension.name}s is wanted here", remedy)
        if not value:
            raise u.QuantityError("is empty: there is nothing to compute", remedy)
        items = tuple(self._item(entry) for entry in value)
        for before, after in pairwise(items) if self.ascending else ():
            if after == before:
                raise u.QuantityError(f"holds {after.text} twice", "Remove one of the two")
            if after < before:
                raise u.QuantityError(f"is not ascending: {after.text} comes after {before.text}", "Sort the list")
        return items

    def _item(self, entry: object) -> u.Quantity:
        try:
            return self.dimension(entry)
        except u.QuantityError as error:
            raise u.QuantityError(f"entry {entry!r}: {error.message}", error.remedy) from None

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        texts = core_schema.plain_serializer_function_ser_schema(
            lambda grid: [item.text if self.dimension.unit else float(item) for item in grid]
        )
        return core_schema.no_info_plain_validator_function(self.__call__, serialization=texts)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        item = self.dimension.__get_pydantic_json_schema__(schema, handler)
        return {"type": "array", "minItems": 1, "items": item}


def _grid(item: object, ascending: bool = True) -> GridOf:
    """Return a grid of what the type `item` of `units` stands for."""
    dimension = u.find_dimension(item)
    assert dimension is not None
    return GridOf(dimension, ascending)


Quantities = tuple[u.Quantity, ...]
Lengths = Annotated[Quantities, _grid(u.PositiveLength)]
Temperatures = Annotated[Quantities, _grid(u.Temperature)]
StackPressures = Annotated[Quantities, _grid(u.StackPressure)]
ArealCapacities = Annotated[Quantities, _grid(u.ArealCapacity)]
ElectrodeAreas = Annotated[Quantities, _grid(u.ElectrodeArea)]
Quantiles = Annotated[Quantities, _grid(u.Quantile)]
ListedLengths = Annotated[Quantities, _grid(u.PositiveLength, ascending=False)]
Weights = Annotated[Quantities, _grid(u.PositiveNumber, ascending=False)]
