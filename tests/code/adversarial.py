"""Names that broke code writers, or might: each must come out as a harmless identifier."""

from __future__ import annotations

import builtins
import keyword

import torch
from torch import nn

ATTRIBUTES = sorted({name for name in dir(nn.Module()) if not name.startswith("__")})
"""Every attribute of nn.Module without underscores at both ends; 54 of them are public."""

_INJECTIONS = [
    "x; import os",
    "x\nimport os",
    "x\r\nimport os",
    "x = 1\n        raise SystemExit",
    'x"""\nimport os\n"""',
    "x'''",
    '"',
    "'",
    '"""',
    "\\",
    "\\n",
    'x" + __import__("os").system("true") + "',
    "{}",
    "{self}",
    "{0.__class__}",
    "%s",
    "$(true)",
    "`true`",
    "<script>alert(1)</script>",
    "# comment",
    "x # noqa",
    "x  # type: ignore",
    "# fmt: off",
    "-*- coding: utf-7 -*-",
    "x)\n        self.y = (1",
    "x):\n    pass\nclass Y(nn.Module",
    "lambda: 0",
    "a..b",
    "a[0]",
    "a b",
    "a-b",
    "a,b",
    "a:b",
    "a=b",
    "*a",
    "**a",
    "@a",
    "a if b else c",
    "()",
    "",
    " ",
    "\t",
    "\n",
    "\0",
    "\x1b[31m",
    "\x85x",
    "\u2028import os",
    "\u2029x",
    "\u202ereversed",
    "\u200bx",
    "\ufeffx",
    "\ud800",
    "x\ud800y",
]
_LOOK_ALIKES = [
    "ﬁx",  # normalises to fix
    "ｃｌａｓｓ",  # full width: class
    "𝐝𝐞𝐟",
    "𝕤𝕖𝕝𝕗",
    "ſelf",  # long s: self
    "ｆｏｒｗａｒｄ",
    "ﬀ",
    "ª",
    "µ",
    "K",  # the sign Kelvin: K
    "Å",
    "ⅷ",
    "x²",
    "①",
    "а",  # Cyrillic
    "ѕelf",
    "Ελληνικά",
    "层",
    "畳み込み",
    "слой",
    "é",
    "e\u0301",
    "\u0301",
    "ß",
    "İ",
    "ı",
    "ǅ",
    "ℌ",
    "𐐀",
    "🙂",
    "名" * 40,
    "ﷺ",  # grows to 18 letters
]
_DIGITS = ["0", "1", "007", "12345678901234567890", "١٢", "²", "1a", "0x10", "1e5", "-1", "1.5"]
_LONG = [
    "a" * 10_000,
    "1" * 10_000,
    "_" * 10_000,
    "é" * 10_000,
    "名" * 10_000,
    "a b " * 2_500,
    "ﷺ" * 10_000,
]
_UNDERSCORES = [
    *("_", "__", "___", "_x", "__x", "__x__", "x_", "x__y", "_modules", "_parameters", "_buffers"),
    *("__init__", "__class__", "__call__", "__getattr__", "__dict__", "__slots__", "__doc__"),
]
_CODE = [
    *(
        "self",
        "cls",
        "torch",
        "nn",
        "F",
        "Tensor",
        "super",
        "x",
        "model",
        "block",
        "skip",
        "inputs",
    ),
    *("outputs", "out", "result", "range", "print", "Any", "Net", "Model", "Block", "math", "args"),
    *("kwargs", "Module", "Sequential", "ModuleList", "Linear", "batch", "weight", "bias", "names"),
    *(
        "typing",
        "annotations",
        "main",
        "name",
        "os",
        "sys",
        "exec",
        "eval",
        "torch.nn",
        "nn.Linear",
    ),
]

NAMES = list(
    dict.fromkeys(
        [
            *ATTRIBUTES,
            *keyword.kwlist,
            *keyword.softkwlist,
            *_INJECTIONS,
            *_LOOK_ALIKES,
            *_DIGITS,
            *_LONG,
            *_UNDERSCORES,
            *_CODE,
            *(n for n in dir(builtins) if n.islower() and len(n) < 9),
            *(n for n in dir(nn.Sequential()) if not n.startswith("_")),
            *(n for n in dir(torch.Tensor) if not n.startswith("_") and len(n) < 4),
        ]
    )
)
