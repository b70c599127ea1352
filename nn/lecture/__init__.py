"""The perceptron, universal approximation, and the lecture's figures.

The plotting functions take arrays or a `galfeat.nn.training.trace.Trace` and return a matplotlib
`Figure`, without global state; `animation` returns a self-contained HTML page. Import them from
their modules:

``perceptron``, ``approximation``
    `Perceptron`: Rosenblatt's learning rule; `relu_approximation`: a function of one variable as a
    network.
``functions``
    `draw_activations` and `draw_approximation`: functions of one variable.
``learning``
    `draw_losses` and `draw_boundary`: learning curves and decision boundaries.
``surfaces``, ``paths``
    a test function with several minima, and `draw_paths`: the paths of all optimizers on it.
``animation``
    `animation`: the training of a small network, as an HTML page.
``style``
    colors and axes.
"""
