"""The operations real models use between their layers, declared a family a file.

A new operation is one `op(...)` in the file of its family; the palette, the form, the shape check,
the code writer and the family test read it from there.
"""

from __future__ import annotations

from typing import Final

from builder.catalogue.operations.activation import ACTIVATION
from builder.catalogue.operations.arithmetic import ARITHMETIC
from builder.catalogue.operations.declare import Operation
from builder.catalogue.operations.functional import FUNCTIONAL
from builder.catalogue.operations.merge import MERGE
from builder.catalogue.operations.other import OTHERS
from builder.catalogue.operations.reduction import REDUCTION
from builder.catalogue.operations.shape import SHAPE

OPERATIONS: Final[tuple[Operation, ...]] = (
    *SHAPE,
    *MERGE,
    *ARITHMETIC,
    *REDUCTION,
    *ACTIVATION,
    *FUNCTIONAL,
    *OTHERS,
)
