"""The snippets people learn from: tutorials' networks as their pages show them."""

from __future__ import annotations

import pytest

from builder.code.reading import read_here
from tests.code.reading.harness import check

PAGE = """
# Building networks

```python
import torch
from torch import nn
x = torch.randn(5, 2)
model = nn.Sequential(nn.Linear(2, 5),
                      nn.Linear(5, 10),
                      nn.Linear(10, 3))
print(model(x))
```

**Output:**
```
tensor([[-1.5670,  1.2422]])
```

## Custom

```python
class MyModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(2, 5)
        self.fc2 = nn.Linear(5, 10)
        self.fc3 = nn.Linear(10, 3)
        self.act = nn.Sigmoid()

    def forward(self, x):
        x = self.fc1(x)
        x = self.act(x)
        x = self.fc2(x)
        x = self.act(x)
        x = self.fc3(x)
        x = self.act(x)
        return x

model = MyModel()
x = torch.randn(5, 2)
y = model(x)
print(model.fc1.weight)
```
"""

REGRESSION = """
import torch
import torch.nn as nn
import torch.optim as optim

class LinearRegression(nn.Module):
    def __init__(self, input_dim, output_dim):
        super(LinearRegression, self).__init__()
        self.linear = nn.Linear(input_dim, output_dim)

    def forward(self, x):
        return self.linear(x)

input_dim = 1
output_dim = 1
num_epochs = 1000
model = LinearRegression(input_dim, output_dim)
criterion = nn.MSELoss()
optimizer = optim.SGD(model.parameters(), lr=0.01)
X = torch.randn(100, input_dim)
y = 2*X + 1 + torch.randn(100, output_dim)
for epoch in range(num_epochs):
    outputs = model(X)
    loss = criterion(outputs, y)
    loss.backward()
"""

CNN = """
import torch.nn as nn

class CNN(nn.Module):
    def __init__(self):
        super(CNN, self).__init__()
        self.conv1 = nn.Conv2d(3, 16, kernel_size=3, padding=1)
        self.relu = nn.ReLU()
        self.pool = nn.MaxPool2d(kernel_size=2, stride=2)
        self.conv2 = nn.Conv2d(16, 32, kernel_size=3, padding=1)
        self.fc1 = nn.Linear(32 * 8 * 8, 128) # Assuming 32x32 input images
        self.fc2 = nn.Linear(128, 10) # 10 classes

    def forward(self, x):
        x = self.pool(self.relu(self.conv1(x)))
        x = self.pool(self.relu(self.conv2(x)))
        x = x.view(-1, 32 * 8 * 8)
        x = self.relu(self.fc1(x))
        x = self.fc2(x)
        return x
"""

CUSTOM = """
import torch
import torch.nn as nn
import torch.nn.functional as F

class SimpleNet(nn.Module):
    def __init__(self, input_size, hidden_size, output_size):
        super(SimpleNet, self).__init__()
        self.layer1 = nn.Linear(input_size, hidden_size)
        self.layer2 = nn.Linear(hidden_size, output_size)

    def forward(self, x):
        x = self.layer1(x)
        x = F.relu(x)
        x = self.layer2(x)
        return x

input_features = 784
hidden_neurons = 128
output_classes = 10
model_custom = SimpleNet(input_features, hidden_neurons, output_classes)
print(model_custom)
"""

ORDERED = """
from collections import OrderedDict
import torch.nn as nn
model = nn.Sequential(OrderedDict([('fc1', nn.Linear(16, 12)), ('relu1', nn.ReLU()),
    ('fc2', nn.Linear(12, 10)), ('relu2', nn.ReLU()), ('fc3', nn.Linear(10, 1)), ('sigmoid', nn.Sigmoid())]))
"""


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        (REGRESSION, ("N", 1)),
        (CNN, ("N", 3, 32, 32)),
        (CUSTOM, ("N", 784)),
        (ORDERED, ("N", 16)),
    ],
)
def test_a_snippet_is_read_with_the_input_it_means(text: str, shape: tuple[object, ...]) -> None:
    read = check(text)
    assert read.graph.inputs[0].spec is not None
    assert read.graph.inputs[0].spec.shape == shape


def test_a_whole_page_is_read_by_the_code_in_its_fences() -> None:
    read = read_here(PAGE)
    assert read.graph.name == "MyModel"
    assert [o.name for o in read.graph.owners.values()] == ["fc1", "fc2", "fc3", "act"]
    assert read.assumptions == ()
    chain = read_here(PAGE, "nn.Sequential(nn.Linear(2, 5), nn.ReLU())", ["float32[N,2]"])
    assert len(chain.graph.owners) == 2


def test_every_node_knows_its_place_in_the_text() -> None:
    read = read_here(CNN)
    first = read.lines["", "conv1"]
    assert (first[0][0], first[1][0]) == (15, 7)
