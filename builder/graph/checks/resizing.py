"""Layers that move numbers between channels and picture, or change the picture's size."""

from __future__ import annotations

from builder.graph.call import Call, show
from builder.graph.diagnostics import Finding

_MODES = {"linear": 3, "bilinear": 4, "bicubic": 4, "trilinear": 5}


def check_shuffle(call: Call) -> Finding | None:
    """PixelShuffle: the channels divide by the factor squared; PixelUnshuffle: height and width."""
    spec = call.tensor()
    if spec is None:
        return None
    came = call.from_()
    if len(spec.shape) < 3:
        return call.finding(
            "rank", f"needs N×channels×height×width but receives {show(spec)}{came}.", port="input"
        )
    up, down = call.whole("upscale_factor"), call.whole("downscale_factor")
    channels = spec.shape[-3]
    if up and isinstance(channels, int) and channels % (up * up):
        return call.finding(
            "shuffle",
            f"turns every {up * up} channels (upscale_factor={up} squared) into one, but receives "
            f"{channels} ({show(spec)}){came}. Make the channels a multiple of {up * up}, such as "
            f"{-(-channels // (up * up)) * up * up}.",
            port="input",
            parameter="upscale_factor",
        )
    for size in spec.shape[-2:] if down else ():
        if isinstance(size, int) and down and size % down:
            return call.finding(
                "shuffle",
                f"divides height and width by downscale_factor={down}, but receives {show(spec)}{came}. "
                f"Choose a factor that divides {size}.",
                port="input",
                parameter="downscale_factor",
            )
    return None


def check_channel_shuffle(call: Call) -> Finding | None:
    """groups divides the channels."""
    spec, groups = call.tensor(), call.whole("groups")
    if spec is None or not groups or len(spec.shape) < 2:
        return None
    channels = spec.shape[1]
    if isinstance(channels, int) and channels % groups:
        return call.finding(
            "groups",
            f"splits {channels} channels into groups={groups}, which does not divide them "
            f"({show(spec)}){call.from_()}. Choose groups that divide {channels}.",
            parameter="groups",
        )
    return None


def check_mode(call: Call) -> Finding | None:
    """Each mode of interpolation has its number of dimensions."""
    spec, mode = call.tensor(), call.argument("mode")
    if call.entry.key.endswith("2d"):
        mode = "bilinear"
    if spec is None:
        return None
    rank = len(spec.shape)
    needed = _MODES.get(mode) if isinstance(mode, str) else None
    if needed is None and 3 <= rank <= 5:
        return None
    if needed == rank:
        return None
    fitting = next((m for m, r in _MODES.items() if r == rank), None)
    way = f"Set mode to “{fitting}”, or to “nearest”." if fitting else "It needs N×channels×… ."
    what = f"has mode=“{mode}” for {needed} dimensions" if needed else "resizes pictures"
    return call.finding(
        "mode",
        f"{what} but receives {show(spec)}{call.from_()}. {way}",
        port="input",
        parameter="mode",
    )


def check_halves(call: Call) -> Finding | None:
    """GLU splits a size in two."""
    spec, dim = call.tensor(), call.whole("dim")
    if spec is None or dim is None or not -len(spec.shape) <= dim < len(spec.shape):
        return None
    size = spec.shape[dim]
    if isinstance(size, str):
        return call.finding(
            "halves",
            f"halves dim={dim}, which is the batch of {show(spec)}{call.out_of()}. Halve another "
            "dimension.",
            port="input",
        )
    if size % 2:
        return call.finding(
            "halves",
            f"halves dim={dim}, which is {size}, an odd number, in {show(spec)}{call.from_()}. Make it "
            "even.",
            port="input",
        )
    return None


CHECKS = {
    **{f"torch.nn.{n}": (check_shuffle,) for n in ("PixelShuffle", "PixelUnshuffle")},
    **{f"torch.nn.functional.{n}": (check_shuffle,) for n in ("pixel_shuffle", "pixel_unshuffle")},
    "torch.nn.ChannelShuffle": (check_channel_shuffle,),
    **dict.fromkeys(
        ("torch.nn.Upsample", "torch.nn.UpsamplingBilinear2d", "torch.nn.functional.interpolate"),
        (check_mode,),
    ),
    "torch.nn.GLU": (check_halves,),
    "torch.nn.functional.glu": (check_halves,),
}
