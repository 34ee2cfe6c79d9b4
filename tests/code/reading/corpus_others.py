"""Networks for points, graphs, tables, games and physics, and unusual ways of writing. Ours."""

from __future__ import annotations

from tests.code.reading.corpus import text

text(
    "pointnet_with_tnet",
    """
import torch
import torch.nn as nn
import torch.nn.functional as F
import numpy as np
from torch.autograd import Variable


class STN3d(nn.Module):
    def __init__(self):
        super(STN3d, self).__init__()
        self.conv1 = torch.nn.Conv1d(3, 8, 1)
        self.conv2 = torch.nn.Conv1d(8, 16, 1)
        self.fc1 = nn.Linear(16, 8)
        self.fc2 = nn.Linear(8, 9)
        self.relu = nn.ReLU()

        self.bn1 = nn.BatchNorm1d(8)
        self.bn2 = nn.BatchNorm1d(16)
        self.bn4 = nn.BatchNorm1d(8)

    def forward(self, x):
        batchsize = x.size()[0]
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        x = torch.max(x, 2, keepdim=True)[0]
        x = x.view(-1, 16)

        x = F.relu(self.bn4(self.fc1(x)))
        x = self.fc2(x)

        iden = Variable(torch.from_numpy(np.array([1,0,0,0,1,0,0,0,1]).astype(np.float32))).view(1,9).repeat(batchsize,1)
        if x.is_cuda:
            iden = iden.cuda()
        x = x + iden
        x = x.view(-1, 3, 3)
        return x


class PointNetfeat(nn.Module):
    def __init__(self, global_feat=True):
        super(PointNetfeat, self).__init__()
        self.stn = STN3d()
        self.conv1 = torch.nn.Conv1d(3, 8, 1)
        self.conv2 = torch.nn.Conv1d(8, 16, 1)
        self.bn1 = nn.BatchNorm1d(8)
        self.bn2 = nn.BatchNorm1d(16)
        self.global_feat = global_feat

    def forward(self, x):
        n_pts = x.size()[2]
        trans = self.stn(x)
        x = x.transpose(2, 1)
        x = torch.bmm(x, trans)
        x = x.transpose(2, 1)
        x = F.relu(self.bn1(self.conv1(x)))
        pointfeat = x
        x = self.bn2(self.conv2(x))
        x = torch.max(x, 2, keepdim=True)[0]
        x = x.view(-1, 16)
        if self.global_feat:
            return x, trans
        else:
            x = x.view(-1, 16, 1).repeat(1, 1, n_pts)
            return torch.cat([x, pointfeat], 1), trans


class PointNetCls(nn.Module):
    def __init__(self, k=2):
        super(PointNetCls, self).__init__()
        self.feat = PointNetfeat(global_feat=True)
        self.fc1 = nn.Linear(16, 8)
        self.fc2 = nn.Linear(8, k)
        self.dropout = nn.Dropout(p=0.3)
        self.bn1 = nn.BatchNorm1d(8)
        self.relu = nn.ReLU()

    def forward(self, x):
        x, trans = self.feat(x)
        x = F.relu(self.bn1(self.fc1(x)))
        x = self.fc2(self.dropout(x))
        return F.log_softmax(x, dim=1), trans


if __name__ == '__main__':
    sim_data = Variable(torch.rand(32, 3, 20))
    cls = PointNetCls(k=5)
    out, _ = cls(sim_data)
    print('class', out.size())
""",
    original="PointNetCls(k=5)",
)

text(
    "graph_convolution_dense",
    '''
import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.parameter import Parameter
from torch.nn.modules.module import Module


class GraphConvolution(Module):
    """
    Simple GCN layer, similar to https://arxiv.org/abs/1609.02907
    """

    def __init__(self, in_features, out_features, bias=True):
        super(GraphConvolution, self).__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.weight = Parameter(torch.FloatTensor(in_features, out_features))
        if bias:
            self.bias = Parameter(torch.FloatTensor(out_features))
        else:
            self.register_parameter('bias', None)
        self.reset_parameters()

    def reset_parameters(self):
        stdv = 1. / math.sqrt(self.weight.size(1))
        self.weight.data.uniform_(-stdv, stdv)
        if self.bias is not None:
            self.bias.data.uniform_(-stdv, stdv)

    def forward(self, input, adj):
        support = torch.mm(input, self.weight)
        output = torch.spmm(adj, support)
        if self.bias is not None:
            return output + self.bias
        else:
            return output

    def __repr__(self):
        return self.__class__.__name__ + ' (' \\
               + str(self.in_features) + ' -> ' \\
               + str(self.out_features) + ')'


class GCN(nn.Module):
    def __init__(self, nfeat, nhid, nclass, dropout):
        super(GCN, self).__init__()

        self.gc1 = GraphConvolution(nfeat, nhid)
        self.gc2 = GraphConvolution(nhid, nclass)
        self.dropout = dropout

    def forward(self, x, adj):
        x = F.relu(self.gc1(x, adj))
        x = F.dropout(x, self.dropout, training=self.training)
        x = self.gc2(x, adj)
        return F.log_softmax(x, dim=1)
''',
    target="GCN(8, 6, 3, 0.5)",
    inputs=["float32[7,8]", "float32[7,7]"],
)

text(
    "graph_attention_dense",
    '''
import torch
import torch.nn as nn
import torch.nn.functional as F


class GraphAttentionLayer(nn.Module):
    def __init__(self, in_features, out_features, dropout, alpha, concat=True):
        super(GraphAttentionLayer, self).__init__()
        self.dropout = dropout
        self.in_features = in_features
        self.out_features = out_features
        self.alpha = alpha
        self.concat = concat

        self.W = nn.Parameter(torch.empty(size=(in_features, out_features)))
        nn.init.xavier_uniform_(self.W.data, gain=1.414)
        self.a = nn.Parameter(torch.empty(size=(2*out_features, 1)))
        nn.init.xavier_uniform_(self.a.data, gain=1.414)

        self.leakyrelu = nn.LeakyReLU(self.alpha)

    def forward(self, h, adj):
        Wh = torch.mm(h, self.W) # h.shape: (N, in_features), Wh.shape: (N, out_features)
        e = self._prepare_attentional_mechanism_input(Wh)

        zero_vec = -9e15*torch.ones_like(e)
        attention = torch.where(adj > 0, e, zero_vec)
        attention = F.softmax(attention, dim=1)
        attention = F.dropout(attention, self.dropout, training=self.training)
        h_prime = torch.matmul(attention, Wh)

        if self.concat:
            return F.elu(h_prime)
        else:
            return h_prime

    def _prepare_attentional_mechanism_input(self, Wh):
        Wh1 = torch.matmul(Wh, self.a[:self.out_features, :])
        Wh2 = torch.matmul(Wh, self.a[self.out_features:, :])
        # broadcast add
        e = Wh1 + Wh2.T
        return self.leakyrelu(e)


class GAT(nn.Module):
    def __init__(self, nfeat, nhid, nclass, dropout, alpha, nheads):
        """Dense version of GAT."""
        super(GAT, self).__init__()
        self.dropout = dropout

        self.attentions = [GraphAttentionLayer(nfeat, nhid, dropout=dropout, alpha=alpha, concat=True) for _ in range(nheads)]
        for i, attention in enumerate(self.attentions):
            self.add_module('attention_{}'.format(i), attention)

        self.out_att = GraphAttentionLayer(nhid * nheads, nclass, dropout=dropout, alpha=alpha, concat=False)

    def forward(self, x, adj):
        x = F.dropout(x, self.dropout, training=self.training)
        x = torch.cat([att(x, adj) for att in self.attentions], dim=1)
        x = F.dropout(x, self.dropout, training=self.training)
        x = F.elu(self.out_att(x, adj))
        return F.log_softmax(x, dim=1)
''',
    target="GAT(6, 4, 3, 0.6, 0.2, 2)",
    inputs=["float32[7,6]", "float32[7,7]"],
)

text(
    "dqn_with_conv_size_helper",
    """
import torch
import torch.nn as nn
import torch.nn.functional as F


class DQN(nn.Module):

    def __init__(self, h, w, outputs):
        super(DQN, self).__init__()
        self.conv1 = nn.Conv2d(3, 8, kernel_size=5, stride=2)
        self.bn1 = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 8, kernel_size=5, stride=2)
        self.bn2 = nn.BatchNorm2d(8)

        # Number of Linear input connections depends on output of conv2d layers
        # and therefore the input image size, so compute it.
        def conv2d_size_out(size, kernel_size = 5, stride = 2):
            return (size - (kernel_size - 1) - 1) // stride  + 1
        convw = conv2d_size_out(conv2d_size_out(w))
        convh = conv2d_size_out(conv2d_size_out(h))
        linear_input_size = convw * convh * 8
        self.head = nn.Linear(linear_input_size, outputs)

    # Called with either one element to determine next action, or a batch
    # during optimization. Returns tensor([[left0exp,right0exp]...]).
    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        return self.head(x.view(x.size(0), -1))


init_screen = torch.zeros(1, 3, 20, 30)
_, _, screen_height, screen_width = init_screen.shape
n_actions = 2
policy_net = DQN(screen_height, screen_width, n_actions)
""",
    inputs=["float32[N,3,20,30]"],
)

text(
    "dqn_asking_its_own_convolutions",
    """
import torch
import torch.nn as nn
import numpy as np


class DQN(nn.Module):
    def __init__(self, input_shape, n_actions):
        super(DQN, self).__init__()

        self.conv = nn.Sequential(
            nn.Conv2d(input_shape[0], 8, kernel_size=8, stride=4),
            nn.ReLU(),
            nn.Conv2d(8, 16, kernel_size=4, stride=2),
            nn.ReLU(),
        )

        conv_out_size = self._get_conv_out(input_shape)
        self.fc = nn.Sequential(
            nn.Linear(conv_out_size, 32),
            nn.ReLU(),
            nn.Linear(32, n_actions)
        )

    def _get_conv_out(self, shape):
        o = self.conv(torch.zeros(1, *shape))
        return int(np.prod(o.size()))

    def forward(self, x):
        fx = x.float() / 256
        conv_out = self.conv(fx).view(fx.size()[0], -1)
        return self.fc(conv_out)


net = DQN((4, 44, 44), 6)
""",
    inputs=["uint8[N,4,44,44]"],
)

text(
    "dueling_dqn",
    """
import torch
import torch.nn as nn


class DuelingDQN(nn.Module):
    def __init__(self, state_size: int, action_size: int, hidden: list = [16, 16]):
        super().__init__()
        dims = [state_size] + hidden
        self.feature = nn.Sequential(*[m for i, o in zip(dims[:-1], dims[1:]) for m in (nn.Linear(i, o), nn.ReLU())])
        self.advantage = nn.Sequential(nn.Linear(hidden[-1], 8), nn.ReLU(), nn.Linear(8, action_size))
        self.value = nn.Sequential(nn.Linear(hidden[-1], 8), nn.ReLU(), nn.Linear(8, 1))

    def forward(self, state):
        x = self.feature(state)
        advantage = self.advantage(x)
        value = self.value(x)
        return value + (advantage - advantage.mean(dim=1, keepdim=True))

    @torch.no_grad()
    def act(self, state, epsilon):
        return self.forward(state).argmax(dim=1)


agent = DuelingDQN(4, 2)
""",
)

text(
    "actor_critic_two_heads",
    '''
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.distributions import Categorical
from collections import namedtuple

SavedAction = namedtuple('SavedAction', ['log_prob', 'value'])


class Policy(nn.Module):
    """
    implements both actor and critic in one model
    """
    def __init__(self):
        super(Policy, self).__init__()
        self.affine1 = nn.Linear(4, 16)

        # actor's layer
        self.action_head = nn.Linear(16, 2)

        # critic's layer
        self.value_head = nn.Linear(16, 1)

        # action & reward buffer
        self.saved_actions = []
        self.rewards = []

    def forward(self, x):
        """
        forward of both actor and critic
        """
        x = F.relu(self.affine1(x))

        # actor: choses action to take from state s_t
        # by returning probability of each action
        action_prob = F.softmax(self.action_head(x), dim=-1)

        # critic: evaluates being in the state s_t
        state_values = self.value_head(x)

        return action_prob, state_values


model = Policy()


def select_action(state):
    state = torch.from_numpy(state).float()
    probs, state_value = model(state)
    m = Categorical(probs)
    action = m.sample()
    model.saved_actions.append(SavedAction(m.log_prob(action), state_value))
    return action.item()
''',
)

text(
    "sac_actor_with_clamped_log_std",
    """
import torch
import torch.nn as nn
import torch.nn.functional as F

LOG_STD_MAX = 2
LOG_STD_MIN = -5


class Actor(nn.Module):
    def __init__(self, obs_dim, act_dim, action_scale=1.0):
        super().__init__()
        self.fc1 = nn.Linear(obs_dim, 16)
        self.fc2 = nn.Linear(16, 16)
        self.fc_mean = nn.Linear(16, act_dim)
        self.fc_logstd = nn.Linear(16, act_dim)
        # action rescaling
        self.register_buffer("action_scale", torch.tensor(action_scale, dtype=torch.float32))
        self.register_buffer("action_bias", torch.tensor([0.5, -0.5], dtype=torch.float32))

    def forward(self, x):
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        mean = self.fc_mean(x)
        log_std = self.fc_logstd(x)
        log_std = torch.tanh(log_std)
        log_std = LOG_STD_MIN + 0.5 * (LOG_STD_MAX - LOG_STD_MIN) * (log_std + 1)  # From SpinUp / Denis Yarats
        return torch.tanh(mean) * self.action_scale + self.action_bias, log_std.exp()
""",
    target="Actor(3, 2)",
)

text(
    "nerf_mlp_with_skips",
    """
import torch
import torch.nn as nn
import torch.nn.functional as F


class Embedder:
    def __init__(self, **kwargs):
        self.kwargs = kwargs
        self.create_embedding_fn()

    def create_embedding_fn(self):
        embed_fns = []
        d = self.kwargs['input_dims']
        out_dim = 0
        if self.kwargs['include_input']:
            embed_fns.append(lambda x : x)
            out_dim += d

        max_freq = self.kwargs['max_freq_log2']
        N_freqs = self.kwargs['num_freqs']

        if self.kwargs['log_sampling']:
            freq_bands = 2.**torch.linspace(0., max_freq, steps=N_freqs)
        else:
            freq_bands = torch.linspace(2.**0., 2.**max_freq, steps=N_freqs)

        for freq in freq_bands:
            for p_fn in self.kwargs['periodic_fns']:
                embed_fns.append(lambda x, p_fn=p_fn, freq=freq : p_fn(x * freq))
                out_dim += d

        self.embed_fns = embed_fns
        self.out_dim = out_dim

    def embed(self, inputs):
        return torch.cat([fn(inputs) for fn in self.embed_fns], -1)


def get_embedder(multires, i=0):
    if i == -1:
        return nn.Identity(), 3
    embed_kwargs = {
                'include_input' : True,
                'input_dims' : 3,
                'max_freq_log2' : multires-1,
                'num_freqs' : multires,
                'log_sampling' : True,
                'periodic_fns' : [torch.sin, torch.cos],
    }
    embedder_obj = Embedder(**embed_kwargs)
    embed = lambda x, eo=embedder_obj : eo.embed(x)
    return embed, embedder_obj.out_dim


class NeRF(nn.Module):
    def __init__(self, D=8, W=256, input_ch=3, input_ch_views=3, output_ch=4, skips=[4], use_viewdirs=False):
        super(NeRF, self).__init__()
        self.D = D
        self.W = W
        self.input_ch = input_ch
        self.input_ch_views = input_ch_views
        self.skips = skips
        self.use_viewdirs = use_viewdirs

        self.pts_linears = nn.ModuleList(
            [nn.Linear(input_ch, W)] + [nn.Linear(W, W) if i not in self.skips else nn.Linear(W + input_ch, W) for i in range(D-1)])
        self.views_linears = nn.ModuleList([nn.Linear(input_ch_views + W, W//2)])

        if use_viewdirs:
            self.feature_linear = nn.Linear(W, W)
            self.alpha_linear = nn.Linear(W, 1)
            self.rgb_linear = nn.Linear(W//2, 3)
        else:
            self.output_linear = nn.Linear(W, output_ch)

    def forward(self, x):
        input_pts, input_views = torch.split(x, [self.input_ch, self.input_ch_views], dim=-1)
        h = input_pts
        for i, l in enumerate(self.pts_linears):
            h = self.pts_linears[i](h)
            h = F.relu(h)
            if i in self.skips:
                h = torch.cat([input_pts, h], -1)

        if self.use_viewdirs:
            alpha = self.alpha_linear(h)
            feature = self.feature_linear(h)
            h = torch.cat([feature, input_views], -1)

            for i, l in enumerate(self.views_linears):
                h = self.views_linears[i](h)
                h = F.relu(h)

            rgb = self.rgb_linear(h)
            outputs = torch.cat([rgb, alpha], -1)
        else:
            outputs = self.output_linear(h)

        return outputs


class NeRFWithEmbedding(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.ch = get_embedder(3)
        self.nerf = NeRF(D=4, W=8, input_ch=self.ch, input_ch_views=3, skips=[1], use_viewdirs=True)

    def forward(self, pts, views):
        return self.nerf(torch.cat([self.embed(pts), views], -1))
""",
    target="NeRFWithEmbedding()",
    inputs=["float32[N,3]", "float32[N,3]"],
)

text(
    "rbf_network_with_basis_functions",
    """
import torch
import torch.nn as nn


class RBF(nn.Module):
    def __init__(self, in_features, out_features, basis_func):
        super(RBF, self).__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.centres = nn.Parameter(torch.Tensor(out_features, in_features))
        self.log_sigmas = nn.Parameter(torch.Tensor(out_features))
        self.basis_func = basis_func
        self.reset_parameters()

    def reset_parameters(self):
        nn.init.normal_(self.centres, 0, 1)
        nn.init.constant_(self.log_sigmas, 0)

    def forward(self, input):
        size = (input.size(0), self.out_features, self.in_features)
        x = input.unsqueeze(1).expand(size)
        c = self.centres.unsqueeze(0).expand(size)
        distances = (x - c).pow(2).sum(-1).pow(0.5) / torch.exp(self.log_sigmas).unsqueeze(0)
        return self.basis_func(distances)


def gaussian(alpha):
    phi = torch.exp(-1*alpha.pow(2))
    return phi


def basis_func_dict():
    bases = {'gaussian': gaussian, 'linear': lambda a: a}
    return bases


class Network(nn.Module):
    def __init__(self, layer_widths, layer_centres, basis_func):
        super(Network, self).__init__()
        self.rbf_layers = nn.ModuleList()
        self.linear_layers = nn.ModuleList()
        for i in range(len(layer_widths) - 1):
            self.rbf_layers.append(RBF(layer_widths[i], layer_centres[i], basis_func))
            self.linear_layers.append(nn.Linear(layer_centres[i], layer_widths[i+1]))

    def forward(self, x):
        out = x
        for i in range(len(self.rbf_layers)):
            out = self.rbf_layers[i](out)
            out = self.linear_layers[i](out)
        return out


rbfnet = Network([2, 3, 1], [5, 4], basis_func_dict()['gaussian'])
""",
    inputs=["float32[N,2]"],
)

text(
    "siren_with_first_layer_flag",
    """
import numpy as np
import torch
from torch import nn


class SineLayer(nn.Module):
    def __init__(self, in_features, out_features, bias=True, is_first=False, omega_0=30):
        super().__init__()
        self.omega_0 = omega_0
        self.is_first = is_first
        self.in_features = in_features
        self.linear = nn.Linear(in_features, out_features, bias=bias)
        self.init_weights()

    def init_weights(self):
        with torch.no_grad():
            if self.is_first:
                self.linear.weight.uniform_(-1 / self.in_features, 1 / self.in_features)
            else:
                self.linear.weight.uniform_(-np.sqrt(6 / self.in_features) / self.omega_0,
                                             np.sqrt(6 / self.in_features) / self.omega_0)

    def forward(self, input):
        return torch.sin(self.omega_0 * self.linear(input))


class Siren(nn.Module):
    def __init__(self, in_features, hidden_features, hidden_layers, out_features, outermost_linear=False,
                 first_omega_0=30, hidden_omega_0=30.):
        super().__init__()
        self.net = []
        self.net.append(SineLayer(in_features, hidden_features, is_first=True, omega_0=first_omega_0))
        for i in range(hidden_layers):
            self.net.append(SineLayer(hidden_features, hidden_features, is_first=False, omega_0=hidden_omega_0))
        if outermost_linear:
            final_linear = nn.Linear(hidden_features, out_features)
            with torch.no_grad():
                final_linear.weight.uniform_(-np.sqrt(6 / hidden_features) / hidden_omega_0,
                                              np.sqrt(6 / hidden_features) / hidden_omega_0)
            self.net.append(final_linear)
        else:
            self.net.append(SineLayer(hidden_features, out_features, is_first=False, omega_0=hidden_omega_0))
        self.net = nn.Sequential(*self.net)

    def forward(self, coords):
        coords = coords.clone().detach().requires_grad_(True) # allows to take derivative w.r.t. input
        output = self.net(coords)
        return output, coords


img_siren = Siren(in_features=2, out_features=1, hidden_features=16, hidden_layers=3, outermost_linear=True)
""",
    inputs=["float32[N,2]"],
)

text(
    "matrix_factorization_with_biases",
    """
import torch
from torch import nn


class MatrixFactorization(torch.nn.Module):

    def __init__(self, n_users, n_items, n_factors=20):
        super().__init__()
        # create user embeddings
        self.user_factors = torch.nn.Embedding(n_users, n_factors)
        # create item embeddings
        self.item_factors = torch.nn.Embedding(n_items, n_factors)
        self.user_biases = torch.nn.Embedding(n_users, 1)
        self.item_biases = torch.nn.Embedding(n_items, 1)
        self.user_factors.weight.data.uniform_(0, 0.05)
        self.item_factors.weight.data.uniform_(0, 0.05)

    def forward(self, user, item):
        # matrix multiplication
        pred = self.user_biases(user) + self.item_biases(item)
        pred += (self.user_factors(user) * self.item_factors(item)).sum(dim=1, keepdim=True)
        return pred.squeeze()

    def predict(self, user, item):
        return self.forward(user, item)


model = MatrixFactorization(20, 30, n_factors=6)
""",
    inputs=["int64[N]", "int64[N]"],
)

text(
    "wide_and_deep_on_columns",
    """
import torch
import torch.nn as nn
import torch.nn.functional as F


class WideDeep(nn.Module):
    def __init__(self, wide_dim, embeddings_input, continuous_cols, hidden_layers=(16, 8), dropout=(0.5, 0.2), n_class=1):
        super().__init__()
        self.embeddings_input = embeddings_input
        self.continuous_cols = continuous_cols
        self.n_class = n_class
        # Build the embedding layers to be passed through the deep-side
        for col, val, dim in self.embeddings_input:
            setattr(self, 'emb_layer_' + col, nn.Embedding(val, dim))
        # Build the deep-side hidden layers with dropout if specified
        input_emb_dim = sum([emb[2] for emb in self.embeddings_input])
        self.linear_1 = nn.Linear(input_emb_dim + len(continuous_cols), hidden_layers[0])
        if dropout:
            self.linear_1_drop = nn.Dropout(dropout[0])
        for i, h in enumerate(hidden_layers[1:], 1):
            setattr(self, 'linear_' + str(i + 1), nn.Linear(hidden_layers[i - 1], hidden_layers[i]))
            if dropout:
                setattr(self, 'linear_' + str(i + 1) + '_drop', nn.Dropout(dropout[i]))
        self.hidden_layers = hidden_layers
        self.dropout = dropout
        # Connect the wide- and dee-side of the model to the output neuron(s)
        self.output = nn.Linear(hidden_layers[-1] + wide_dim, n_class)

    def forward(self, X_w, X_d):
        # Deep Side
        emb = [getattr(self, 'emb_layer_' + col)(X_d[:, i].long()) for i, (col, _, _) in enumerate(self.embeddings_input)]
        n = len(self.embeddings_input)
        cont = [X_d[:, n + i].view(-1, 1) for i, _ in enumerate(self.continuous_cols)]
        deep_inp = torch.cat(emb + cont, 1)
        x_deep = F.relu(self.linear_1(deep_inp))
        if self.dropout:
            x_deep = self.linear_1_drop(x_deep)
        for i in range(1, len(self.hidden_layers)):
            x_deep = F.relu(getattr(self, 'linear_' + str(i + 1))(x_deep))
            if self.dropout:
                x_deep = getattr(self, 'linear_' + str(i + 1) + '_drop')(x_deep)
        # Deep + Wide sides
        wide_deep_input = torch.cat([x_deep, X_w.float()], 1)
        return torch.sigmoid(self.output(wide_deep_input))


model = WideDeep(5, [("education", 4, 3), ("job", 4, 2)], ["age"])
""",
    inputs=["float32[N,5]", "float32[N,3]"],
    whole=True,
    below=2,
)

text(
    "deepfm_with_offsets",
    '''
import numpy as np
import torch


class FeaturesLinear(torch.nn.Module):

    def __init__(self, field_dims, output_dim=1):
        super().__init__()
        self.fc = torch.nn.Embedding(sum(field_dims), output_dim)
        self.bias = torch.nn.Parameter(torch.zeros((output_dim,)))
        self.offsets = np.array((0, *np.cumsum(field_dims)[:-1]), dtype=np.int64)

    def forward(self, x):
        """
        :param x: Long tensor of size ``(batch_size, num_fields)``
        """
        x = x + x.new_tensor(self.offsets).unsqueeze(0)
        return torch.sum(self.fc(x), dim=1) + self.bias


class FeaturesEmbedding(torch.nn.Module):

    def __init__(self, field_dims, embed_dim):
        super().__init__()
        self.embedding = torch.nn.Embedding(sum(field_dims), embed_dim)
        self.offsets = np.array((0, *np.cumsum(field_dims)[:-1]), dtype=np.int64)
        torch.nn.init.xavier_uniform_(self.embedding.weight.data)

    def forward(self, x):
        x = x + x.new_tensor(self.offsets).unsqueeze(0)
        return self.embedding(x)


class FactorizationMachine(torch.nn.Module):

    def __init__(self, reduce_sum=True):
        super().__init__()
        self.reduce_sum = reduce_sum

    def forward(self, x):
        square_of_sum = torch.sum(x, dim=1) ** 2
        sum_of_square = torch.sum(x ** 2, dim=1)
        ix = square_of_sum - sum_of_square
        if self.reduce_sum:
            ix = torch.sum(ix, dim=1, keepdim=True)
        return 0.5 * ix


class MultiLayerPerceptron(torch.nn.Module):

    def __init__(self, input_dim, embed_dims, dropout, output_layer=True):
        super().__init__()
        layers = list()
        for embed_dim in embed_dims:
            layers.append(torch.nn.Linear(input_dim, embed_dim))
            layers.append(torch.nn.BatchNorm1d(embed_dim))
            layers.append(torch.nn.ReLU())
            layers.append(torch.nn.Dropout(p=dropout))
            input_dim = embed_dim
        if output_layer:
            layers.append(torch.nn.Linear(input_dim, 1))
        self.mlp = torch.nn.Sequential(*layers)

    def forward(self, x):
        return self.mlp(x)


class DeepFactorizationMachineModel(torch.nn.Module):
    def __init__(self, field_dims, embed_dim, mlp_dims, dropout):
        super().__init__()
        self.linear = FeaturesLinear(field_dims)
        self.fm = FactorizationMachine(reduce_sum=True)
        self.embedding = FeaturesEmbedding(field_dims, embed_dim)
        self.embed_output_dim = len(field_dims) * embed_dim
        self.mlp = MultiLayerPerceptron(self.embed_output_dim, mlp_dims, dropout)

    def forward(self, x):
        embed_x = self.embedding(x)
        x = self.linear(x) + self.fm(embed_x) + self.mlp(embed_x.view(-1, self.embed_output_dim))
        return torch.sigmoid(x.squeeze(1))


model = DeepFactorizationMachineModel([5, 6, 7], embed_dim=4, mlp_dims=(8, 8), dropout=0.2)
''',
    inputs=["int64[N,3]"],
)

text(
    "fourier_neural_operator_1d",
    """
import torch
import torch.nn as nn
import torch.nn.functional as F


class SpectralConv1d(nn.Module):
    def __init__(self, in_channels, out_channels, modes1):
        super(SpectralConv1d, self).__init__()
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.modes1 = modes1  # Number of Fourier modes to multiply, at most floor(N/2) + 1

        self.scale = (1 / (in_channels * out_channels))
        self.weights1 = nn.Parameter(self.scale * torch.rand(in_channels, out_channels, self.modes1, dtype=torch.cfloat))

    # Complex multiplication
    def compl_mul1d(self, input, weights):
        # (batch, in_channel, x ), (in_channel, out_channel, x) -> (batch, out_channel, x)
        return torch.einsum("bix,iox->box", input, weights)

    def forward(self, x):
        batchsize = x.shape[0]
        # Compute Fourier coeffcients up to factor of e^(- something constant)
        x_ft = torch.fft.rfft(x)

        # Multiply relevant Fourier modes
        out_ft = torch.zeros(batchsize, self.out_channels, x.size(-1) // 2 + 1, device=x.device, dtype=torch.cfloat)
        out_ft[:, :, :self.modes1] = self.compl_mul1d(x_ft[:, :, :self.modes1], self.weights1)

        # Return to physical space
        x = torch.fft.irfft(out_ft, n=x.size(-1))
        return x


class FNO1d(nn.Module):
    def __init__(self, modes, width):
        super(FNO1d, self).__init__()
        self.modes1 = modes
        self.width = width
        self.fc0 = nn.Linear(2, self.width)
        self.conv0 = SpectralConv1d(self.width, self.width, self.modes1)
        self.w0 = nn.Conv1d(self.width, self.width, 1)
        self.fc1 = nn.Linear(self.width, 1)

    def forward(self, x):
        x = self.fc0(x)
        x = x.permute(0, 2, 1)
        x = F.gelu(self.conv0(x) + self.w0(x))
        x = x.permute(0, 2, 1)
        return self.fc1(x)


model = FNO1d(4, 6)
""",
    inputs=["float32[N,16,2]"],
)

text(
    "lazy_layers",
    """
import torch
from torch import nn


class LazyNet(nn.Module):
    def __init__(self, num_classes=10):
        super().__init__()
        self.net = nn.Sequential(
            nn.LazyConv2d(8, kernel_size=3, padding=1), nn.LazyBatchNorm2d(), nn.ReLU(),
            nn.LazyConv2d(16, kernel_size=3, stride=2), nn.LazyBatchNorm2d(), nn.ReLU(),
            nn.Flatten(),
            nn.LazyLinear(32), nn.ReLU(),
            nn.LazyLinear(num_classes))

    def layer_summary(self, X_shape):
        X = torch.randn(*X_shape)
        for layer in self.net:
            X = layer(X)
            print(layer.__class__.__name__, 'output shape:\\t', X.shape)

    def forward(self, X):
        return self.net(X)


model = LazyNet()
model.layer_summary((1, 1, 12, 12))
""",
    target="LazyNet()",
    inputs=["float32[N,1,12,12]"],
)

text(
    "lightning_module",
    """
import torch
from torch import nn
from torch.nn import functional as F
import pytorch_lightning as pl
from torchmetrics import Accuracy


class LitMNIST(pl.LightningModule):
    def __init__(self, data_dir="./data", hidden_size=16, learning_rate=2e-4):
        super().__init__()

        # Set our init args as class attributes
        self.save_hyperparameters()
        self.data_dir = data_dir
        self.hidden_size = hidden_size
        self.learning_rate = learning_rate

        # Hardcode some dataset specific attributes
        self.num_classes = 10
        self.dims = (1, 28, 28)
        channels, width, height = self.dims

        # Define PyTorch model
        self.model = nn.Sequential(
            nn.Flatten(),
            nn.Linear(channels * width * height, hidden_size),
            nn.ReLU(),
            nn.Dropout(0.1),
            nn.Linear(hidden_size, self.num_classes),
        )

        self.val_accuracy = Accuracy(task="multiclass", num_classes=10)

    def forward(self, x):
        x = self.model(x)
        return F.log_softmax(x, dim=1)

    def training_step(self, batch, batch_idx):
        x, y = batch
        logits = self(x)
        loss = F.nll_loss(logits, y)
        self.log("train_loss", loss)
        return loss

    def configure_optimizers(self):
        optimizer = torch.optim.Adam(self.parameters(), lr=self.learning_rate)
        return optimizer


model = LitMNIST()
trainer = pl.Trainer(max_epochs=3)
trainer.fit(model)
""",
    target="LitMNIST()",
    inputs=["float32[N,1,28,28]"],
    executed=(
        ("import pytorch_lightning as pl", ""),
        ("from torchmetrics import Accuracy", ""),
        ("pl.LightningModule", "nn.Module"),
        ("self.save_hyperparameters()", ""),
        ('self.val_accuracy = Accuracy(task="multiclass", num_classes=10)', ""),
        ("trainer = pl.Trainer(max_epochs=3)", ""),
        ("trainer.fit(model)", ""),
    ),
)

text(
    "old_style_variable_and_functional_sigmoid",
    '''
import torch
from torch.autograd import Variable
import torch.nn.functional as F

x_data = Variable(torch.Tensor([[1.0], [2.0], [3.0], [4.0]]))
y_data = Variable(torch.Tensor([[0.], [0.], [1.], [1.]]))


class Model(torch.nn.Module):
    def __init__(self):
        """
        In the constructor we instantiate nn.Linear module
        """
        super(Model, self).__init__()
        self.linear = torch.nn.Linear(1, 1)  # One in and one out

    def forward(self, x):
        """
        In the forward function we accept a Variable of input data and we must return
        a Variable of output data.
        """
        y_pred = F.sigmoid(self.linear(x))
        return y_pred


# our model
model = Model()

criterion = torch.nn.BCELoss(size_average=True)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

# Training loop
for epoch in range(3):
    y_pred = model(x_data)
    loss = criterion(y_pred, y_data)
    print(epoch, loss.data.item())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
''',
)

text(
    "module_dict_of_activations_and_choices",
    """
from torch import nn
import torch


class MyModule(nn.Module):
    def __init__(self):
        super(MyModule, self).__init__()
        self.choices = nn.ModuleDict({
                'conv': nn.Conv2d(10, 10, 3),
                'pool': nn.MaxPool2d(3)
        })
        self.activations = nn.ModuleDict([
                ['lrelu', nn.LeakyReLU()],
                ['prelu', nn.PReLU()]
        ])

    def forward(self, x, choice='conv', act='prelu'):
        x = self.choices[choice](x)
        x = self.activations[act](x)
        return x
""",
    target="MyModule()",
    inputs=["float32[N,10,9,9]"],
)

text(
    "activation_factory_and_conv_block_functions",
    """
import torch.nn as nn


def activation_func(activation):
    return nn.ModuleDict([
        ['relu', nn.ReLU(inplace=True)],
        ['leaky_relu', nn.LeakyReLU(negative_slope=0.01, inplace=True)],
        ['selu', nn.SELU(inplace=True)],
        ['none', nn.Identity()]
    ])[activation]


def conv_block(in_f, out_f, activation='relu', *args, **kwargs):
    return nn.Sequential(
        nn.Conv2d(in_f, out_f, *args, **kwargs),
        nn.BatchNorm2d(out_f),
        activation_func(activation)
    )


def dec_block(in_f, out_f):
    return nn.Sequential(
        nn.Linear(in_f, out_f),
        nn.Sigmoid()
    )


class MyEncoder(nn.Module):
    def __init__(self, enc_sizes, *args, **kwargs):
        super().__init__()
        self.conv_blocks = nn.Sequential(*[conv_block(in_f, out_f, kernel_size=3, padding=1, *args, **kwargs)
                                           for in_f, out_f in zip(enc_sizes, enc_sizes[1:])])

    def forward(self, x):
        return self.conv_blocks(x)


class MyDecoder(nn.Module):
    def __init__(self, dec_sizes, n_classes):
        super().__init__()
        self.dec_blocks = nn.Sequential(*[dec_block(in_f, out_f)
                                          for in_f, out_f in zip(dec_sizes, dec_sizes[1:])])
        self.last = nn.Linear(dec_sizes[-1], n_classes)

    def forward(self, x):
        return self.last(self.dec_blocks(x))


class MyCNNClassifier(nn.Module):
    def __init__(self, in_c, enc_sizes, dec_sizes, n_classes, activation='relu'):
        super().__init__()
        self.enc_sizes = [in_c, *enc_sizes]
        self.dec_sizes = [enc_sizes[-1] * 12 * 12, *dec_sizes]

        self.encoder = MyEncoder(self.enc_sizes, activation=activation)

        self.decoder = MyDecoder(self.dec_sizes, n_classes)

    def forward(self, x):
        x = self.encoder(x)

        x = x.flatten(1) # flat

        x = self.decoder(x)

        return x


model = MyCNNClassifier(1, [4, 8], [16, 8], 10, activation='leaky_relu')
print(model)
""",
    inputs=["float32[N,1,12,12]"],
)

text(
    "abstract_base_with_registry",
    """
from abc import ABC, abstractmethod
from enum import Enum
import torch
import torch.nn as nn

REGISTRY = {}


def register(name):
    def wrap(cls):
        REGISTRY[name] = cls
        return cls
    return wrap


class Pooling(Enum):
    MEAN = "mean"
    MAX = "max"


class BaseModel(nn.Module, ABC):
    @abstractmethod
    def forward(self, *inputs):
        raise NotImplementedError

    @property
    def num_params(self):
        return sum(p.numel() for p in self.parameters() if p.requires_grad)

    def __str__(self):
        return super().__str__() + "\\nTrainable parameters: {}".format(self.num_params)


@register("mlp")
class MLP(BaseModel):
    hidden = 12

    def __init__(self, n_in, n_out, *, pooling=Pooling.MEAN, **unused):
        super().__init__()
        self.body = nn.Linear(n_in, self.hidden)
        self.head = nn.Linear(self.hidden, n_out)
        self.pooling = pooling

    def forward(self, x):
        h = torch.relu(self.body(x))
        if self.pooling is Pooling.MEAN:
            h = h.mean(dim=1)
        elif self.pooling == Pooling.MAX:
            h = h.max(dim=1).values
        return self.head(h)


@register("wide_mlp")
class WideMLP(MLP):
    hidden = 24


def build_model(cfg):
    cfg = dict(cfg)
    return REGISTRY[cfg.pop("name")](**cfg)


model = build_model({"name": "wide_mlp", "n_in": 5, "n_out": 2, "pooling": Pooling.MAX, "lr": 1e-3})
""",
    inputs=["float32[N,7,5]"],
)

text(
    "dict_and_namedtuple_outputs",
    """
from typing import NamedTuple, Dict
import torch
from torch import nn, Tensor


class Encoded(NamedTuple):
    mean: Tensor
    log_var: Tensor


class Encoder(nn.Module):
    def __init__(self, dim: int, latent: int):
        super().__init__()
        self.to_latent = nn.Linear(dim, 2 * latent)

    def forward(self, x: Tensor) -> Encoded:
        mean, log_var = self.to_latent(x).chunk(2, dim=-1)
        return Encoded(mean, log_var)


class Model(nn.Module):
    def __init__(self, dim: int = 6, latent: int = 3):
        super().__init__()
        self.encoder = Encoder(dim, latent)
        self.decoder = nn.Linear(latent, dim)

    def forward(self, x: Tensor) -> Dict[str, Tensor]:
        code = self.encoder(x)
        z = code.mean + torch.randn_like(code.mean) * (0.5 * code.log_var).exp() if self.training else code.mean
        return {"z": z, "reconstruction": self.decoder(z), "mean": code.mean}
""",
    target="Model()",
)

text(
    "inputs_as_a_dict",
    """
import torch
import torch.nn as nn


class TwoTowers(nn.Module):
    def __init__(self):
        super().__init__()
        self.left = nn.Linear(3, 4)
        self.right = nn.Linear(2, 4)

    def forward(self, batch):
        return self.left(batch["a"]) * self.right(batch["b"])


model = TwoTowers()
model({"a": torch.randn(5, 3), "b": torch.randn(5, 2)})
""",
    target="TwoTowers()",
    refused="by a name",
)

text(
    "tied_autoencoder_by_functional_linear",
    """
import torch
import torch.nn as nn
import torch.nn.functional as F


class TiedAutoEncoder(nn.Module):
    def __init__(self, inp, out, weight=None):
        super().__init__()
        self.weight = weight or nn.Parameter(torch.randn(out, inp))
        self.bias = nn.Parameter(torch.randn(out))
        self.decoder_bias = nn.Parameter(torch.zeros(inp))

    def forward(self, input):
        encoded_feats = F.linear(input, self.weight, self.bias)
        reconstructed_output = F.linear(encoded_feats, self.weight.t(), self.decoder_bias)
        return encoded_feats, reconstructed_output


model = TiedAutoEncoder(6, 3)
""",
    inputs=["float32[N,6]"],
)

text(
    "real_nvp_coupling",
    """
import torch
from torch import nn


class CouplingLayer(nn.Module):
    def __init__(self, dim, hidden_dim, mask):
        super().__init__()
        self.s_net = nn.Sequential(nn.Linear(dim, hidden_dim), nn.LeakyReLU(), nn.Linear(hidden_dim, dim), nn.Tanh())
        self.t_net = nn.Sequential(nn.Linear(dim, hidden_dim), nn.LeakyReLU(), nn.Linear(hidden_dim, dim))
        self.register_buffer("mask", mask)

    def forward(self, x):
        x_masked = x * self.mask
        s = self.s_net(x_masked) * (1 - self.mask)
        t = self.t_net(x_masked) * (1 - self.mask)
        z = x_masked + (1 - self.mask) * (x * torch.exp(s) + t)
        return z, s.sum(dim=1)


class RealNVP(nn.Module):
    def __init__(self, dim=4, hidden=8, n_layers=4):
        super().__init__()
        masks = [torch.arange(dim) % 2 == i % 2 for i in range(n_layers)]
        self.layers = nn.ModuleList([CouplingLayer(dim, hidden, m.float()) for m in masks])

    def forward(self, x):
        log_det = torch.zeros(x.shape[0], device=x.device)
        for layer in self.layers:
            x, ld = layer(x)
            log_det += ld
        return x, log_det


flow = RealNVP()
""",
    inputs=["float32[N,4]"],
)

text(
    "diffusion_unet_with_time_embedding",
    '''
import math
import torch
from torch import nn


class SinusoidalPositionEmbeddings(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, time):
        device = time.device
        half_dim = self.dim // 2
        embeddings = math.log(10000) / (half_dim - 1)
        embeddings = torch.exp(torch.arange(half_dim, device=device) * -embeddings)
        embeddings = time[:, None] * embeddings[None, :]
        embeddings = torch.cat((embeddings.sin(), embeddings.cos()), dim=-1)
        return embeddings


class Block(nn.Module):
    def __init__(self, in_ch, out_ch, time_emb_dim, up=False):
        super().__init__()
        self.time_mlp =  nn.Linear(time_emb_dim, out_ch)
        if up:
            self.conv1 = nn.Conv2d(2*in_ch, out_ch, 3, padding=1)
            self.transform = nn.ConvTranspose2d(out_ch, out_ch, 4, 2, 1)
        else:
            self.conv1 = nn.Conv2d(in_ch, out_ch, 3, padding=1)
            self.transform = nn.Conv2d(out_ch, out_ch, 4, 2, 1)
        self.conv2 = nn.Conv2d(out_ch, out_ch, 3, padding=1)
        self.bnorm1 = nn.BatchNorm2d(out_ch)
        self.bnorm2 = nn.BatchNorm2d(out_ch)
        self.relu  = nn.ReLU()

    def forward(self, x, t, ):
        # First Conv
        h = self.bnorm1(self.relu(self.conv1(x)))
        # Time embedding
        time_emb = self.relu(self.time_mlp(t))
        # Extend last 2 dimensions
        time_emb = time_emb[(..., ) + (None, ) * 2]
        # Add time channel
        h = h + time_emb
        # Second Conv
        h = self.bnorm2(self.relu(self.conv2(h)))
        # Down or Upsample
        return self.transform(h)


class SimpleUnet(nn.Module):
    """
    A simplified variant of the Unet architecture.
    """
    def __init__(self):
        super().__init__()
        image_channels = 3
        down_channels = (4, 8, 12)
        up_channels = (12, 8, 4)
        out_dim = 3
        time_emb_dim = 8

        # Time embedding
        self.time_mlp = nn.Sequential(
                SinusoidalPositionEmbeddings(time_emb_dim),
                nn.Linear(time_emb_dim, time_emb_dim),
                nn.ReLU()
            )

        # Initial projection
        self.conv0 = nn.Conv2d(image_channels, down_channels[0], 3, padding=1)

        # Downsample
        self.downs = nn.ModuleList([Block(down_channels[i], down_channels[i+1], \\
                                    time_emb_dim) \\
                    for i in range(len(down_channels)-1)])
        # Upsample
        self.ups = nn.ModuleList([Block(up_channels[i], up_channels[i+1], \\
                                        time_emb_dim, up=True) \\
                    for i in range(len(up_channels)-1)])

        self.output = nn.Conv2d(up_channels[-1], out_dim, 1)

    def forward(self, x, timestep):
        # Embedd time
        t = self.time_mlp(timestep)
        # Initial conv
        x = self.conv0(x)
        # Unet
        residual_inputs = []
        for down in self.downs:
            x = down(x, t)
            residual_inputs.append(x)
        for up in self.ups:
            residual_x = residual_inputs.pop()
            # Add residual x as additional channels
            x = torch.cat((x, residual_x), dim=1)
            x = up(x, t)
        return self.output(x)


model = SimpleUnet()
print("Num params: ", sum(p.numel() for p in model.parameters()))
''',
    inputs=["float32[N,3,8,8]", "int64[N]"],
)

text(
    "kolmogorov_arnold_splines",
    """
import math
import torch
import torch.nn.functional as F


class KANLinear(torch.nn.Module):
    def __init__(self, in_features, out_features, grid_size=5, spline_order=3, scale_base=1.0,
                 base_activation=torch.nn.SiLU, grid_range=[-1, 1]):
        super(KANLinear, self).__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.grid_size = grid_size
        self.spline_order = spline_order

        h = (grid_range[1] - grid_range[0]) / grid_size
        grid = (
            (
                torch.arange(-spline_order, grid_size + spline_order + 1) * h
                + grid_range[0]
            )
            .expand(in_features, -1)
            .contiguous()
        )
        self.register_buffer("grid", grid)

        self.base_weight = torch.nn.Parameter(torch.Tensor(out_features, in_features))
        self.spline_weight = torch.nn.Parameter(
            torch.Tensor(out_features, in_features, grid_size + spline_order)
        )
        self.scale_base = scale_base
        self.base_activation = base_activation()
        self.reset_parameters()

    def reset_parameters(self):
        torch.nn.init.kaiming_uniform_(self.base_weight, a=math.sqrt(5) * self.scale_base)
        torch.nn.init.normal_(self.spline_weight, 0.0, 0.1)

    def b_splines(self, x: torch.Tensor):
        assert x.dim() == 2 and x.size(1) == self.in_features

        grid: torch.Tensor = (
            self.grid
        )  # (in_features, grid_size + 2 * spline_order + 1)
        x = x.unsqueeze(-1)
        bases = ((x >= grid[:, :-1]) & (x < grid[:, 1:])).to(x.dtype)
        for k in range(1, self.spline_order + 1):
            bases = (
                (x - grid[:, : -(k + 1)])
                / (grid[:, k:-1] - grid[:, : -(k + 1)])
                * bases[:, :, :-1]
            ) + (
                (grid[:, k + 1 :] - x)
                / (grid[:, k + 1 :] - grid[:, 1:(-k)])
                * bases[:, :, 1:]
            )

        assert bases.size() == (
            x.size(0),
            self.in_features,
            self.grid_size + self.spline_order,
        )
        return bases.contiguous()

    def forward(self, x: torch.Tensor):
        base_output = F.linear(self.base_activation(x), self.base_weight)
        spline_output = F.linear(
            self.b_splines(x).view(x.size(0), -1),
            self.spline_weight.view(self.out_features, -1),
        )
        return base_output + spline_output


class KAN(torch.nn.Module):
    def __init__(self, layers_hidden, grid_size=5, spline_order=3):
        super(KAN, self).__init__()
        self.layers = torch.nn.ModuleList()
        for in_features, out_features in zip(layers_hidden, layers_hidden[1:]):
            self.layers.append(KANLinear(in_features, out_features, grid_size=grid_size, spline_order=spline_order))

    def forward(self, x: torch.Tensor, update_grid=False):
        for layer in self.layers:
            if update_grid:
                layer.update_grid(x)
            x = layer(x)
        return x


model = KAN([3, 4, 2])
""",
    inputs=["float32[N,3]"],
)

text(
    "config_class_and_builder_from_strings",
    """
import torch
import torch.nn as nn


class Config:
    layers = [16, 16]
    activation = "ReLU"
    norm = "LayerNorm"
    dropout = 0.1


class MLP(nn.Module):
    def __init__(self, cfg, in_features, out_features):
        super().__init__()
        act = getattr(nn, cfg.activation)
        norm = getattr(nn, cfg.norm) if cfg.norm else None
        layers, last = [], in_features
        for width in cfg.layers:
            layers.append(nn.Linear(last, width))
            if norm is not None:
                layers.append(norm(width))
            layers += [act(), nn.Dropout(cfg.dropout)]
            last = width
        layers.append(nn.Linear(last, out_features))
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return self.layers(x)


cfg = Config()
model = MLP(cfg, 7, 3)
""",
    inputs=["float32[N,7]"],
)

text(
    "argparse_with_getattr_choice",
    '''
import argparse
import torch
import torch.nn as nn


def get_args():
    p = argparse.ArgumentParser()
    p.add_argument("--rnn", default="LSTM", choices=["RNN", "LSTM", "GRU"])
    p.add_argument("--nhid", type=int, default=10)
    p.add_argument("--nlayers", type=int, default=2)
    p.add_argument("--tied", action="store_true")
    return p.parse_args()


class RNNModel(nn.Module):
    """Container module with an encoder, a recurrent module, and a decoder."""

    def __init__(self, rnn_type, ntoken, ninp, nhid, nlayers, dropout=0.5, tie_weights=False):
        super(RNNModel, self).__init__()
        self.ntoken = ntoken
        self.drop = nn.Dropout(dropout)
        self.encoder = nn.Embedding(ntoken, ninp)
        if rnn_type in ['LSTM', 'GRU']:
            self.rnn = getattr(nn, rnn_type)(ninp, nhid, nlayers, dropout=dropout)
        else:
            try:
                nonlinearity = {'RNN_TANH': 'tanh', 'RNN_RELU': 'relu'}[rnn_type]
            except KeyError as e:
                raise ValueError("""An invalid option for `--model` was supplied,
                                 options are ['LSTM', 'GRU', 'RNN_TANH' or 'RNN_RELU']""") from e
            self.rnn = nn.RNN(ninp, nhid, nlayers, nonlinearity=nonlinearity, dropout=dropout)
        self.decoder = nn.Linear(nhid, ntoken)
        if tie_weights:
            if nhid != ninp:
                raise ValueError('When using the tied flag, nhid must be equal to emsize')
            self.decoder.weight = self.encoder.weight

        self.init_weights()
        self.rnn_type = rnn_type
        self.nhid = nhid
        self.nlayers = nlayers

    def init_weights(self):
        initrange = 0.1
        nn.init.uniform_(self.encoder.weight, -initrange, initrange)
        nn.init.zeros_(self.decoder.bias)
        nn.init.uniform_(self.decoder.weight, -initrange, initrange)

    def forward(self, input, hidden):
        emb = self.drop(self.encoder(input))
        output, hidden = self.rnn(emb, hidden)
        output = self.drop(output)
        decoded = self.decoder(output)
        decoded = decoded.view(-1, self.ntoken)
        return torch.log_softmax(decoded, dim=1), hidden

    def init_hidden(self, bsz):
        weight = next(self.parameters())
        if self.rnn_type == 'LSTM':
            return (weight.new_zeros(self.nlayers, bsz, self.nhid),
                    weight.new_zeros(self.nlayers, bsz, self.nhid))
        else:
            return weight.new_zeros(self.nlayers, bsz, self.nhid)


if __name__ == "__main__":
    args = get_args()
    model = RNNModel("GRU", 20, 10, args.nhid, args.nlayers, tie_weights=True)
''',
    target="RNNModel('GRU', 20, 10, 10, 2, tie_weights=True)",
    inputs=["int64[5,N]", "float32[2,N,10]"],
)

text(
    "data_dependent_branch_and_shared_middle",
    """
import random
import torch
import math


class DynamicNet(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.input_linear = torch.nn.Linear(5, 8)
        self.middle_linear = torch.nn.Linear(8, 8)
        self.output_linear = torch.nn.Linear(8, 2)

    def forward(self, x):
        h_relu = self.input_linear(x).clamp(min=0)
        if h_relu.sum() > 3:
            h_relu = self.middle_linear(h_relu).clamp(min=0)
        y_pred = self.output_linear(h_relu)
        return y_pred


model = DynamicNet()
""",
    inputs=["float32[N,5]"],
)

text(
    "dynamic_net_with_random_repeats",
    """
import random
import torch


class DynamicNet(torch.nn.Module):
    def __init__(self, D_in, H, D_out):
        super(DynamicNet, self).__init__()
        self.input_linear = torch.nn.Linear(D_in, H)
        self.middle_linear = torch.nn.Linear(H, H)
        self.output_linear = torch.nn.Linear(H, D_out)

    def forward(self, x):
        h_relu = self.input_linear(x).clamp(min=0)
        for _ in range(random.randint(0, 3)):
            h_relu = self.middle_linear(h_relu).clamp(min=0)
        y_pred = self.output_linear(h_relu)
        return y_pred


model = DynamicNet(5, 8, 2)
""",
    inputs=["float32[N,5]"],
    refused="random",
)

text(
    "fastai_style_helpers",
    """
import torch
from torch import nn
from functools import partial


class Lambda(nn.Module):
    def __init__(self, func):
        super().__init__()
        self.func = func

    def forward(self, x): return self.func(x)


def flatten(x): return x.view(x.shape[0], -1)


class GeneralRelu(nn.Module):
    def __init__(self, leak=None, sub=None, maxv=None):
        super().__init__()
        self.leak, self.sub, self.maxv = leak, sub, maxv

    def forward(self, x):
        x = nn.functional.leaky_relu(x, self.leak) if self.leak is not None else nn.functional.relu(x)
        if self.sub is not None: x.sub_(self.sub)
        if self.maxv is not None: x.clamp_max_(self.maxv)
        return x


def conv_layer(ni, nf, ks=3, stride=2, **kwargs):
    return nn.Sequential(nn.Conv2d(ni, nf, ks, padding=ks // 2, stride=stride), GeneralRelu(**kwargs))


def get_cnn_layers(data_c, nfs, layer, **kwargs):
    nfs = [1] + nfs
    return [layer(nfs[i], nfs[i + 1], 5 if i == 0 else 3, **kwargs)
            for i in range(len(nfs) - 1)] + [nn.AdaptiveAvgPool2d(1), Lambda(flatten), nn.Linear(nfs[-1], data_c)]


def get_cnn_model(data_c, nfs, layer, **kwargs): return nn.Sequential(*get_cnn_layers(data_c, nfs, layer, **kwargs))


model = get_cnn_model(10, [4, 8, 8], conv_layer, leak=0.1, sub=0.4, maxv=6.)
""",
    inputs=["float32[N,1,16,16]"],
)

text(
    "two_inputs_and_several_losses_in_forward",
    """
import torch
import torch.nn as nn
import torch.nn.functional as F
from typing import Optional, Tuple


class VAE(nn.Module):
    def __init__(self, in_dim: int = 12, hidden: Tuple[int, ...] = (10, 8), latent: int = 3):
        super().__init__()
        enc: list[nn.Module] = []
        last = in_dim
        for h in hidden:
            enc.extend((nn.Linear(last, h), nn.ReLU()))
            last = h
        self.encoder = nn.Sequential(*enc)
        self.fc_mu, self.fc_var = (nn.Linear(last, latent) for _ in range(2))
        dec = []
        for h in hidden[::-1]:
            dec += [nn.Linear(latent if not dec else last, h), nn.ReLU()]
            last = h
        self.decoder = nn.Sequential(*dec, nn.Linear(last, in_dim))

    def reparameterize(self, mu: torch.Tensor, logvar: torch.Tensor) -> torch.Tensor:
        if self.training:
            std = logvar.mul(0.5).exp_()
            eps = std.data.new(std.size()).normal_()
            return eps.mul(std).add_(mu)
        else:
            return mu

    def forward(self, x: torch.Tensor, beta: float = 1.0):
        h = self.encoder(x)
        mu, logvar = self.fc_mu(h), self.fc_var(h)
        recon = self.decoder(self.reparameterize(mu, logvar))
        kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
        loss = F.mse_loss(recon, x, reduction="sum") + beta * kld
        return recon, loss
""",
    target="VAE()",
)

text(
    "maxout_and_sequential_of_own_classes",
    """
import torch as th
import torch.nn as nn


class Maxout(nn.Module):
    def __init__(self, d_in, d_out, pool_size):
        super().__init__()
        self.d_in, self.d_out, self.pool_size = d_in, d_out, pool_size
        self.lin = nn.Linear(d_in, d_out * pool_size)

    def forward(self, inputs):
        shape = list(inputs.size())
        shape[-1] = self.d_out
        shape.append(self.pool_size)
        max_dim = len(shape) - 1
        out = self.lin(inputs)
        m, i = out.view(*shape).max(max_dim)
        return m


class PrintShape(nn.Module):
    def forward(self, x):
        print(x.shape)
        return x


model = nn.Sequential(Maxout(6, 4, 2), PrintShape(), nn.Dropout(p=.2), Maxout(4, 3, 3), nn.Softmax(dim=-1))
""",
    inputs=["float32[N,6]"],
)

text(
    "one_activation_under_many_names",
    """
import torch
import torch.nn as nn

act = nn.PReLU()
shared = nn.Linear(4, 4)
net = nn.Sequential(nn.Linear(3, 4), act, shared, act, shared, nn.Linear(4, 1))
""",
    inputs=["float32[N,3]"],
)

text(
    "shared_layer_as_in_the_book",
    """
import torch
from torch import nn


class FixedHiddenMLP(nn.Module):
    def __init__(self):
        super().__init__()
        # Random weight parameters that will not compute gradients and
        # therefore keep constant during training
        self.rand_weight = torch.rand((20, 20))
        self.linear = nn.Linear(20, 20)

    def forward(self, X):
        X = self.linear(X)
        X = torch.relu(X @ self.rand_weight + 1)
        # Reuse the fully connected layer. This is equivalent to sharing
        # parameters with two fully connected layers
        X = self.linear(X)
        # Control flow
        while X.abs().sum() > 1:
            X /= 2
        return X.sum()


net = FixedHiddenMLP()
""",
    inputs=["float32[N,20]"],
    refused="loop",
)

text(
    "numpy_inside_forward",
    """
import numpy as np
import torch
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x):
        h = self.fc(x)
        top = np.sort(h.detach().numpy(), axis=1)
        return h + torch.from_numpy(top)
""",
    inputs=["float32[N,4]"],
    refused="numpy",
)
