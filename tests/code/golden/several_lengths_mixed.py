import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class Tagger(nn.Module):
    """Maps text (N, 12) and lengths (N,) to (N, 12, 5) and (N, 2)."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(100, 16)
        self.lstm = nn.LSTM(16, 8, batch_first=True, bidirectional=True)
        self.gru = nn.GRU(16, 8, batch_first=True)
        self.tags = nn.Linear(16, 5)
        self.fc = nn.Linear(8, 2)

    def forward(self, text: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        x = self.embedding(text)  # (N, 12, 16)
        packed = pack_padded_sequence(
            x, lengths.cpu(), batch_first=True, enforce_sorted=False
        )
        total_length = text.size(1)
        packed, _ = self.lstm(packed)
        # (N, 12, 16)
        lstm, _ = pad_packed_sequence(
            packed, batch_first=True, total_length=total_length
        )
        packed = pack_padded_sequence(
            lstm, lengths.cpu(), batch_first=True, enforce_sorted=False
        )
        _, h_n = self.gru(packed)  # (1, N, 8)
        words = self.tags(lstm)  # (N, 12, 5)
        last = h_n[-1]  # (N, 8)
        verdict = self.fc(last)  # (N, 2)
        return words, verdict


if __name__ == "__main__":
    model = Tagger()
    text = torch.randint(100, (4, 12))
    lengths = torch.full((4,), 12)
    outputs = model(text, lengths)
    print(outputs[0].shape, outputs[1].shape)
