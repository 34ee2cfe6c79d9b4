import torch
from torch import Tensor


def uniform(*size: int, fan_in: int) -> Tensor:
    """Numbers to learn, drawn between ±1/√fan_in as nn.Linear and its kin draw them."""
    bound = 1 / fan_in**0.5
    return torch.empty(size).uniform_(-bound, bound).requires_grad_()


def xavier(*size: int) -> Tensor:
    """Numbers to learn, drawn between ±√(6 / (rows + columns)) as Glorot has them."""
    bound = (6 / (size[0] + size[1])) ** 0.5
    return torch.empty(size).uniform_(-bound, bound).requires_grad_()


def zeroed(tensor: Tensor) -> Tensor:
    """Zeros to learn, in place of what was drawn."""
    return tensor.detach().zero_().requires_grad_()


def softmax(x: Tensor, dim: int) -> Tensor:
    """eˣ over the sum of all; the largest is taken away first, so that no power is too big."""
    powers = torch.exp(x - x.amax(dim, keepdim=True))
    return powers / powers.sum(dim, keepdim=True)


def dropout(x: Tensor, p: float, training: bool) -> Tensor:
    """In training each number is 0 with probability p; the others grow by 1 / (1 - p)."""
    if not training or p == 0:
        return x
    kept = x.new_empty(x.shape).bernoulli_(1 - p)
    return x * (kept / (1 - p))


def lstm(
    x: Tensor,
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias: Tensor | float = 0.0,
    state: tuple[Tensor, Tensor] | None = None,
    time: int = 0,
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Reads a sequence step by step; h is what it shows, c what it remembers."""
    first = x.select(time, 0)
    h = c = first.new_zeros(*first.shape[:-1], weight_hh.shape[1])
    if state is not None:
        h, c = state[0].squeeze(0), state[1].squeeze(0)
    outputs: list[Tensor] = []
    for step in x.unbind(time):
        h, c = lstm_step(step, h, c, weight_ih, weight_hh, bias)
        outputs.append(h)
    return torch.stack(outputs, time), (h.unsqueeze(0), c.unsqueeze(0))


def lstm_step(
    x: Tensor,
    h: Tensor,
    c: Tensor,
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias: Tensor | float = 0.0,
) -> tuple[Tensor, Tensor]:
    """One step: gates say what goes into the memory, what is forgotten, what is shown."""
    gates = x @ weight_ih.T + h @ weight_hh.T + bias
    take, keep, new, show = gates.chunk(4, dim=-1)
    c = torch.sigmoid(keep) * c + torch.sigmoid(take) * torch.tanh(new)
    return torch.sigmoid(show) * torch.tanh(c), c


def heads_of(x: Tensor, heads: int) -> Tensor:
    """(N, L, E) as (N, heads, L, E / heads)."""
    return torch.unflatten(x, -1, (heads, -1)).transpose(1, 2)


def attention(query: Tensor, key: Tensor, unsuited: Tensor | None = None) -> Tensor:
    """How much each place of the query takes from each place of the key: rows that sum to 1."""
    scores = query @ key.transpose(-2, -1) / query.shape[-1] ** 0.5
    return softmax(scores if unsuited is None else scores + unsuited, dim=-1)


def minus_infinity(mask: Tensor) -> Tensor:
    """A mask of True where nothing may be taken, as what is added to the scores."""
    if mask.dtype != torch.bool:
        return mask
    return torch.zeros(mask.shape).masked_fill(mask, -float("inf"))


def multi_head_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    in_weight: Tensor,
    in_bias: Tensor,
    out_weight: Tensor,
    out_bias: Tensor,
    heads: int,
    batch_first: bool = False,
    p: float = 0.0,
    training: bool = False,
    ignored: Tensor | None = None,
    mask: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Values mixed by how well their keys suit the query, in several heads; and how well."""
    parts: list[Tensor] = []
    rows = zip((query, key, value), in_weight.chunk(3), in_bias.chunk(3), strict=True)
    for x, weight, bias in rows:
        x = x if batch_first else x.transpose(0, 1)  # (N, L, E)
        parts.append(heads_of(x @ weight.T + bias, heads))
    unsuited = None if mask is None else minus_infinity(mask)
    if ignored is not None:
        keys = minus_infinity(ignored)[:, None, None, :]
        unsuited = keys if unsuited is None else keys + unsuited
    weights = dropout(attention(parts[0], parts[1], unsuited), p, training)
    mixed = (weights @ parts[2]).transpose(1, 2).flatten(2)
    y = mixed @ out_weight.T + out_bias
    return y if batch_first else y.transpose(0, 1), weights.mean(dim=1)


# The numbers that learn, drawn as PyTorch's own layers draw them.
embed_source_weight = torch.randn(5000, 64, requires_grad=True)
encoder_weight_ih_l0 = uniform(512, 64, fan_in=128)
encoder_weight_hh_l0 = uniform(512, 128, fan_in=128)
encoder_bias_ih_l0 = uniform(512, fan_in=128)
encoder_bias_hh_l0 = uniform(512, fan_in=128)
embed_target_weight = torch.randn(6000, 64, requires_grad=True)
decoder_weight_ih_l0 = uniform(512, 64, fan_in=128)
decoder_weight_hh_l0 = uniform(512, 128, fan_in=128)
decoder_bias_ih_l0 = uniform(512, fan_in=128)
decoder_bias_hh_l0 = uniform(512, fan_in=128)
attention_out_proj_weight = uniform(128, 128, fan_in=128)
attention_out_proj_bias = zeroed(uniform(128, fan_in=128))
attention_in_proj_weight = xavier(384, 128)
attention_in_proj_bias = torch.zeros(384, requires_grad=True)
head_weight = uniform(6000, 256, fan_in=256)
head_bias = uniform(6000, fan_in=256)

parameters: list[Tensor] = [
    embed_source_weight,
    encoder_weight_ih_l0,
    encoder_weight_hh_l0,
    encoder_bias_ih_l0,
    encoder_bias_hh_l0,
    embed_target_weight,
    decoder_weight_ih_l0,
    decoder_weight_hh_l0,
    decoder_bias_ih_l0,
    decoder_bias_hh_l0,
    attention_out_proj_weight,
    attention_out_proj_bias,
    attention_in_proj_weight,
    attention_in_proj_bias,
    head_weight,
    head_bias,
]


def forward(source: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Maps source (N, 20) and target (N, 12) to (N, 12, 6000) and (N, 12, 20)."""
    x = embed_source_weight[source]  # (N, 20, 64)
    # (N, 20, 128), (1, N, 128), (1, N, 128)
    encoder, (h_n, c_n) = lstm(
        x,
        encoder_weight_ih_l0,
        encoder_weight_hh_l0,
        encoder_bias_ih_l0 + encoder_bias_hh_l0,
        time=1,
    )
    x = embed_target_weight[target]  # (N, 12, 64)
    # (N, 12, 128)
    decoder, _ = lstm(
        x,
        decoder_weight_ih_l0,
        decoder_weight_hh_l0,
        decoder_bias_ih_l0 + decoder_bias_hh_l0,
        state=(h_n, c_n),
        time=1,
    )
    # (N, 12, 128), (N, 12, 20)
    x, weights = multi_head_attention(
        decoder,
        encoder,
        encoder,
        attention_in_proj_weight,
        attention_in_proj_bias,
        attention_out_proj_weight,
        attention_out_proj_bias,
        4,
        batch_first=True,
    )
    joined = torch.cat((decoder, x), dim=-1)  # (N, 12, 256)
    logits = joined @ head_weight.T + head_bias  # (N, 12, 6000)
    return logits, weights


if __name__ == "__main__":
    source = torch.randint(5000, (4, 20))
    target = torch.randint(6000, (4, 12))
    outputs = forward(source, target)
    print(outputs[0].shape, outputs[1].shape)

    # One step of learning: every number goes a little against its gradient.
    result = forward(source, target)
    loss = result[0].square().mean()
    loss.backward()  # type: ignore[no-untyped-call]
    with torch.no_grad():
        for p in parameters:
            if p.grad is not None:
                p -= 0.01 * p.grad
                p.grad = None
