"""exp and log without branches and calls, so that loops over a row vectorise; within 1e-15 of the exact value.

exp: x = n ln 2 + r, |r| <= ln 2 / 2, Taylor's series of e^r to r^13, and n added to the exponent's bits.
log: x = 2^n m, m between 1/sqrt 2 and sqrt 2, and the series of 2 atanh((m - 1) / (m + 1)) to the 19th power.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from numba import types
from numba.extending import intrinsic

from twinpipe.physics.compiled import inlined

_ROUND = 1.5 * 2.0**52  # added, it leaves the nearest integer in the low bits
_LOG2_E = 1.0 / math.log(2.0)
_LN2_HIGH = float.fromhex("0x1.62e42fee00000p-1")  # ln 2 in two parts, of which n times the first is exact
_LN2_LOW = float.fromhex("0x1.a39ef35793c76p-33")
_C2, _C3, _C4, _C5, _C6, _C7 = (1 / math.factorial(n) for n in range(2, 8))
_C8, _C9, _C10, _C11, _C12, _C13 = (1 / math.factorial(n) for n in range(8, 14))
_L1, _L2, _L3, _L4, _L5, _L6, _L7, _L8, _L9 = (2 / (2 * n + 1) for n in range(1, 10))
LEAST_EXPONENT, MOST_EXPONENT = -700.0, 700.0

if TYPE_CHECKING:

    def _bits(value: float) -> int:
        """The 64 bits of a number."""

    def _of_bits(bits: int) -> float:
        """The number that 64 bits are."""

else:

    @intrinsic
    def _bits(typingctx: Any, value: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.bitcast(arguments[0], context.get_value_type(types.int64))

        return types.int64(types.float64), codegen

    @intrinsic
    def _of_bits(typingctx: Any, bits: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.bitcast(arguments[0], context.get_value_type(types.float64))

        return types.float64(types.int64), codegen


@inlined
def exp(x: float) -> float:
    """e^x, of x no further than 700 from 0."""
    x = x if x > LEAST_EXPONENT else LEAST_EXPONENT
    x = x if x < MOST_EXPONENT else MOST_EXPONENT
    shifted = x * _LOG2_E + _ROUND
    n = shifted - _ROUND
    r = (x - n * _LN2_HIGH) - n * _LN2_LOW
    r2 = r * r
    r4 = r2 * r2
    low = (1.0 + r) + r2 * (_C2 + _C3 * r)
    middle = (_C4 + _C5 * r) + r2 * (_C6 + _C7 * r)
    high = (_C8 + _C9 * r) + r2 * (_C10 + _C11 * r) + r4 * (_C12 + _C13 * r)
    series = low + r4 * (middle + r4 * high)
    return _of_bits(_bits(series) + (_bits(shifted) << 52))


@inlined
def log(x: float) -> float:
    """ln x, of normal x > 0."""
    bits = _bits(x)
    # 0x3FE6A09E667F3BCD is 1/sqrt 2: what lies above in the exponent's bits counts the powers of two
    n = (bits - 0x3FE6A09E667F3BCD) >> 52
    m = _of_bits(bits - (n << 52))
    f = (m - 1.0) / (m + 1.0)
    s = f * f
    s2 = s * s
    s4 = s2 * s2
    series = (_L1 + _L2 * s) + s2 * (_L3 + _L4 * s) + s4 * ((_L5 + _L6 * s) + s2 * (_L7 + _L8 * s) + s4 * _L9)
    return float(n) * _LN2_HIGH + (2.0 * f + (f * s * series + float(n) * _LN2_LOW))
