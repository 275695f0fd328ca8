"""Paints a landscape from words, a seed and a look. To default_pipeline.py it is the content of a checkpoint.

Everything is laid out in units of the image's height, so one prompt and seed give one scene at any size.
"""
from zlib import crc32

import numpy as np
from PIL import Image, ImageDraw

# Features of a prompt, and the words that name them. A negative prompt removes a feature.
FEATURES = {
    'water': 'water sea lake ocean river beach coast pond boat ship sailboat island reflection',
    'night': 'night midnight moon moonlit stars starry dark aurora',
    'sunset': 'sunset sunrise dusk dawn evening golden warm',
    'clouds': 'cloud clouds cloudy sky storm dramatic soft',
    'mist': 'mist misty fog foggy haze dreamy morning',
    'forest': 'forest forests tree trees wood woods pine pines jungle',
    'snow': 'snow snowy winter ice frozen alps',
    'city': 'city town skyline building buildings street skyscraper',
    'poster': 'poster flat minimal minimalist vector cartoon illustration',
    'cat': 'cat cats kitten kitty',
    'boat': 'boat boats ship sailboat sailing',
    'house': 'house cabin cottage home hut',
    'birds': 'bird birds seagull seagulls swallow',
}

# Silhouettes on a unit square, y downwards, feet on y = 1.
SHAPES = {
    'cat': [('ellipse', (.28, .46, .72, 1.02)), ('polygon', (.38, .34, .62, .34, .70, .72, .30, .72)),
            ('ellipse', (.33, .14, .67, .46)), ('polygon', (.34, .28, .33, .03, .49, .17)),
            ('polygon', (.66, .28, .67, .03, .51, .17)), ('arc', (.56, .62, .94, 1.0, -75, 120, .055))],
    'boat': [('polygon', (.08, .78, .92, .78, .76, 1.0, .24, 1.0)),
             ('polygon', (.50, .05, .50, .72, .14, .72)),
             ('polygon', (.54, .16, .54, .72, .82, .72))],
    'house': [('polygon', (.10, .52, .50, .12, .90, .52)),
              ('polygon', (.18, .50, .82, .50, .82, 1.0, .18, 1.0)),
              ('polygon', (.64, .10, .74, .10, .74, .44, .64, .36))],
    'birds': [('arc', (.00, .30, .22, .52, 200, 340, .02)), ('arc', (.19, .30, .41, .52, 200, 340, .02)),
              ('arc', (.52, .02, .68, .18, 200, 340, .018)), ('arc', (.66, .02, .82, .18, 200, 340, .018)),
              ('arc', (.70, .58, .84, .72, 200, 340, .016)), ('arc', (.82, .58, .96, .72, 200, 340, .016))],
}


def features_in(prompt: str, negative: str) -> set[str]:
    """Return the features that a prompt names, without those that its negative prompt names."""
    def named(text: str) -> set[str]:
        words = set(''.join(c if c.isalpha() else ' ' for c in text.casefold()).split())
        return {feature for feature, names in FEATURES.items() if words & set(names.split())}
    return named(prompt) - named(negative)


def paint(width: int, height: int, prompt: str, negative: str, seed: int, look: dict) -> np.ndarray:
    """Return the scene as float32 HxWx3, RGB in 0..1.

    Inside, the three colours are planes, 3xHxW: numpy is several times slower with a last axis of three.
    """
    has = features_in(prompt, negative)
    rng = np.random.default_rng([seed, crc32(f'{prompt}\n{negative}'.encode())])
    palette = _palette(look, has, crc32(prompt.encode()))
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / height
    aspect = width / height

    shore = rng.uniform(.66, .74)
    watery = rng.random() < .4 and not has & {'city', 'forest', 'cat', 'house'}
    shore = shore if watery or 'water' in has else 2.0  # 2: below the image
    sun = rng.uniform(.2, .8) * aspect, rng.uniform(.20, .36) + ('sunset' in has) * .15

    picture = _sky(x, y, palette, sun, rng, has, aspect)
    ground = np.full(width, .74)
    for layer in range(5):
        near = layer / 4
        ground = _ridge(x[0], near, rng, has)
        colour = palette['far'] * (1 - near) + palette['near'] * near
        if 'snow' in has:
            colour = colour * .3 + _planes([.90, .94, 1.]) * (.68 - .12 * near)
        reach, most = (1.2, .75) if 'mist' in has else (2.4, .4)
        top = max(0, int(ground.min() * height) - 1)  # the first row that the layer reaches
        rows, depth = y[top:], y[top:] - ground
        shade = colour + (palette['horizon'] - colour) * (np.clip(depth * reach, 0, 1) * (most * (1 - near * .7)))
        if 'city' in has and .25 <= near < 1:
            shade = np.where(_windows(x[top:], rows, ground, rng), palette['sun'], shade)
        _cover(picture[:, top:], shade, np.clip(depth * height + .5, 0, 1))
        if layer == 2 and 'birds' in has:
            _stamp(picture, 'birds', sun[0], .42, .22, palette['near'])
    if shore < 1:
        picture = _water(picture, x, y, shore, palette, rng)
        if has & {'cat', 'house'}:  # a figure at the water needs a bank to stand on
            ground = ground * .4 + .51
            _cover(picture, palette['near'], np.clip((y - ground) * height + .5, 0, 1))
    spot = rng.uniform(.3, .7) * aspect
    for name in sorted(has & {'cat', 'house', 'boat'}):
        base = shore + .1 if name == 'boat' else ground[min(int(spot * height), width - 1)] + .03
        size = {'cat': .34, 'house': .17, 'boat': .20}[name]
        _stamp(picture, name, spot, min(base, .93), size, palette['near'] * .45)
        spot = aspect - spot
    return _finish(picture, x, y, aspect, look, has)


def _planes(values):
    """Return a number, or one for each colour, as 3x1x1."""
    return np.broadcast_to(np.float32(values), 3).reshape(3, 1, 1)


def _cover(picture, colour, alpha):
    """Put a colour, or a picture, on a picture where alpha is above 0."""
    picture += (colour - picture) * alpha


def _palette(look: dict, has: set[str], mood: int) -> dict[str, np.ndarray]:
    """Return the look's colours, 3x1x1, changed by the features and slightly by the prompt as a whole."""
    colours = {name: np.float32(look['palette'][name])
               for name in ('zenith', 'horizon', 'sun', 'far', 'near')}
    bends = {'sunset': {'zenith': (.33, .26, .52), 'horizon': (1., .62, .36), 'sun': (1., .90, .62),
                        'far': (.62, .36, .46)},
             'night': {'zenith': (.03, .05, .16), 'horizon': (.20, .30, .48), 'sun': (.97, .96, .88),
                       'far': (.15, .21, .36),
                       'near': (.03, .05, .11)}}
    for feature in ('sunset', 'night'):
        for name, colour in bends[feature].items() if feature in has else ():
            colours[name] = colours[name] * .25 + np.float32(colour) * .75
    turn = (mood % 1000 / 1000 - .5) * .5  # a slight shift of hue, so that prompts with the same features differ
    axis = np.float32([1, 1, 1]) / np.sqrt(3)
    for name in ('zenith', 'horizon', 'far', 'near'):
        c = colours[name]
        turned = c * np.cos(turn) + np.cross(axis, c) * np.sin(turn) + axis * axis.dot(c) * (1 - np.cos(turn))
        colours[name] = np.clip(turned, 0, 1).astype(np.float32)
    return {name: _planes(colour) for name, colour in colours.items()}


def _sky(x, y, palette, sun, rng, has, aspect):
    """Paint a gradient, stars, sun or moon, and clouds."""
    height, width = x.shape
    t = np.clip(y / .72, 0, 1)
    t = t * t * (3 - 2 * t)
    sky = palette['zenith'] + (palette['horizon'] - palette['zenith']) * t
    stars = rng.random((160, 3))
    if 'night' in has:
        rows, columns = (stars[:, 0] * .6 * height).astype(int), (stars[:, 1] * width).astype(int)
        size = max(1, round(height / 700))
        for row, column, light in zip(rows, columns, stars[:, 2] ** 2, strict=True):
            sky[:, row:row + size, column:column + size] += np.float32(.15 + .8 * light)
    distance = np.hypot(x - sun[0], y - sun[1])
    glow = np.exp(-distance * 5) * .55 + np.exp(-distance * 1.6) * .22
    disc = np.clip((.055 - distance) * height * .5 + .5, 0, 1)
    sky += (palette['sun'] - sky * .6) * glow
    _cover(sky, palette['sun'] * .35 + .65, disc)
    field = _clouds(width, height, aspect, rng)
    cover = .50 if 'clouds' in has else .60
    amount = np.clip((field - cover) * 4, 0, 1) * np.clip(1.25 - y / .72, 0, 1) * .8
    lit = palette['horizon'] * .4 + palette['sun'] * .3 + (.02 if 'night' in has else .32)
    _cover(sky, np.clip(lit * (.9 + .3 * glow), 0, 1), amount)
    return sky


def _clouds(width, height, aspect, rng):
    """Return value noise, stretched sideways."""
    field = np.zeros((height, width), np.float32)
    for octave in range(5):
        rows, weight = 4 * 2 ** octave, .5 ** (octave + 1)
        grid = rng.random((rows, rows * 2)).astype(np.float32)
        grid = grid[:, :max(2, min(rows * 2, round(rows * aspect * .55)))]
        field += weight * np.asarray(Image.fromarray(grid).resize((width, height), Image.Resampling.BICUBIC))
    return (field - .5) * 1.35 + .5


def _ridge(x, near, rng, has):
    """Return the skyline of one layer, as the height of each column."""
    line = np.full(x.shape, .48 + near * .36, np.float32)
    wild = .17 * (1 - near) + .07
    for octave in range(6):
        knots = rng.random(3 + 3 * 2 ** octave)
        at = x * (len(knots) - 1) / 3.2  # 3.2 heights is wider than any image
        low = np.floor(at).astype(int) % (len(knots) - 1)
        bend = at - np.floor(at)
        bend = bend * bend * (3 - 2 * bend) if octave < 3 else bend
        line += (knots[low] * (1 - bend) + knots[low + 1] * bend - .5) * wild * .52 ** octave
    teeth = rng.random((2, 400))
    if 'forest' in has and near >= .5:
        at = x / (.012 + .016 * near)
        tall = (.018 + .045 * near) * (.5 + teeth[0, at.astype(int) % 400])
        line -= np.abs(1 - 2 * np.abs(at % 1 - .5)) * tall
    if 'city' in has and .25 <= near < 1:
        block = (x / (.028 + .03 * near)).astype(int) % 400
        line = line.mean() - (.02 + .24 * teeth[1, block] ** 1.6) * (1.25 - near)
    return line


def _windows(x, y, ground, rng):
    """Return the mask of the city's lit windows."""
    lit = rng.random((200, 400)) > .8
    column, row = x / .0095, y / .013
    inside = (abs(column % 1 - .5) < .24) & (abs(row % 1 - .5) < .26)
    inside = inside & (y > ground + .006) & (y < ground + .2)
    return lit[row.astype(int) % 200, column.astype(int) % 400] & inside


def _water(picture, x, y, shore, palette, rng):
    """Mirror the scene above the shore below it, rippled and tinted."""
    height, width = x.shape
    top = int(shore * height)
    below = height - top
    depth = np.arange(below)[:, None] / max(below, 1)
    phase = rng.uniform(0, 6.28, 3)
    wave = sum(np.sin(depth * often * 6.28 + phase[i] + x[:below] * (2 + i))
               for i, often in enumerate((9, 17, 31))) / 3
    rows = top - 1 - np.arange(below)[:, None] * .95 + wave * depth * .035 * height
    rows = np.clip(rows, 0, top - 1).astype(int)
    columns = np.clip(np.arange(width)[None] + wave * depth * .02 * height, 0, width - 1).astype(int)
    tint = (palette['zenith'] * .6 + palette['far'] * .4)
    fade = .22 + .38 * depth
    water = picture[:, rows, columns] * (1 - fade) + tint * fade
    water += np.clip(wave, .55, 1) * .10 * palette['sun'] - .055 * palette['sun']
    return np.concatenate([picture[:, :top], water.astype(np.float32)], axis=1)


def _stamp(picture, name, x, base, size, colour):
    """Put a silhouette on the image: centre, foot and size in heights."""
    height, width = picture.shape[1:]
    side = max(4, int(size * height))
    mask = Image.new('L', (side * 2, side * 2))
    draw = ImageDraw.Draw(mask)
    for kind, numbers in SHAPES[name]:
        points = [n * side * 2 for n in numbers]
        if kind == 'arc':
            draw.arc(points[:4], *numbers[4:6], fill=255, width=max(2, int(points[6])))
        else:
            getattr(draw, kind)(points, fill=255)
    alpha = np.asarray(mask.resize((side, side), Image.Resampling.LANCZOS), np.float32) / 255
    left, top = int(x * height) - side // 2, int(base * height) - side
    inside = (slice(max(top, 0), max(min(top + side, height), 0)), slice(max(left, 0), max(min(left + side, width), 0)))
    part = alpha[inside[0].start - top:inside[0].stop - top, inside[1].start - left:inside[1].stop - left]
    _cover(picture[:, inside[0], inside[1]], colour, part)


def _finish(picture, x, y, aspect, look, has):
    """Apply vignette, LoRA tint, contrast and saturation."""
    centre = np.hypot((x - aspect / 2) / aspect, y - .5)
    picture = picture * (_planes(look['tint']) * (1.04 - .5 * centre ** 2))
    haze = np.float32(look['haze'])
    if haze:
        picture = picture * (1 - haze) + haze * picture.mean((1, 2), keepdims=True) * 1.15
    grey = picture.mean(0, keepdims=True)
    _cover(picture, grey, 1 - _planes(look['saturation']))
    picture -= .5
    picture *= _planes(look['contrast'])
    picture += .5
    if 'poster' in has:
        picture = np.round(picture * 7) / 7
    return np.ascontiguousarray(np.moveaxis(np.clip(picture, 0, 1, out=picture), 0, -1), np.float32)
