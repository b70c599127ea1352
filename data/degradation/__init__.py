"""Degradation of images: galaxies as another survey, night or distance would show them.

`exposure`
    `Exposure`: the light of a band, and what is known of the noise that is still in it;
    `exposure_of` takes a measured image apart, `with_noise` adds the noise that is missing.
`blurring`, `rescaling`, `dimming`, `color`
    What changes the light, as functions from exposure to exposure: a broader point spread
    function, a smaller galaxy, fainter light, other filters and zero points.
`noise`
    Noise of a given level and correlation, alone.
`background`, `neighbor`, `pictures`
    What comes on top of finished images: a gradient of the sky, a bright neighbor, 8 bits and JPEG.

A real image cannot be freed of its noise, which every change of the light changes too. It is
therefore followed through all steps, and only what is missing to the noise of the other survey is
added in the end: its level and correlation are then right, and the light is as that survey would
see it. What cannot be made is an image with less noise than is left.
"""
