"""Looking inside: the autograd graph, the architecture, the weights of a run, and the figures.

    autograd.autograd_graph(graph, (5,))      # what PyTorch recorded in a real forward pass, as DOT
    architecture.architecture_graph(graph)    # the network as boxes and wires, as DOT
    weights.weights(run, epoch)               # every parameter after an epoch, by name and index

`theme` holds the colours of everything drawn, `figures` the plotly charts.
"""
