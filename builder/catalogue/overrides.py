"""What torch's signatures and docs do not say about some layers: the one place for exceptions.

Only what differs from introspection stands here. A layer without an entry is introspected as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from builder.catalogue.entry import Family, Inferred, Inner, Parameter, Part, Port
from builder.catalogue.packing import PACKED_ARGUMENTS, PACKED_PORTS


@dataclass(frozen=True, slots=True)
class Override:
    """Changes to an introspected entry. `parameters` and `ports`: name → fields to replace.

    `hide`: constructor or forward arguments a form does not show. `more_ports`, `more_arguments`: of a
    call, which torch takes around it.
    """

    family: Family | None = None
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    ports: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    hide: frozenset[str] = frozenset()
    parts: tuple[Part, ...] = ()
    one_of: tuple[tuple[str, ...], ...] = ()
    inner: Inner | None = None
    more_ports: tuple[Port, ...] = ()
    more_arguments: tuple[Parameter, ...] = ()
    help: str = ""


_RECURRENT = {"help": "The number of features of each element of the sequence."}
_STATE = {"h_n": Part("h_n", (1,)), "output": Part("output", (0,))}
_ACTIVATION = {
    "type": "choice",
    "choices": ("relu", "gelu"),
    "default": "relu",
    "help": "The activation between the two linear layers.",
}
_SOFTMAX = Override(parameters={"dim": {"suggested": -1}})
_NORMALIZED = Override(
    parameters={
        "normalized_shape": {
            "help": "The sizes of the last dimensions, over which it normalizes; one number for the last."
        }
    }
)
_TRANSPOSED = Override(
    parameters={
        "padding": {
            "help": "How much the output is cut on each side (padding of the convolution it undoes)."
        }
    },
    hide=frozenset({"padding_mode"}),  # torch refuses all but its default
)
_ENCODER_LAYER = (
    "d_model", "nhead", "dim_feedforward", "dropout", "activation", "layer_norm_eps", "batch_first",
    "norm_first", "bias",
)  # fmt: skip
_ONE_NUMBER = {"type": "int", "length": None, "scalar": False}  # torch's hint allows a tuple too
_SPARSE = {"help": "If True, the gradient of the weights is a sparse tensor."}
_FRACTIONAL = Override(
    parameters={
        "output_ratio": {"suggested": 0.5},
        "output_size": {"help": "The size of the output; leave it out where a ratio is set."},
    },
    one_of=(("output_size", "output_ratio"),),
)
_UPSAMPLING = {"scale_factor": {"suggested": 2.0}}
_SAMPLING = (("size", "scale_factor"),)

_FINAL_NORM = {
    "type": "bool",
    "default": False,
    "optional": False,
    "help": "If True, an nn.LayerNorm stands behind the last layer.",
}

OVERRIDES: Final[Mapping[str, Override]] = MappingProxyType(
    {
        # Families that torch files elsewhere.
        "Identity": Override(family="other", help="Passes its input through unchanged."),
        "Bilinear": Override(
            parameters={
                "in1_features": {"inferred": Inferred("input1", -1)},
                "in2_features": {"inferred": Inferred("input2", -1)},
            }
        ),
        # Recurrent layers: tuple results, and a state that is a tensor or a pair of them.
        "RNN": Override(
            parameters={
                "input_size": _RECURRENT,
                "nonlinearity": {"type": "choice", "choices": ("tanh", "relu")},
            },
            parts=(_STATE["output"], _STATE["h_n"]),
            more_ports=PACKED_PORTS,
            more_arguments=PACKED_ARGUMENTS,
        ),
        "GRU": Override(
            parameters={"input_size": _RECURRENT},
            parts=(_STATE["output"], _STATE["h_n"]),
            more_ports=PACKED_PORTS,
            more_arguments=PACKED_ARGUMENTS,
        ),
        "LSTM": Override(
            parameters={"input_size": _RECURRENT},
            ports={"hx": {"many": True, "length": 2}},
            parts=(_STATE["output"], Part("h_n", (1, 0)), Part("c_n", (1, 1))),
            more_ports=PACKED_PORTS,
            more_arguments=PACKED_ARGUMENTS,
        ),
        "LSTMCell": Override(
            ports={"hx": {"many": True, "length": 2}}, parts=(Part("h", (0,)), Part("c", (1,)))
        ),
        # Attention: sizes without hints, a pair as result, stacks built from one layer.
        "MultiheadAttention": Override(
            family="transformer",
            parameters={
                "kdim": {"optional": True, "help": "The number of features of the keys."},
                "vdim": {"optional": True, "help": "The number of features of the values."},
            },
            parts=(Part("attn_output", (0,)), Part("attn_output_weights", (1,))),
        ),
        "Transformer": Override(
            parameters={"activation": _ACTIVATION},
            hide=frozenset({"custom_encoder", "custom_decoder"}),
        ),
        "TransformerEncoderLayer": Override(parameters={"activation": _ACTIVATION}),
        "TransformerDecoderLayer": Override(parameters={"activation": _ACTIVATION}),
        "TransformerEncoder": Override(
            parameters={"norm": _FINAL_NORM},
            hide=frozenset({"encoder_layer", "mask_check"}),
            inner=Inner("encoder_layer", "torch.nn.TransformerEncoderLayer", _ENCODER_LAYER),
        ),
        "TransformerDecoder": Override(
            parameters={"norm": _FINAL_NORM},
            hide=frozenset({"decoder_layer"}),
            inner=Inner("decoder_layer", "torch.nn.TransformerDecoderLayer", _ENCODER_LAYER),
        ),
        # What torch's docs leave out, or say where a form cannot.
        "ConvTranspose1d": _TRANSPOSED,
        "ConvTranspose2d": _TRANSPOSED,
        "ConvTranspose3d": _TRANSPOSED,
        "EmbeddingBag": Override(
            parameters={
                "mode": {"help": "How the vectors of one bag are combined."},
                "sparse": _SPARSE,
            },
            help="Computes sums, means or maxima of bags of embeddings.",
        ),
        "Embedding": Override(parameters={"sparse": _SPARSE}),
        "Hardtanh": Override(hide=frozenset({"min_value", "max_value"})),  # deprecated spellings
        "LPPool1d": Override(parameters={"kernel_size": _ONE_NUMBER, "stride": _ONE_NUMBER}),
        "LayerNorm": _NORMALIZED,
        "RMSNorm": _NORMALIZED,
        "LogSoftmax": _SOFTMAX,
        "Softmax": _SOFTMAX,
        "Softmin": _SOFTMAX,
        "Unflatten": Override(
            parameters={
                "dim": {"suggested": 1},
                "unflattened_size": {"suggested": (1, -1), "minimum": -1},
            }
        ),
        # Either one argument or the other.
        "FractionalMaxPool2d": _FRACTIONAL,
        "FractionalMaxPool3d": _FRACTIONAL,
        "Upsample": Override(parameters=_UPSAMPLING, one_of=_SAMPLING),
        "UpsamplingNearest2d": Override(parameters=_UPSAMPLING, one_of=_SAMPLING),
        "UpsamplingBilinear2d": Override(parameters=_UPSAMPLING, one_of=_SAMPLING),
    }
)
