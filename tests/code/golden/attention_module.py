import torch
import torch.nn.functional as F
from torch import Tensor, nn


class SelfAttention(nn.Module):
    """Maps (N, 10, 32) to (N, 2)."""

    def __init__(self, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(32, 96)
        self.head = nn.Linear(31, 2)

    def forward(self, x: Tensor) -> Tensor:
        inputs = x
        x = self.qkv(x)  # (N, 10, 96)
        split_0, split_1, split_2 = x.chunk(3, dim=-1)  # (N, 10, 32) each
        # (N, 10, 4, 8)
        query_heads = split_0.view(inputs.size(0), inputs.size(1), self.heads, -1)
        query = query_heads.transpose(1, 2)  # (N, 4, 10, 8)
        # (N, 10, 4, 8)
        key_heads = split_1.view(inputs.size(0), inputs.size(1), self.heads, -1)
        key = key_heads.transpose(1, 2)  # (N, 4, 10, 8)
        # (N, 10, 4, 8)
        value_heads = split_2.view(inputs.size(0), inputs.size(1), self.heads, -1)
        value = value_heads.transpose(1, 2)  # (N, 4, 10, 8)
        key_t = key.transpose(-2, -1)  # (N, 4, 8, 10)
        scores = query @ key_t  # (N, 4, 10, 10)
        scaled = scores / 2.8284271247461903
        weights = F.softmax(scaled, dim=-1)
        dropped = F.dropout(weights, p=0.1, training=self.training)
        mixed = dropped @ value  # (N, 4, 10, 8)
        back = mixed.transpose(1, 2)  # (N, 10, 4, 8)
        merged = back.reshape(inputs.size(0), inputs.size(1), -1)  # (N, 10, 32)
        first = merged[:, 0, 1:]  # (N, 31)
        x = self.head(first)  # (N, 2)
        return x


if __name__ == "__main__":
    model = SelfAttention()
    x = torch.randn(4, 10, 32)
    print(model(x).shape)
