"""Structs are derived from the pydantic models; a rule that cannot be derived is an error."""

from typing import Annotated, Any

import pytest
from pydantic import AfterValidator, BaseModel, Field

from replenish_contracts.catalogue import CATALOGUE, Id
from replenish_contracts.structs import UnderivableTypeError, struct_of


def model_with(annotation, **field):
    return type("Odd", (BaseModel,), {"__annotations__": {"x": annotation}} | field)


class TestStructOf:
    def test_struct_has_fields_and_defaults_of_event(self):
        for event in CATALOGUE.values():
            struct = struct_of(event)

            assert list(struct.__struct_fields__) == list(event.model_fields)

    @pytest.mark.parametrize(
        "annotation",
        [
            str,
            str | None,
            Annotated[str, Field(min_length=1)],
            Annotated[str, Field(pattern="unanchored")],
            bytes,
            Any,
            dict[str, int],
            list[int],
            tuple[int, str],
            Annotated[int, AfterValidator(abs)],
            Annotated[float, Field(allow_inf_nan=True)],
            Annotated[str, Field(pattern="^a$", strict=True)],
        ],
    )
    def test_unsupported_type_is_refused(self, annotation):
        with pytest.raises(UnderivableTypeError):
            struct_of(model_with(annotation))

    def test_alias_is_refused(self):
        with pytest.raises(UnderivableTypeError):
            struct_of(model_with(Id, x=Field(alias="y")))
