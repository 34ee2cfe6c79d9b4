import torch
from torch import Tensor, nn


class Seq2Seq(nn.Module):
    """Maps source (N, 20) and target (N, 12) to (N, 12, 6000) and (N, 12, 20)."""

    def __init__(self) -> None:
        super().__init__()
        self.embed_source = nn.Embedding(5000, 64)
        self.encoder = nn.LSTM(64, 128, batch_first=True)
        self.embed_target = nn.Embedding(6000, 64)
        self.decoder = nn.LSTM(64, 128, batch_first=True)
        self.attention = nn.MultiheadAttention(128, 4, batch_first=True)
        self.head = nn.Linear(256, 6000)

    def forward(self, source: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        x = self.embed_source(source)  # (N, 20, 64)
        encoder, (h_n, c_n) = self.encoder(x)  # (N, 20, 128), (1, N, 128), (1, N, 128)
        x = self.embed_target(target)  # (N, 12, 64)
        decoder, _ = self.decoder(x, (h_n, c_n))  # (N, 12, 128)
        # (N, 12, 128), (N, 12, 20)
        x, weights = self.attention(decoder, encoder, encoder)
        joined = torch.cat((decoder, x), dim=-1)  # (N, 12, 256)
        logits = self.head(joined)  # (N, 12, 6000)
        return logits, weights


if __name__ == "__main__":
    model = Seq2Seq()
    source = torch.randint(5000, (4, 20))
    target = torch.randint(6000, (4, 12))
    outputs = model(source, target)
    print(outputs[0].shape, outputs[1].shape)
