"""The perceptron, universal approximation, and the lecture's figures.

The drawings take numbers or a `galfeat.nn.training.trace.Trace` and return a matplotlib `Figure` of
their own, without any global state; `animation` makes a page that needs nothing but a browser.
Import them from their modules:

``perceptron``, ``approximation``
    `Perceptron`: one neuron; `relu_approximation`: any function of one variable as a network.
``functions``
    `draw_activations` and `draw_approximation`: functions of one variable.
``learning``
    `draw_losses` and `draw_boundary`: training, from its traces.
``surfaces``, ``paths``
    a function of two parameters with several minima, and `draw_paths`: the paths of all optimizers
    over it.
``animation``
    `animation`: a small network learning, as an HTML page.
"""
