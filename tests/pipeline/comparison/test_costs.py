"""Costs of the inputs: parameters by hand."""

from galfeat.pipeline.comparison.costs import layer_sizes


def test_parameters_of_a_layer_by_hand() -> None:
    first = layer_sizes(3, 13_000)[0]
    # 64 x 64 pixels: an image-to-image layer has a weight for each pair of pixels, and biases
    assert first.parameters == 4096**2 + 4096
    # 64 hidden units on three bands
    assert 64 * (3 * 4096 + 1) in vars(first).values()
    assert 13_000 in vars(first).values()
