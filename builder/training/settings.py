"""What a person chooses before training: `TrainingSettings`, a value that goes into JSON and back."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final, Literal

from builder.errors import JobRefused, LayerwiseError, did_you_mean, quote
from builder.training.optimizers import get_optimizer

AUTO: Final = "auto"
Goal = Literal["target", "input"]
"""What the network learns to give: the data set's target, or its own input (an autoencoder)."""
Start = Literal["brought", "drawn"]
"""The first weights: those a person brought for the project, where there are some, or the seed's."""

_LIMITS: Final = {  # title, least, most: wide enough for real work, narrow enough for a slip
    "batch_size": ("batch size", 1, 1_000_000),
    "epochs": ("number of epochs", 1, 1_000_000),
    "seed": ("seed", 0, 2**63 - 1),
}
GENERAL: Final = (
    "loss",
    "optimizer",
    "lr",
    "batch_size",
    "epochs",
    "seed",
    "device",
    "goal",
    "start",
)


@dataclass(frozen=True)
class TrainingSettings:
    """The choices of one run. Made by `TrainingSettings.of(lr=…, momentum=…)`, which checks them.

    `loss`: a key of `losses()`, or "auto": suggested from the target. `lr`: None is the optimizer's
    suggestion. `options`: the optimizer's own (momentum, nesterov, weight_decay, beta1, …); those
    left out have its defaults. `device`: "cpu", "cuda", "cuda:1", "mps".
    """

    loss: str = AUTO
    optimizer: str = "adam"
    lr: float | None = None
    batch_size: int = 32
    epochs: int = 20
    seed: int = 0
    device: str = "cpu"
    goal: Goal = "target"
    start: Start = "brought"
    options: Mapping[str, float | bool] = field(default_factory=dict)

    @classmethod
    def of(cls, /, **chosen: Any) -> TrainingSettings:
        """Settings from flat names, as the command line and JSON spell them.

        Errors: JobRefused with a sentence for an unknown name or a value out of range.
        """
        key = chosen.get("optimizer", cls.optimizer)
        if not isinstance(key, str):
            raise JobRefused(_no_name("optimizer", "adam", key))
        entry = get_optimizer(key)
        own = {name: chosen.pop(name) for name in GENERAL if name in chosen}
        for name in chosen:
            if entry.option(name) is None:
                known = [*GENERAL, *(o.name for o in entry.options)]
                raise JobRefused(
                    f"{entry.title} has no setting {quote(name)}. "
                    + (did_you_mean(name, known) or f"It has {', '.join(known)}.")
                )
        settings = cls(**own, options=chosen)
        refusal = settings.refuse()
        if refusal:
            raise JobRefused(refusal)
        return settings

    def refuse(self) -> str | None:
        """One sentence for the first choice that cannot be used, None when all can."""
        from builder.training.losses import losses  # imports torch's names: not needed to read JSON

        for title, example, given in (
            ("loss", AUTO, self.loss),
            ("optimizer", "adam", self.optimizer),
            ("device", "cpu", self.device),
        ):
            if not isinstance(given, str):
                return _no_name(title, example, given)
        if self.loss != AUTO and self.loss not in losses():
            return f"There is no loss {quote(self.loss)}. " + (
                did_you_mean(self.loss, losses()) or f"Choose one of {', '.join(losses())}."
            )
        if self.lr is not None and not (_is_number(self.lr) and 0 < self.lr <= sys.float_info.max):
            return f"The learning rate is a number above 0, but {quote(self.lr)} was given."
        for name, (title, least, most) in _LIMITS.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
                return (
                    f"The {title} is a whole number from {least} to {most}, "
                    f"but {quote(value)} was given."
                )
        if not isinstance(self.goal, str) or self.goal not in ("target", "input"):
            return f"The goal is “target” or “input”, but {quote(self.goal)} was given."
        if not isinstance(self.start, str) or self.start not in ("brought", "drawn"):
            return f"The start is “brought” or “drawn”, but {quote(self.start)} was given."
        entry = get_optimizer(self.optimizer)
        for name, value in self.options.items():
            option = entry.option(name)
            if option is None:
                return f"{entry.title} has no setting {quote(name)}."
            if _is_number(value) and abs(value) > sys.float_info.max:
                return f"{entry.title}: {name} is a finite number, but {quote(value)} was given."
            refusal = option.refuse(value)
            if refusal:
                return f"{entry.title}: {refusal}"
        if self.options.get("nesterov") and not self.options.get("momentum"):
            return "Nesterov looks along the momentum: set a momentum above 0, such as 0.9."
        return None

    @property
    def learning_rate(self) -> float:
        """The learning rate that is used: the one chosen, or the optimizer's suggestion."""
        return get_optimizer(self.optimizer).lr if self.lr is None else float(self.lr)

    def with_(self, **changed: Any) -> TrainingSettings:
        """The same settings with some fields changed, unchecked (a form checks when it is done)."""
        return replace(self, **changed)

    def to_json(self) -> dict[str, Any]:
        """Flat, defaults left out: {"optimizer": "sgd", "lr": 0.1, "momentum": 0.9}."""
        plain = {
            f.name: getattr(self, f.name)
            for f in fields(self)
            if f.name != "options" and getattr(self, f.name) != f.default
        }
        return {**plain, **self.options}

    @classmethod
    def from_json(cls, value: Mapping[str, Any] | None) -> TrainingSettings:
        """Errors: JobRefused, as `of`."""
        if value is not None and not isinstance(value, Mapping):
            raise JobRefused(f"Settings are names with values, but {quote(value)} was given.")
        return cls.of(**{str(name): chosen for name, chosen in (value or {}).items()})

    @classmethod
    def usable(cls, value: Mapping[str, Any]) -> tuple[TrainingSettings, tuple[str, ...]]:
        """What of stored settings can be used, and a sentence for each choice that cannot, with what
        is used instead. An optimizer that cannot be used takes its learning rate and options along."""
        kept: dict[str, Any] = {}
        said: list[str] = []
        known = [*GENERAL]
        if "optimizer" in value:
            if why := cls._refused({"optimizer": value["optimizer"]}):
                known.remove("lr")
                usual = get_optimizer(cls.optimizer).title
                said.append(f"{why} {usual} with its usual settings is used.")
            else:
                kept["optimizer"] = value["optimizer"]
        entry = get_optimizer(kept.get("optimizer", cls.optimizer))
        usual_values = {**{f.name: f.default for f in fields(cls)}, "lr": entry.lr}
        if not said:
            known += [option.name for option in entry.options]  # momentum before nesterov
            usual_values |= {option.name: option.default for option in entry.options}
            left = [name for name in value if name not in known]
            if left:
                more = f" and {len(left) - 1} more" if len(left) > 1 else ""
                said.append(f"{entry.title} has no setting {quote(left[0])}{more}: left out.")
        for name in known:
            if name in value and name != "optimizer":
                if why := cls._refused({**kept, name: value[name]}):
                    said.append(f"{why} {quote(usual_values[name])} is used.")
                else:
                    kept[name] = value[name]
        return cls.of(**kept), tuple(said)

    @classmethod
    def _refused(cls, chosen: Mapping[str, Any]) -> str:
        try:
            cls.of(**chosen)
        except LayerwiseError as refusal:
            return str(refusal)
        return ""


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _no_name(title: str, example: str, given: object) -> str:
    return f"The {title} is a name such as “{example}”, but {quote(given)} was given."
