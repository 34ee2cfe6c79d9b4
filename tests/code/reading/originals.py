"""Networks as courses and papers write them, in the words of many hands. Ours, so tests may run them."""

from __future__ import annotations

from typing import Any

HEAD = """
import torch, math
import torch.nn as nn
import torch.nn.functional as F
"""
CASES: dict[str, tuple[str, dict[str, Any]]] = {}


def case(name: str, text: str, **call: Any) -> None:
    """Enrols a text; `call`: what `harness.check` is given beside it."""
    CASES[name] = (HEAD + text, call)


case(
    "seq",
    """
model = nn.Sequential(nn.Linear(784,128), nn.ReLU(), nn.Linear(128,10))
""",
)
case(
    "addmod",
    """
model = nn.Sequential()
model.add_module('fc1', nn.Linear(16,12))
model.add_module('act', nn.ReLU())
model.append(nn.Linear(12,3))
""",
)
case(
    "odict",
    """
from collections import OrderedDict
model = nn.Sequential(OrderedDict([('fc1', nn.Linear(16,12)),('relu',nn.ReLU())]))
""",
)
case(
    "resnet",
    """
class BasicBlock(nn.Module):
    expansion = 1
    def __init__(self, in_planes, planes, stride=1):
        super(BasicBlock, self).__init__()
        self.conv1 = nn.Conv2d(in_planes, planes, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, kernel_size=3, stride=1, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.shortcut = nn.Sequential()
        if stride != 1 or in_planes != self.expansion*planes:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_planes, self.expansion*planes, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(self.expansion*planes)
            )
    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += self.shortcut(x)
        out = F.relu(out)
        return out
class ResNet(nn.Module):
    def __init__(self, block, num_blocks, num_classes=10):
        super(ResNet, self).__init__()
        self.in_planes = 8
        self.conv1 = nn.Conv2d(3, 8, kernel_size=3, stride=1, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.layer1 = self._make_layer(block, 8, num_blocks[0], stride=1)
        self.layer2 = self._make_layer(block, 16, num_blocks[1], stride=2)
        self.linear = nn.Linear(16*block.expansion, num_classes)
    def _make_layer(self, block, planes, num_blocks, stride):
        strides = [stride] + [1]*(num_blocks-1)
        layers = []
        for stride in strides:
            layers.append(block(self.in_planes, planes, stride))
            self.in_planes = planes * block.expansion
        return nn.Sequential(*layers)
    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.layer1(out)
        out = self.layer2(out)
        out = F.avg_pool2d(out, 16)
        out = out.view(out.size(0), -1)
        out = self.linear(out)
        return out
def ResNet18():
    return ResNet(BasicBlock, [2,2])
net = ResNet18()
""",
)
case(
    "vae",
    """
class VAE(nn.Module):
    def __init__(self, z_dim=8):
        super().__init__()
        self.enc = nn.Sequential(nn.Linear(784,64), nn.ReLU())
        self.mu = nn.Linear(64, z_dim); self.logvar = nn.Linear(64, z_dim)
        self.dec = nn.Sequential(nn.Linear(z_dim,64), nn.ReLU(), nn.Linear(64,784), nn.Sigmoid())
    def encode(self, x):
        h = self.enc(x); return self.mu(h), self.logvar(h)
    def reparameterize(self, mu, logvar):
        std = torch.exp(0.5*logvar)
        eps = torch.randn_like(std)
        return mu + eps*std
    def forward(self, x):
        mu, logvar = self.encode(x.view(-1, 784))
        z = self.reparameterize(mu, logvar)
        return self.dec(z), mu, logvar
""",
)
case(
    "vit",
    """
class Attention(nn.Module):
    def __init__(self, dim, heads=4, dropout=0.1):
        super().__init__()
        self.heads = heads; self.scale = (dim // heads) ** -0.5
        self.qkv = nn.Linear(dim, dim*3, bias=False)
        self.dropout = nn.Dropout(dropout)
        self.proj = nn.Linear(dim, dim)
    def forward(self, x):
        B, N, C = x.shape
        qkv = self.qkv(x).reshape(B, N, 3, self.heads, C // self.heads).permute(2,0,3,1,4)
        q, k, v = qkv[0], qkv[1], qkv[2]
        attn = (q @ k.transpose(-2,-1)) * self.scale
        attn = attn.softmax(dim=-1)
        attn = self.dropout(attn)
        x = (attn @ v).transpose(1,2).reshape(B, N, C)
        return self.proj(x)
class Block(nn.Module):
    def __init__(self, dim, heads, mlp_ratio=2.):
        super().__init__()
        self.norm1 = nn.LayerNorm(dim); self.attn = Attention(dim, heads)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, int(dim*mlp_ratio)), nn.GELU(), nn.Linear(int(dim*mlp_ratio), dim))
    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        x = x + self.mlp(self.norm2(x))
        return x
class ViT(nn.Module):
    def __init__(self, img_size=32, patch=8, dim=32, depth=3, heads=4, num_classes=10):
        super().__init__()
        self.patch = nn.Conv2d(3, dim, patch, patch)
        n = (img_size // patch) ** 2
        self.cls_token = nn.Parameter(torch.zeros(1,1,dim))
        self.pos = nn.Parameter(torch.randn(1, n+1, dim) * 0.02)
        self.blocks = nn.ModuleList([Block(dim, heads) for _ in range(depth)])
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, num_classes)
    def forward(self, x):
        B = x.shape[0]
        x = self.patch(x).flatten(2).transpose(1,2)
        cls = self.cls_token.expand(B, -1, -1)
        x = torch.cat((cls, x), dim=1) + self.pos
        for blk in self.blocks:
            x = blk(x)
        return self.head(self.norm(x)[:, 0])
model = ViT()
""",
)
case(
    "unet",
    """
class DoubleConv(nn.Module):
    def __init__(self, in_ch, out_ch):
        super().__init__()
        self.double_conv = nn.Sequential(nn.Conv2d(in_ch, out_ch, 3, padding=1), nn.BatchNorm2d(out_ch), nn.ReLU(inplace=True),
            nn.Conv2d(out_ch, out_ch, 3, padding=1), nn.BatchNorm2d(out_ch), nn.ReLU(inplace=True))
    def forward(self, x):
        return self.double_conv(x)
class Up(nn.Module):
    def __init__(self, in_ch, out_ch):
        super().__init__()
        self.up = nn.ConvTranspose2d(in_ch, in_ch//2, 2, stride=2)
        self.conv = DoubleConv(in_ch, out_ch)
    def forward(self, x1, x2):
        x1 = self.up(x1)
        diffY = x2.size()[2] - x1.size()[2]
        diffX = x2.size()[3] - x1.size()[3]
        x1 = F.pad(x1, [diffX // 2, diffX - diffX // 2, diffY // 2, diffY - diffY // 2])
        x = torch.cat([x2, x1], dim=1)
        return self.conv(x)
class UNet(nn.Module):
    def __init__(self, n_channels=3, n_classes=2):
        super().__init__()
        self.inc = DoubleConv(n_channels, 8)
        self.down1 = nn.Sequential(nn.MaxPool2d(2), DoubleConv(8, 16))
        self.down2 = nn.Sequential(nn.MaxPool2d(2), DoubleConv(16, 32))
        self.up1 = Up(32, 16); self.up2 = Up(16, 8)
        self.outc = nn.Conv2d(8, n_classes, 1)
    def forward(self, x):
        x1 = self.inc(x); x2 = self.down1(x1); x3 = self.down2(x2)
        x = self.up1(x3, x2); x = self.up2(x, x1)
        return self.outc(x)
""",
)
case(
    "lstm",
    """
class Tagger(nn.Module):
    def __init__(self, vocab=50, emb=8, hidden=16, classes=3):
        super().__init__()
        self.hidden_dim = hidden
        self.emb = nn.Embedding(vocab, emb)
        self.lstm = nn.LSTM(emb, hidden, num_layers=2, batch_first=True, bidirectional=True, dropout=0.2)
        self.fc = nn.Linear(hidden*2, classes)
    def forward(self, x):
        e = self.emb(x)
        out, (h, c) = self.lstm(e)
        h = torch.cat((h[-2], h[-1]), dim=1)
        return self.fc(h)
""",
)
case(
    "lstm0",
    """
class Net(nn.Module):
    def __init__(self, input_size=1, hidden=16, layers=2):
        super().__init__()
        self.hidden = hidden; self.layers = layers
        self.lstm = nn.LSTM(input_size, hidden, layers, batch_first=True)
        self.fc = nn.Linear(hidden, 1)
    def forward(self, x):
        h0 = torch.zeros(self.layers, x.size(0), self.hidden).to(x.device)
        c0 = torch.zeros(self.layers, x.size(0), self.hidden).to(x.device)
        out, _ = self.lstm(x, (h0, c0))
        return self.fc(out[:, -1, :])
""",
)
case(
    "gpt",
    """
from dataclasses import dataclass
@dataclass
class GPTConfig:
    block_size: int = 16
    vocab_size: int = 65
    n_layer: int = 2
    n_head: int = 2
    n_embd: int = 32
    dropout: float = 0.1
class CausalSelfAttention(nn.Module):
    def __init__(self, config):
        super().__init__()
        assert config.n_embd % config.n_head == 0
        self.c_attn = nn.Linear(config.n_embd, 3 * config.n_embd)
        self.c_proj = nn.Linear(config.n_embd, config.n_embd)
        self.attn_dropout = nn.Dropout(config.dropout)
        self.register_buffer("bias", torch.tril(torch.ones(config.block_size, config.block_size)).view(1, 1, config.block_size, config.block_size))
        self.n_head = config.n_head
        self.n_embd = config.n_embd
    def forward(self, x):
        B, T, C = x.size()
        q, k, v = self.c_attn(x).split(self.n_embd, dim=2)
        k = k.view(B, T, self.n_head, C // self.n_head).transpose(1, 2)
        q = q.view(B, T, self.n_head, C // self.n_head).transpose(1, 2)
        v = v.view(B, T, self.n_head, C // self.n_head).transpose(1, 2)
        att = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(k.size(-1)))
        att = att.masked_fill(self.bias[:,:,:T,:T] == 0, float('-inf'))
        att = F.softmax(att, dim=-1)
        att = self.attn_dropout(att)
        y = att @ v
        y = y.transpose(1, 2).contiguous().view(B, T, C)
        return self.c_proj(y)
class Block(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.ln_1 = nn.LayerNorm(config.n_embd)
        self.attn = CausalSelfAttention(config)
        self.ln_2 = nn.LayerNorm(config.n_embd)
        self.mlp = nn.ModuleDict(dict(c_fc=nn.Linear(config.n_embd, 4*config.n_embd), c_proj=nn.Linear(4*config.n_embd, config.n_embd), act=nn.GELU()))
        m = self.mlp
        self.mlpf = lambda x: m.c_proj(m.act(m.c_fc(x)))
    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        x = x + self.mlpf(self.ln_2(x))
        return x
class GPT(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.transformer = nn.ModuleDict(dict(
            wte = nn.Embedding(config.vocab_size, config.n_embd),
            wpe = nn.Embedding(config.block_size, config.n_embd),
            h = nn.ModuleList([Block(config) for _ in range(config.n_layer)]),
            ln_f = nn.LayerNorm(config.n_embd)))
        self.lm_head = nn.Linear(config.n_embd, config.vocab_size, bias=False)
        self.transformer.wte.weight = self.lm_head.weight
    def forward(self, idx, targets=None):
        device = idx.device
        b, t = idx.size()
        pos = torch.arange(0, t, dtype=torch.long, device=device).unsqueeze(0)
        x = self.transformer.wte(idx) + self.transformer.wpe(pos)
        for block in self.transformer.h:
            x = block(x)
        x = self.transformer.ln_f(x)
        logits = self.lm_head(x)
        if targets is None:
            loss = None
        else:
            loss = F.cross_entropy(logits.view(-1, logits.size(-1)), targets.view(-1))
        return logits, loss
model = GPT(GPTConfig())
""",
    inputs=["int64[N,12]"],
)
case(
    "train",
    """
class Noisy(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 4)
    def forward(self, x):
        if self.training:
            return self.fc(x + 0.1*torch.randn_like(x))
        return self.fc(x)
""",
)
case(
    "datab",
    """
class G(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(8, 4); self.b = nn.Linear(8, 4)
    def forward(self, x):
        if x.mean() > 0:
            y = self.a(x)
        else:
            y = self.b(x)
        return F.dropout(y, 0.3, self.training)
""",
)
case(
    "gan",
    """
class Generator(nn.Module):
    def __init__(self, nz=10):
        super().__init__()
        def block(i, o, normalize=True):
            layers = [nn.Linear(i, o)]
            if normalize: layers.append(nn.BatchNorm1d(o, 0.8))
            layers.append(nn.LeakyReLU(0.2, inplace=True))
            return layers
        self.model = nn.Sequential(*block(nz, 32, normalize=False), *block(32, 64), nn.Linear(64, 784), nn.Tanh())
    def forward(self, z):
        img = self.model(z)
        return img.view(img.size(0), *(1,28,28))
""",
)
case(
    "dense",
    """
class _DenseLayer(nn.Module):
    def __init__(self, in_ch, growth, bn_size=2):
        super().__init__()
        self.norm1 = nn.BatchNorm2d(in_ch); self.conv1 = nn.Conv2d(in_ch, bn_size*growth, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(bn_size*growth); self.conv2 = nn.Conv2d(bn_size*growth, growth, 3, padding=1, bias=False)
    def forward(self, x):
        out = self.conv1(F.relu(self.norm1(x)))
        out = self.conv2(F.relu(self.norm2(out)))
        return torch.cat([x, out], 1)
class DenseBlock(nn.Sequential):
    def __init__(self, n, in_ch, growth):
        super().__init__()
        for i in range(n):
            self.add_module(f'denselayer{i+1}', _DenseLayer(in_ch + i*growth, growth))
class DenseNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), DenseBlock(3, 8, 4), nn.AvgPool2d(2))
        self.classifier = nn.Linear(20, 10)
    def forward(self, x):
        f = F.relu(self.features(x), inplace=True)
        out = F.adaptive_avg_pool2d(f, (1,1))
        out = torch.flatten(out, 1)
        return self.classifier(out)
""",
)
case(
    "pe",
    """
class PositionalEncoding(nn.Module):
    def __init__(self, d_model, dropout=0.1, max_len=50):
        super().__init__()
        self.dropout = nn.Dropout(p=dropout)
        pe = torch.zeros(max_len, d_model)
        position = torch.arange(0, max_len, dtype=torch.float).unsqueeze(1)
        div_term = torch.exp(torch.arange(0, d_model, 2).float() * (-math.log(10000.0) / d_model))
        pe[:, 0::2] = torch.sin(position * div_term)
        pe[:, 1::2] = torch.cos(position * div_term)
        pe = pe.unsqueeze(0).transpose(0, 1)
        self.register_buffer('pe', pe)
    def forward(self, x):
        x = x + self.pe[:x.size(0), :]
        return self.dropout(x)
class TransformerModel(nn.Module):
    def __init__(self, ntoken=50, ninp=16, nhead=2, nhid=32, nlayers=2, dropout=0.1):
        super().__init__()
        self.pos_encoder = PositionalEncoding(ninp, dropout)
        encoder_layers = nn.TransformerEncoderLayer(ninp, nhead, nhid, dropout)
        self.transformer_encoder = nn.TransformerEncoder(encoder_layers, nlayers)
        self.encoder = nn.Embedding(ntoken, ninp)
        self.ninp = ninp
        self.decoder = nn.Linear(ninp, ntoken)
        self.init_weights()
    def init_weights(self):
        initrange = 0.1
        self.encoder.weight.data.uniform_(-initrange, initrange)
        self.decoder.bias.data.zero_()
    def forward(self, src):
        src = self.encoder(src) * math.sqrt(self.ninp)
        src = self.pos_encoder(src)
        output = self.transformer_encoder(src)
        return self.decoder(output)
""",
    inputs=["int64[12,N]"],
)
case(
    "old_value_read_again",
    """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 8)
    def forward(self, x):
        h = self.fc(x)
        old = h
        view = h[:, :4]
        h += 1
        return h, old * 2, view
""",
)
case(
    "squeeze_excitation",
    """
class SE(nn.Module):
    def __init__(self, c, r=4):
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Sequential(nn.Linear(c, c // r, bias=False), nn.ReLU(inplace=True), nn.Linear(c // r, c, bias=False), nn.Sigmoid())
    def forward(self, x):
        b, c, _, _ = x.size()
        y = self.pool(x).view(b, c)
        y = self.fc(y).view(b, c, 1, 1)
        return x * y.expand_as(x)
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, 2, 1)
        self.se = SE(16)
        self.head = nn.Linear(16, 5)
    def forward(self, x):
        return self.head(self.se(self.stem(x)).mean([2, 3]))
""",
)
case(
    "seq2seq",
    """
class Encoder(nn.Module):
    def __init__(self, input_dim, emb_dim, hid_dim, n_layers, dropout):
        super().__init__()
        self.hid_dim = hid_dim
        self.n_layers = n_layers
        self.embedding = nn.Embedding(input_dim, emb_dim)
        self.rnn = nn.LSTM(emb_dim, hid_dim, n_layers, dropout=dropout)
        self.dropout = nn.Dropout(dropout)
    def forward(self, src):
        embedded = self.dropout(self.embedding(src))
        outputs, (hidden, cell) = self.rnn(embedded)
        return hidden, cell
class Decoder(nn.Module):
    def __init__(self, output_dim, emb_dim, hid_dim, n_layers, dropout):
        super().__init__()
        self.output_dim = output_dim
        self.embedding = nn.Embedding(output_dim, emb_dim)
        self.rnn = nn.LSTM(emb_dim, hid_dim, n_layers, dropout=dropout)
        self.fc_out = nn.Linear(hid_dim, output_dim)
        self.dropout = nn.Dropout(dropout)
    def forward(self, input, hidden, cell):
        input = input.unsqueeze(0)
        embedded = self.dropout(self.embedding(input))
        output, (hidden, cell) = self.rnn(embedded, (hidden, cell))
        prediction = self.fc_out(output.squeeze(0))
        return prediction, hidden, cell
class Seq2Seq(nn.Module):
    def __init__(self, encoder, decoder):
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
    def forward(self, src, trg):
        trg_len = trg.shape[0]
        batch_size = trg.shape[1]
        outputs = torch.zeros(trg_len, batch_size, self.decoder.output_dim)
        hidden, cell = self.encoder(src)
        input = trg[0, :]
        for t in range(1, trg_len):
            output, hidden, cell = self.decoder(input, hidden, cell)
            outputs[t] = output
            top1 = output.argmax(1)
            input = trg[t]
        return outputs
enc = Encoder(20, 8, 16, 2, 0.5)
dec = Decoder(20, 8, 16, 2, 0.5)
model = Seq2Seq(enc, dec)
""",
    target="model",
    inputs=["int64[6,N]", "int64[5,N]"],
)
case(
    "inception",
    """
class BasicConv(nn.Module):
    def __init__(self, in_channels, out_channels, **kwargs):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, bias=False, **kwargs)
        self.bn = nn.BatchNorm2d(out_channels, eps=0.001)
    def forward(self, x):
        return F.relu(self.bn(self.conv(x)), inplace=True)
class Inception(nn.Module):
    def __init__(self, cin, c1, c3):
        super().__init__()
        self.b1 = BasicConv(cin, c1, kernel_size=1)
        self.b2 = nn.Sequential(BasicConv(cin, c3, kernel_size=1), BasicConv(c3, c3, kernel_size=3, padding=1))
        self.b3 = nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), BasicConv(cin, c1, kernel_size=1))
    def forward(self, x):
        return torch.cat([self.b1(x), self.b2(x), self.b3(x)], 1)
class Net(nn.Module):
    def __init__(self, num_classes=10):
        super().__init__()
        self.a = Inception(3, 4, 8)
        self.b = Inception(16, 8, 16)
        self.fc = nn.Linear(32, num_classes)
    def forward(self, x):
        x = self.b(F.max_pool2d(self.a(x), 2))
        x = F.adaptive_avg_pool2d(x, 1).flatten(1)
        return self.fc(x)
""",
)
case(
    "mobilenet",
    """
def _make_divisible(v, divisor=8):
    new_v = max(divisor, int(v + divisor / 2) // divisor * divisor)
    return new_v
class InvertedResidual(nn.Module):
    def __init__(self, inp, oup, stride, expand_ratio):
        super().__init__()
        hidden_dim = int(round(inp * expand_ratio))
        self.use_res_connect = stride == 1 and inp == oup
        layers = []
        if expand_ratio != 1:
            layers += [nn.Conv2d(inp, hidden_dim, 1, bias=False), nn.BatchNorm2d(hidden_dim), nn.ReLU6(inplace=True)]
        layers.extend([nn.Conv2d(hidden_dim, hidden_dim, 3, stride, 1, groups=hidden_dim, bias=False), nn.BatchNorm2d(hidden_dim), nn.ReLU6(inplace=True), nn.Conv2d(hidden_dim, oup, 1, bias=False), nn.BatchNorm2d(oup)])
        self.conv = nn.Sequential(*layers)
    def forward(self, x):
        if self.use_res_connect:
            return x + self.conv(x)
        else:
            return self.conv(x)
class MobileNetV2(nn.Module):
    def __init__(self, num_classes=10, width_mult=1.0):
        super().__init__()
        cfgs = [[1, 8, 1, 1], [6, 16, 2, 2], [6, 24, 2, 2]]
        input_channel = _make_divisible(16 * width_mult)
        features = [nn.Sequential(nn.Conv2d(3, input_channel, 3, 2, 1, bias=False), nn.BatchNorm2d(input_channel), nn.ReLU6())]
        for t, c, n, s in cfgs:
            output_channel = _make_divisible(c * width_mult)
            for i in range(n):
                stride = s if i == 0 else 1
                features.append(InvertedResidual(input_channel, output_channel, stride, expand_ratio=t))
                input_channel = output_channel
        self.features = nn.Sequential(*features)
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(input_channel, num_classes))
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode='fan_out')
                if m.bias is not None:
                    nn.init.zeros_(m.bias)
            elif isinstance(m, nn.BatchNorm2d):
                nn.init.ones_(m.weight)
    def forward(self, x):
        x = self.features(x)
        x = x.mean([2, 3])
        return self.classifier(x)
""",
)
case(
    "siamese",
    """
class Siamese(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(1, 8, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
        self.liner = nn.Sequential(nn.Linear(8 * 12 * 12, 16), nn.Sigmoid())
        self.out = nn.Linear(16, 1)
    def forward_one(self, x):
        x = self.conv(x)
        x = x.view(x.size()[0], -1)
        return self.liner(x)
    def forward(self, x1, x2):
        out1 = self.forward_one(x1)
        out2 = self.forward_one(x2)
        return self.out(torch.abs(out1 - out2))
""",
    inputs=["float32[N,1,28,28]", "float32[N,1,28,28]"],
)
case(
    "multitask",
    """
class MultiTask(nn.Module):
    def __init__(self, tasks={'a': 3, 'b': 5}):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(12, 16), nn.ReLU())
        self.heads = nn.ModuleDict({name: nn.Linear(16, n) for name, n in tasks.items()})
    def forward(self, x):
        h = self.trunk(x)
        return {name: head(h) for name, head in self.heads.items()}
""",
)
case(
    "rnn_cell_loop",
    """
class Net(nn.Module):
    def __init__(self, n_in=4, n_h=6):
        super().__init__()
        self.n_h = n_h
        self.cell = nn.LSTMCell(n_in, n_h)
        self.out = nn.Linear(n_h, 2)
    def forward(self, x):
        h = torch.zeros(x.size(0), self.n_h, device=x.device)
        c = torch.zeros(x.size(0), self.n_h, device=x.device)
        outs = []
        for t in range(x.size(1)):
            h, c = self.cell(x[:, t], (h, c))
            outs.append(h)
        return self.out(torch.stack(outs, dim=1))
""",
    inputs=["float32[N,5,4]"],
)
case(
    "dropout_always",
    """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(8, 8); self.fc2 = nn.Linear(8, 2)
    def forward(self, x):
        x = F.dropout(F.relu(self.fc1(x)), 0.5)
        return F.log_softmax(self.fc2(1 - x), dim=1)
""",
)
case(
    "argparse_main",
    """
import argparse
class Net(nn.Module):
    def __init__(self, args):
        super(Net, self).__init__()
        self.lin1 = nn.Linear(args.n_in, args.hidden)
        self.lin2 = nn.Linear(args.hidden, 10)
    def forward(self, x):
        x = torch.tanh(self.lin1(x))
        return F.log_softmax(self.lin2(x), dim=1)
def train(model, loader, optimizer):
    model.train()
    for data, target in loader:
        optimizer.zero_grad()
        loss = F.nll_loss(model(data), target)
        loss.backward()
        optimizer.step()
def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--n-in', type=int, default=20)
    parser.add_argument('--hidden', type=int, default=12)
    args = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = Net(args).to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
if __name__ == '__main__':
    main()
""",
    original="Net(__import__('types').SimpleNamespace(n_in=20, hidden=12))",
)
case(
    "vgg",
    """
cfg = {'A': [8, 'M', 16, 'M', 16, 16, 'M']}
class VGG(nn.Module):
    def __init__(self, name='A', num_classes=10):
        super().__init__()
        self.features = self._make_layers(cfg[name])
        self.classifier = nn.Sequential(nn.Linear(16 * 4 * 4, 32), nn.ReLU(True), nn.Dropout(), nn.Linear(32, num_classes))
    @staticmethod
    def _make_layers(cfg):
        layers = []
        in_channels = 3
        for v in cfg:
            if v == 'M':
                layers += [nn.MaxPool2d(kernel_size=2, stride=2)]
            else:
                layers += [nn.Conv2d(in_channels, v, kernel_size=3, padding=1), nn.BatchNorm2d(v), nn.ReLU(inplace=True)]
                in_channels = v
        return nn.Sequential(*layers)
    def forward(self, x):
        out = self.features(x)
        out = out.view(out.size(0), -1)
        return self.classifier(out)
def test():
    net = VGG()
    x = torch.randn(2, 3, 32, 32)
    y = net(x)
    print(y.size())
""",
)
case(
    "attention_decoder",
    """
class Attn(nn.Module):
    def __init__(self, enc, dec):
        super().__init__()
        self.attn = nn.Linear(enc + dec, dec)
        self.v = nn.Linear(dec, 1, bias=False)
    def forward(self, hidden, outputs):
        src_len = outputs.shape[1]
        hidden = hidden.unsqueeze(1).repeat(1, src_len, 1)
        energy = torch.tanh(self.attn(torch.cat((hidden, outputs), dim=2)))
        return F.softmax(self.v(energy).squeeze(2), dim=1)
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(6, 8, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(16, 8)
        self.attn = Attn(16, 8)
        self.out = nn.Linear(16, 3)
    def forward(self, x):
        outputs, hidden = self.gru(x)
        hidden = torch.tanh(self.fc(torch.cat((hidden[-2, :, :], hidden[-1, :, :]), dim=1)))
        a = self.attn(hidden, outputs)
        context = torch.bmm(a.unsqueeze(1), outputs).squeeze(1)
        return self.out(context)
""",
)
case(
    "lambda_layer",
    """
class Lambda(nn.Module):
    def __init__(self, f):
        super().__init__()
        self.f = f
    def forward(self, x):
        return self.f(x)
class Reshape(nn.Module):
    def __init__(self, *shape):
        super().__init__()
        self.shape = shape
    def forward(self, x):
        return x.view(x.size(0), *self.shape)
model = nn.Sequential(Lambda(lambda x: x.view(-1, 1, 28, 28)), nn.Conv2d(1, 8, 3, 2, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), Reshape(8), nn.Linear(8, 10))
""",
    inputs=["float32[N,784]"],
)
case(
    "mha",
    """
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, h):
        super().__init__()
        assert d_model % h == 0
        self.d_k = d_model // h
        self.h = h
        self.q = nn.Linear(d_model, d_model)
        self.k = nn.Linear(d_model, d_model)
        self.v = nn.Linear(d_model, d_model)
        self.out = nn.Linear(d_model, d_model)
    def forward(self, q, k, v, mask=None):
        bs = q.size(0)
        q = self.q(q).view(bs, -1, self.h, self.d_k).transpose(1, 2)
        k = self.k(k).view(bs, -1, self.h, self.d_k).transpose(1, 2)
        v = self.v(v).view(bs, -1, self.h, self.d_k).transpose(1, 2)
        scores = torch.matmul(q, k.transpose(-2, -1)) / math.sqrt(self.d_k)
        if mask is not None:
            scores = scores.masked_fill(mask == 0, -1e9)
        p = F.softmax(scores, dim=-1)
        x = torch.matmul(p, v).transpose(1, 2).contiguous().view(bs, -1, self.h * self.d_k)
        return self.out(x)
class Layer(nn.Module):
    def __init__(self, d=16, h=4):
        super().__init__()
        self.attn = MultiHeadAttention(d, h)
        self.norm = nn.LayerNorm(d)
        self.scale = nn.Parameter(torch.ones(d))
    def forward(self, x):
        return self.norm(x + self.attn(x, x, x)) * self.scale
""",
    target="Layer(16, 4)",
    inputs=["float32[N,7,16]"],
)
case(
    "vqvae_like",
    """
class Net(nn.Module):
    def __init__(self, k=8, d=4):
        super().__init__()
        self.enc = nn.Conv2d(3, d, 4, 2, 1)
        self.codebook = nn.Embedding(k, d)
        self.codebook.weight.data.uniform_(-1 / k, 1 / k)
        self.dec = nn.ConvTranspose2d(d, 3, 4, 2, 1)
    def forward(self, x):
        z = self.enc(x).permute(0, 2, 3, 1).contiguous()
        flat = z.view(-1, 4)
        d = torch.sum(flat ** 2, dim=1, keepdim=True) + torch.sum(self.codebook.weight ** 2, dim=1) - 2 * torch.matmul(flat, self.codebook.weight.t())
        idx = torch.argmin(d, dim=1)
        q = self.codebook(idx).view(z.shape)
        q = z + (q - z).detach()
        return self.dec(q.permute(0, 3, 1, 2).contiguous())
""",
    inputs=["float32[N,3,8,8]"],
)
case(
    "highway_and_gates",
    """
class Highway(nn.Module):
    def __init__(self, size, num_layers, f=F.relu):
        super().__init__()
        self.num_layers = num_layers
        self.nonlinear = nn.ModuleList([nn.Linear(size, size) for _ in range(num_layers)])
        self.linear = nn.ModuleList([nn.Linear(size, size) for _ in range(num_layers)])
        self.gate = nn.ModuleList([nn.Linear(size, size) for _ in range(num_layers)])
        self.f = f
    def forward(self, x):
        for layer in range(self.num_layers):
            gate = torch.sigmoid(self.gate[layer](x))
            nonlinear = self.f(self.nonlinear[layer](x))
            linear = self.linear[layer](x)
            x = gate * nonlinear + (1 - gate) * linear
        return x
model = Highway(6, 2)
x = torch.rand(4, 6)
print(model(x))
""",
)
case(
    "text_cnn",
    """
class TextCNN(nn.Module):
    def __init__(self, vocab_size=50, embed=8, kernels=(2, 3, 4), n=6, classes=2):
        super(TextCNN, self).__init__()
        self.embedding = nn.Embedding(vocab_size, embed, padding_idx=0)
        self.convs = nn.ModuleList([nn.Conv2d(1, n, (k, embed)) for k in kernels])
        self.dropout = nn.Dropout(0.5)
        self.fc = nn.Linear(n * len(kernels), classes)
    def conv_and_pool(self, x, conv):
        x = F.relu(conv(x)).squeeze(3)
        return F.max_pool1d(x, x.size(2)).squeeze(2)
    def forward(self, x):
        out = self.embedding(x).unsqueeze(1)
        out = torch.cat([self.conv_and_pool(out, conv) for conv in self.convs], 1)
        return self.fc(self.dropout(out))
""",
)
case(
    "spatial_transformer",
    """
class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.conv1 = nn.Conv2d(1, 10, kernel_size=5)
        self.localization = nn.Sequential(nn.Conv2d(1, 8, kernel_size=7), nn.MaxPool2d(2, stride=2), nn.ReLU(True), nn.Conv2d(8, 10, kernel_size=5), nn.MaxPool2d(2, stride=2), nn.ReLU(True))
        self.fc_loc = nn.Sequential(nn.Linear(10 * 3 * 3, 32), nn.ReLU(True), nn.Linear(32, 3 * 2))
        self.fc_loc[2].weight.data.zero_()
        self.fc_loc[2].bias.data.copy_(torch.tensor([1, 0, 0, 0, 1, 0], dtype=torch.float))
    def stn(self, x):
        xs = self.localization(x)
        xs = xs.view(-1, 10 * 3 * 3)
        theta = self.fc_loc(xs)
        theta = theta.view(-1, 2, 3)
        grid = F.affine_grid(theta, x.size())
        x = F.grid_sample(x, grid)
        return x
    def forward(self, x):
        x = self.stn(x)
        return F.relu(F.max_pool2d(self.conv1(x), 2))
""",
    inputs=["float32[N,1,28,28]"],
)
case(
    "custom_linear",
    """
class MyLinear(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.weight=nn.Parameter(torch.empty(n_out,n_in)); self.bias=nn.Parameter(torch.zeros(n_out))
        nn.init.kaiming_uniform_(self.weight, a=math.sqrt(5))
    def forward(self,x): return F.linear(x,self.weight,self.bias)
model=nn.Sequential(MyLinear(4,8), nn.Tanh(), MyLinear(8,2))
""",
)
case(
    "plist",
    """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.ws=nn.ParameterList([nn.Parameter(torch.randn(4,4)) for _ in range(3)])
    def forward(self,x):
        for w in self.ws: x=torch.tanh(x@w)
        return x
""",
    inputs=["float32[N,4]"],
)
case(
    "subclass_layer",
    """
class LayerNorm2d(nn.LayerNorm):
    def forward(self,x):
        x=x.permute(0,2,3,1)
        x=super().forward(x)
        return x.permute(0,3,1,2)
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.c=nn.Conv2d(3,6,3); self.n=LayerNorm2d(6)
    def forward(self,x): return self.n(self.c(x))
""",
)
case(
    "functional_bn",
    """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.gamma=nn.Parameter(torch.ones(4)); self.register_buffer('rm',torch.zeros(4)); self.register_buffer('rv',torch.ones(4))
    def forward(self,x): return F.batch_norm(x,self.rm,self.rv,self.gamma,None,self.training)
""",
    inputs=["float32[N,4]"],
)
case(
    "freeze",
    """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body=nn.Sequential(nn.Linear(4,4),nn.ReLU()); self.head=nn.Linear(4,2)
        for p in self.body.parameters(): p.requires_grad=False
    def forward(self,x): return self.head(self.body(x))
""",
)
case(
    "mask",
    """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.e=nn.Embedding(9,8); self.a=nn.MultiheadAttention(8,2,batch_first=True)
    def forward(self,x):
        T=x.size(1); m=torch.triu(torch.ones(T,T),diagonal=1).bool()
        h=self.e(x); y,_=self.a(h,h,h,attn_mask=m); return y
""",
)
