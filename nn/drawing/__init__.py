"""The lecture's pictures: what activations look like, how losses fall, how a boundary moves, where optimizers go.

Every function takes numbers or a `galfeat.nn.trace.Trace` and returns a matplotlib `Figure` of its own, without any global state;
`animation` makes a page that needs nothing but a browser. Import them from their modules:

``functions``
    `draw_activations` and `draw_approximation`: functions of one variable.
``learning``
    `draw_losses` and `draw_boundary`: training, from its traces.
``surfaces``, ``paths``
    a landscape of two parameters with several minima, and `draw_paths`: the ways of all optimizers over it.
``animation``
    `animation`: a small network learning, as an HTML page.
"""
