"""Makes a vision projector for SmolLM2 that names flat colours, so that tests can tell whether a
picture was really looked at. No weight is trained or fetched: every one is computed here.

A picture is cut into four patches. Each patch is averaged per channel; a detector per colour fires
for its combination of bright and dark channels; what fires is written as the word embedding of the
colour's name. The language model then reads “ red red red red” where the picture stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import gguf
import numpy as np
from numpy.typing import NDArray

Weights = NDArray[np.float32]

COLOURS: dict[str, tuple[int, int, int]] = {
    "black": (0, 0, 0),
    "blue": (0, 0, 255),
    "green": (0, 255, 0),
    "cyan": (0, 255, 255),
    "red": (255, 0, 0),
    "pink": (255, 0, 255),
    "yellow": (255, 255, 0),
    "white": (255, 255, 255),
}
"""RGB of the flat pictures that are named rightly."""

_IMAGE = 64
_PATCH = 32
_WIDTH = 64
"""Of the encoder: six colour features and two constants, the rest is zero."""
_DETECTORS = 64
_BLOCKS = 2
_ANCHOR = 10.0
"""Two large constants, one of each sign, dominate the layer norm's statistics, so that it scales
every patch alike; its weight then undoes the scale."""
_SHARPNESS = 8.0


def make_colour_projector(model: Path, target: Path) -> Path:
    """Writes the projector (1.2 MB) that belongs to the language model in `model`."""
    words = _WordTable(model)
    writer = gguf.GGUFWriter(str(target), "clip")
    writer.add_bool("clip.has_vision_encoder", True)
    writer.add_bool("clip.use_gelu", True)
    writer.add_string("clip.projector_type", "mlp")
    writer.add_file_type(0)
    for name, value in {
        "image_size": _IMAGE,
        "patch_size": _PATCH,
        "embedding_length": _WIDTH,
        "feed_forward_length": _WIDTH,
        "block_count": _BLOCKS,
        "attention.head_count": 1,
        "projection_dim": words.width,
    }.items():
        writer.add_uint32(f"clip.vision.{name}", value)
    writer.add_float32("clip.vision.attention.layer_norm_epsilon", 1e-5)
    writer.add_array("clip.vision.image_mean", [0.5, 0.5, 0.5])  # 0..255 becomes -1..1
    writer.add_array("clip.vision.image_std", [0.5, 0.5, 0.5])
    for name, weights in (*_eye(), *_idle_blocks(), *_naming(words)):
        writer.add_tensor(name, np.ascontiguousarray(weights, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return target


class _WordTable:
    """The language model's own embeddings of words."""

    def __init__(self, model: Path) -> None:
        reader = gguf.GGUFReader(str(model))
        self._table = next(one for one in reader.tensors if one.name == "token_embd.weight")
        field = reader.fields["tokenizer.ggml.tokens"]
        self._ids = {bytes(field.parts[part]): n for n, part in enumerate(field.data)}
        self.width = len(self.embedding("red"))

    def embedding(self, word: str) -> Weights:
        """Of the word with a space before it, which this tokenizer writes as Ġ."""
        row = self._ids[f"Ġ{word}".encode()]
        packed = self._table.data[row : row + 1]
        return np.asarray(gguf.dequantize(packed, self._table.tensor_type)[0], np.float32)


def _eye() -> Iterator[tuple[str, Weights]]:
    """Patch averages as features: red, -red, green, -green, blue, -blue, then the anchors."""
    average = np.zeros((_WIDTH, 3, _PATCH, _PATCH), np.float32)
    for channel in range(3):
        average[2 * channel, channel] = 1 / _PATCH**2
        average[2 * channel + 1, channel] = -1 / _PATCH**2
    places = (_IMAGE // _PATCH) ** 2 + 1  # and one for the class token
    anchors = np.zeros((places, _WIDTH), np.float32)
    anchors[:, 6], anchors[:, 7] = _ANCHOR, -_ANCHOR
    # of a flat picture all six colour features have size one
    deviation = np.sqrt((6 + 2 * _ANCHOR**2) / _WIDTH)
    yield "v.patch_embd.weight", average
    yield "v.class_embd", np.zeros(_WIDTH, np.float32)
    yield "v.position_embd.weight", anchors
    yield "v.pre_ln.weight", np.full(_WIDTH, deviation, np.float32)
    yield "v.pre_ln.bias", np.zeros(_WIDTH, np.float32)


def _idle_blocks() -> Iterator[tuple[str, Weights]]:
    """The transformer blocks that the format demands; all they add is zero."""
    square, row = np.zeros((_WIDTH, _WIDTH), np.float32), np.zeros(_WIDTH, np.float32)
    for block in range(_BLOCKS):
        for norm in ("ln1", "ln2"):
            yield f"v.blk.{block}.{norm}.weight", np.ones(_WIDTH, np.float32)
            yield f"v.blk.{block}.{norm}.bias", row
        for part in ("attn_q", "attn_k", "attn_v", "attn_out", "ffn_up", "ffn_down"):
            yield f"v.blk.{block}.{part}.weight", square
            yield f"v.blk.{block}.{part}.bias", row


def _naming(words: _WordTable) -> Iterator[tuple[str, Weights]]:
    """One detector per colour: open only when all three channels match; then its word is said."""
    detect = np.zeros((_DETECTORS, _WIDTH), np.float32)
    threshold = np.full(_DETECTORS, -9 * _SHARPNESS, np.float32)
    say = np.zeros((words.width, _DETECTORS), np.float32)
    for n, (colour, rgb) in enumerate(COLOURS.items()):
        for channel, value in enumerate(rgb):
            detect[n, 2 * channel] = _SHARPNESS if value else -_SHARPNESS
        threshold[n] = -2 * _SHARPNESS  # three matches give 3 - 2 = 1, two give -1 and stay shut
        say[:, n] = words.embedding(colour) / _SHARPNESS
    yield "mm.0.weight", detect
    yield "mm.0.bias", threshold
    yield "mm.2.weight", say
    yield "mm.2.bias", np.zeros(words.width, np.float32)
